"""Small encoders with random weights, written to disk as their publishers write them."""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
import torchaudio
from safetensors.torch import save_file

from pipeline.encoders.encoder import Encoder
from pipeline.encoders.load import encoder_of
from pipeline.encoders.weights import read_weights
from pipeline.encoders.whisper_model import Sizes, WhisperModel

REAL = Path(__file__).resolve().parents[3] / "shared/models/whisper-base-encoder"  # where CI has it
SIZES = Sizes(width=32, heads=4, bins=80, positions=150, blocks=3, text_positions=12, text_blocks=2, tokens=300)
CONVOLUTIONS = [(16, 10, 5), (16, 3, 2), (16, 3, 2), (16, 3, 2), (16, 3, 2), (16, 2, 2), (16, 2, 2)]


def whisper_network(sizes: Sizes = SIZES) -> WhisperModel:
    """The same one every time, its biases and gains not those that training begins with."""
    with torch.random.fork_rng():
        torch.manual_seed(7)
        model = WhisperModel(sizes)
        for name, parameter in model.named_parameters():
            if parameter.ndim == 1:
                parameter.data += 0.2 * torch.randn(parameter.shape)
    return model.eval().requires_grad_(False)


def write_openai(folder: Path, model: WhisperModel | None = None) -> Path:
    model = model or whisper_network()
    folder.mkdir(parents=True, exist_ok=True)
    dims = {"n_audio_head": model.sizes.heads, "n_mels": model.sizes.bins}
    torch.save({"dims": dims, "model_state_dict": model.state_dict()}, folder / "small.pt")
    return folder


# As transformers calls them, written by hand from its modeling_whisper.py.
TO_HUGGING_FACE = (
    (r"encoder\.ln_post", "encoder.layer_norm"),
    (r"decoder\.ln\.", "decoder.layer_norm."),
    (r"token_embedding", "embed_tokens"),
    (r"positional_embedding", "embed_positions.weight"),
    (r"blocks\.(\d+)\.attn_ln", r"layers.\1.self_attn_layer_norm"),
    (r"blocks\.(\d+)\.cross_attn_ln", r"layers.\1.encoder_attn_layer_norm"),
    (r"blocks\.(\d+)\.mlp_ln", r"layers.\1.final_layer_norm"),
    (r"blocks\.(\d+)\.mlp\.0", r"layers.\1.fc1"),
    (r"blocks\.(\d+)\.mlp\.2", r"layers.\1.fc2"),
    (r"blocks\.(\d+)\.attn", r"layers.\1.self_attn"),
    (r"blocks\.(\d+)\.cross_attn", r"layers.\1.encoder_attn"),
    (r"\.query\.", ".q_proj."),
    (r"\.key\.", ".k_proj."),
    (r"\.value\.", ".v_proj."),
    (r"\.out\.", ".out_proj."),
)


def hugging_face_names(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    found = {}
    for name, array in state.items():
        for pattern, replacement in TO_HUGGING_FACE:
            name = re.sub(pattern, replacement, name)
        found["model." + name] = array.contiguous()
    return found


def write_hugging_face(folder: Path, model: WhisperModel | None = None) -> Path:
    model = model or whisper_network()
    folder.mkdir(parents=True, exist_ok=True)
    save_file(hugging_face_names(model.state_dict()), folder / "model.safetensors")
    (folder / "config.json").write_text(
        json.dumps({"model_type": "whisper", "encoder_attention_heads": model.sizes.heads})
    )
    return folder


def ctranslate2_arrays(model: WhisperModel) -> dict[str, np.ndarray]:
    """Arrays as a model.bin of faster-whisper has them (its names and shapes were listed from one)."""
    state = {name: array.numpy() for name, array in model.state_dict().items()}
    found: dict[str, np.ndarray] = {}

    def norm(ours: str, theirs: str) -> None:
        found[f"{theirs}/gamma"], found[f"{theirs}/beta"] = state[f"{ours}.weight"], state[f"{ours}.bias"]

    def linear(ours: list[str], theirs: str) -> None:
        found[f"{theirs}/weight"] = np.concatenate([state[f"{name}.weight"] for name in ours])
        width = found[f"{theirs}/weight"].shape[0] // len(ours)
        found[f"{theirs}/bias"] = np.concatenate([state.get(f"{name}.bias", np.zeros(width, "f")) for name in ours])

    for side, blocks in (("encoder", model.sizes.blocks), ("decoder", model.sizes.text_blocks)):
        found[f"{side}/num_heads"] = np.array(model.sizes.heads, np.int16)
        found[f"{side}/position_encodings/encodings"] = state[f"{side}.positional_embedding"]
        norm(f"{side}.ln_post" if side == "encoder" else "decoder.ln", f"{side}/layer_norm")
        for number in range(blocks):
            ours, theirs = f"{side}.blocks.{number}", f"{side}/layer_{number}"
            norm(f"{ours}.attn_ln", f"{theirs}/self_attention/layer_norm")
            linear([f"{ours}.attn.{name}" for name in ("query", "key", "value")], f"{theirs}/self_attention/linear_0")
            linear([f"{ours}.attn.out"], f"{theirs}/self_attention/linear_1")
            norm(f"{ours}.mlp_ln", f"{theirs}/ffn/layer_norm")
            linear([f"{ours}.mlp.0"], f"{theirs}/ffn/linear_0")
            linear([f"{ours}.mlp.2"], f"{theirs}/ffn/linear_1")
            if side == "decoder":
                norm(f"{ours}.cross_attn_ln", f"{theirs}/attention/layer_norm")
                linear([f"{ours}.cross_attn.query"], f"{theirs}/attention/linear_0")
                linear([f"{ours}.cross_attn.{name}" for name in ("key", "value")], f"{theirs}/attention/linear_1")
                linear([f"{ours}.cross_attn.out"], f"{theirs}/attention/linear_2")
    for name in ("conv1", "conv2"):
        linear([f"encoder.{name}"], f"encoder/{name}")
    found["decoder/embeddings/weight"] = state["decoder.token_embedding.weight"]
    return dict(sorted(found.items()))


NUMBER_OF_TYPE = {"float32": 0, "int8": 1, "int16": 2, "int32": 3, "float16": 4}


def model_bin(arrays: Mapping[str, np.ndarray], version: int = 6, spec: str = "WhisperSpec") -> bytes:
    """The bytes of a CTranslate2 model."""

    def string(text: str) -> bytes:
        return struct.pack("<H", len(text) + 1) + text.encode() + b"\0"

    out = struct.pack("<I", version) + string(spec) + struct.pack("<II", 3, len(arrays))
    for name, array in arrays.items():
        out += string(name) + struct.pack(f"<B{array.ndim}I", array.ndim, *array.shape)
        out += struct.pack("<BI", NUMBER_OF_TYPE[array.dtype.name], array.nbytes) + array.tobytes()
    return out + struct.pack("<I", 1) + string("decoder/projection/weight") + string("decoder/embeddings/weight")


def write_ctranslate2(folder: Path, model: WhisperModel | None = None) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.bin").write_bytes(model_bin(ctranslate2_arrays(model or whisper_network())))
    return folder


def wav2vec_network(kind: str = "wav2vec2", large: bool = False, letters: int | None = None):
    """A small network of torchaudio's; ``large`` normalises as the large models do."""
    with torch.random.fork_rng():
        torch.manual_seed(3)
        model = (torchaudio.models.wavlm_model if kind == "wavlm" else torchaudio.models.wav2vec2_model)(
            extractor_mode="layer_norm" if large else "group_norm",
            extractor_conv_layer_config=CONVOLUTIONS,
            extractor_conv_bias=large,
            encoder_embed_dim=32,
            encoder_projection_dropout=0.0,
            encoder_pos_conv_kernel=16,
            encoder_pos_conv_groups=4,
            encoder_num_layers=3,
            encoder_num_heads=4,
            encoder_attention_dropout=0.0,
            encoder_ff_interm_features=48,
            encoder_ff_interm_dropout=0.0,
            encoder_dropout=0.0,
            encoder_layer_norm_first=large,
            encoder_layer_drop=0.0,
            aux_num_out=letters,
            **({"encoder_num_buckets": 32, "encoder_max_distance": 80} if kind == "wavlm" else {}),
        )
        for parameter in model.parameters():
            if parameter.ndim == 1:
                parameter.data += 0.2 * torch.randn(parameter.shape)
    return model.eval().requires_grad_(False)


def wav2vec_names(model, kind: str) -> dict[str, torch.Tensor]:
    """As transformers calls them, for `...ForCTC` where there are letters."""
    state, prefix = {}, f"{kind}." if model.aux is not None else ""
    for name, array in model.state_dict().items():
        name = name.replace("encoder.feature_projection.", "feature_projection.")
        name = name.replace("encoder.transformer.", "encoder.")
        name = name.replace("parametrizations.weight.original0", "weight_g")
        name = name.replace("parametrizations.weight.original1", "weight_v")
        if ".attention.attention.in_proj_" in name:
            for part, rows in zip("qkv", array.chunk(3)):
                new = re.sub(r"attention\.attention\.in_proj_", f"attention.{part}_proj.", name)
                state[prefix + new] = rows.contiguous()
            continue
        name = name.replace(".attention.attention.", ".attention.")
        state[name.replace("aux.", "lm_head.") if name.startswith("aux.") else prefix + name] = array.contiguous()
    return state


def write_wav2vec(folder: Path, kind: str = "wav2vec2", large: bool = False, letters: str = "") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    save_file(wav2vec_names(wav2vec_network(kind, large, len(letters) or None), kind), folder / "model.safetensors")
    config = {"model_type": kind, "conv_stride": [stride for _, _, stride in CONVOLUTIONS]}
    config |= {"num_attention_heads": 4, "do_stable_layer_norm": large, "max_bucket_distance": 80, "pad_token_id": 0}
    (folder / "config.json").write_text(json.dumps(config))
    if letters:
        (folder / "vocab.json").write_text(json.dumps({letter: number for number, letter in enumerate(letters)}))
    return folder


def load(folder: Path, control: str = "") -> Encoder:
    return encoder_of(read_weights(folder), control)
