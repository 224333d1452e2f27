"""wav2vec 2.0, HuBERT, WavLM, XLS-R and MMS, self-supervised or fine-tuned to letters or phones, on torchaudio's
networks: weights from Hugging Face, or those that torchaudio.pipelines describes.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torchaudio

from lexicon.errors import UserError
from lexicon.files import read_json
from pipeline.encoders.encoder import LONGEST_S, SAMPLE_RATE, Encoder, layer_names
from pipeline.encoders.weights import Weights

State = dict[str, torch.Tensor]
KINDS = ("wav2vec2", "hubert", "wavlm")  # model_type of Hugging Face's config.json
# Settings of config.json under which the network is another one than torchaudio's.
ELSEWHERE = {"adapter_attn_dim": None, "conv_pos_batch_norm": False, "feat_proj_layer_norm": True}
LABELS_BLANK = "-"


@dataclass(frozen=True)
class Plan:
    """What a network is made of, with ``state`` as its parameters, and how it is spoken to and understood."""

    make: Callable[[], Any]
    state: State
    shapes: list[tuple[int, int, int]]  # channels, kernel and stride of each convolution
    normalise: float | None  # of an utterance: what is added to the variance; None: it is taken as it is
    labels: Mapping[int, str]  # what the outputs stand for; none of a model that was not fine-tuned
    blank: int


class Wav2Vec(Encoder):
    """Frame j is centred in what its convolutions see: with the usual ones, 25 ms from sample 320 j."""

    def __init__(self, model: Any, plan: Plan, weights: Weights):
        self.model, self.plan, self.weights = model, plan, weights
        self.transformer = model.encoder.transformer
        first_normed = self.transformer.layer_norm_first  # else behind the last block
        self.layers = layer_names(len(self.transformer.layers), norm=not first_normed)
        self.width = self.transformer.layer_norm.normalized_shape[0]
        self.shift = math.prod(stride for _, _, stride in plan.shapes)
        self.longest = LONGEST_S * SAMPLE_RATE // self.shift
        field, step = 1, 1
        for _, kernel, stride in plan.shapes:
            field, step = field + (kernel - 1) * step, step * stride
        self.offset = (field - 1) / 2

    def num_frames(self, num_samples: int) -> int:
        for _, kernel, stride in self.plan.shapes:
            num_samples = (num_samples - kernel) // stride + 1
        return max(0, num_samples)

    def prepare(self, samples: np.ndarray) -> np.ndarray:
        if self.plan.normalise is None:
            return samples
        exact = np.asarray(samples, np.float64)
        return (exact - exact.mean()) / np.sqrt(exact.var() + self.plan.normalise)

    def hear(self, samples: torch.Tensor, depth: int) -> list[torch.Tensor]:
        x, _ = self.model.feature_extractor(samples[None], None)
        x = self.model.encoder.feature_projection(x)
        x = x + self.transformer.pos_conv_embed(x)
        if self.transformer.layer_norm_first:
            x = self.transformer.layer_norm(x)
        layers, bias = [x], None
        for block in self.transformer.layers[: depth - 1]:
            x, bias = block(x, None, position_bias=bias)  # WavLM hands its bias on
            layers.append(x)
        if depth > len(layers):
            layers.append(self.transformer.layer_norm(x))
        return [layer[0] for layer in layers]

    def can_write(self) -> None:
        if self.model.aux is None:
            raise UserError(f"{self.weights.path}: not fine-tuned to letters, so it writes none; take one that is")

    def words(self, samples: np.ndarray) -> str:
        """Its letters, or phones: the likeliest output of each frame, repetitions and blanks left out."""
        self.can_write()
        labels = self.plan.labels
        best = self.model.aux(torch.from_numpy(self.encode(samples, self.layers[-1:])[0])).argmax(1).tolist()
        kept = [one for one, before in zip(best, [None, *best]) if one not in (before, self.plan.blank)]
        if any(len(label) > 1 for label in labels.values()):
            return " ".join(labels[one] for one in kept if one in labels)
        return "".join(labels.get(one, "") for one in kept).replace("|", " ").strip()


def wav2vec_plan(weights: Weights) -> Plan:
    """What a file of weights is, and how to build it. UserError if it is none of these networks."""
    try:
        return _bundled(weights) if weights.kind == "pt" else _hugging_face(weights)
    except (KeyError, ValueError, IndexError, TypeError) as error:
        raise UserError(
            f"{weights.path}: not the weights of a wav2vec 2.0, HuBERT or WavLM ({error}); fetch the model again"
        ) from error


@functools.cache
def bundles() -> dict[str, Any]:
    """torchaudio's descriptions of models, by the name of their file. What they say of the network is private to
    torchaudio, whose version is pinned; their own loader would download, and unpickle."""
    found = [getattr(torchaudio.pipelines, name) for name in torchaudio.pipelines.__all__]
    return {Path(one._path).name: one for one in found if isinstance(one, torchaudio.pipelines.Wav2Vec2Bundle)}


def _bundled(weights: Weights) -> Plan:
    bundle = bundles().get(weights.path.name)
    if bundle is None:
        raise ValueError("torchaudio knows no file of that name")
    factory = torchaudio.models.wavlm_model if bundle._model_type == "WavLM" else torchaudio.models.wav2vec2_model
    params, state = bundle._params, _weight_norm(weights.arrays)
    labels: tuple[str, ...] = bundle.get_labels(blank=LABELS_BLANK) if hasattr(bundle, "get_labels") else ()
    for name in ("aux.weight", "aux.bias"):
        if name in state:  # outputs that fairseq has and never trained
            kept = [row for row in range(len(state[name])) if row not in bundle._remove_aux_axis]
            state[name] = state[name][kept]
    return Plan(
        lambda: factory(**params),
        state,
        params["extractor_conv_layer_config"],
        1e-5 if bundle._normalize_waveform else None,
        {number: label for number, label in enumerate(labels) if number},
        0,
    )


def _hugging_face(weights: Weights) -> Plan:
    config, wavlm = weights.config, weights.config.get("model_type") == "wavlm"
    for name, value in ELSEWHERE.items():
        if config.get(name, value) != value:
            raise ValueError(f"{name} is {config[name]!r}, which is not built here")
    state = from_hugging_face(weights.arrays, wavlm)
    shape = {name: tuple(array.shape) for name, array in state.items()}

    convolutions: list[tuple[int, int, int]] = []
    for stride in config["conv_stride"]:
        channels, _, kernel = shape[f"feature_extractor.conv_layers.{len(convolutions)}.conv.weight"]
        if type(stride) is not int or not 1 <= stride <= kernel:
            raise ValueError(f"conv_stride {stride!r}")
        convolutions.append((channels, kernel, stride))
    if f"feature_extractor.conv_layers.{len(convolutions)}.conv.weight" in shape:
        raise ValueError(f"conv_stride of {len(convolutions)} convolutions, there are more")
    layer_normed = "feature_extractor.conv_layers.1.layer_norm.weight" in shape
    width, per_group, kernel = shape["encoder.transformer.pos_conv_embed.conv.parametrizations.weight.original1"]
    blocks = [f"encoder.transformer.layers.{number}." for number in range(len(shape))]
    blocks = [block for block in blocks if block + "layer_norm.weight" in shape]
    build = functools.partial(
        torchaudio.models.wavlm_model if wavlm else torchaudio.models.wav2vec2_model,
        extractor_mode="layer_norm" if layer_normed else "group_norm",
        extractor_conv_layer_config=convolutions,
        extractor_conv_bias="feature_extractor.conv_layers.0.conv.bias" in shape,
        encoder_embed_dim=width,
        encoder_projection_dropout=0.0,
        encoder_pos_conv_kernel=kernel,
        encoder_pos_conv_groups=width // per_group,
        encoder_num_layers=len(blocks),
        encoder_num_heads=weights.number("num_attention_heads", 1, 1000),
        encoder_attention_dropout=0.0,
        encoder_ff_interm_features=shape[blocks[0] + "feed_forward.intermediate_dense.weight"][0],
        encoder_ff_interm_dropout=0.0,
        encoder_dropout=0.0,
        encoder_layer_norm_first=config.get("do_stable_layer_norm", False) is True,
        encoder_layer_drop=0.0,
        aux_num_out=shape["aux.weight"][0] if "aux.weight" in shape else None,
    )
    if wavlm:
        buckets = shape["encoder.transformer.layers.0.attention.rel_attn_embed.weight"][0]
        distance = weights.number("max_bucket_distance", 1, 1_000_000)
        build = functools.partial(build, encoder_num_buckets=buckets, encoder_max_distance=distance)
    preprocessor = _beside(weights, "preprocessor_config.json")
    labels = {token: label for label, token in _beside(weights, "vocab.json").items() if type(token) is int}
    return Plan(
        build,
        state,
        convolutions,
        1e-7 if preprocessor.get("do_normalize", layer_normed) else None,
        {token: label for token, label in labels.items() if not re.fullmatch(r"<.*>", label)},
        config.get("pad_token_id", 0),
    )


def _beside(weights: Weights, name: str) -> dict[str, Any]:
    """A JSON object of the model's folder, empty where there is no such file."""
    path = weights.folder / name
    try:
        value = read_json(path) if path.is_file() else {}
        if not isinstance(value, dict):
            raise ValueError("not an object")
        return value
    except ValueError as error:
        raise UserError(f"{path}: not what belongs to a model ({error}); fetch it again") from error


def from_hugging_face(arrays: Mapping[str, torch.Tensor], wavlm: bool) -> State:
    """Parameters as torchaudio names them; those of training alone stay as they are, nobody asks for them."""
    state = {}
    for name, array in arrays.items():
        name = re.sub(r"^(wav2vec2|hubert|wavlm)\.", "", name)
        name = re.sub(r"^encoder\.", "encoder.transformer.", name)
        name = re.sub(r"^feature_projection\.", "encoder.feature_projection.", name)
        state[re.sub(r"^lm_head\.", "aux.", name)] = array
    state = _weight_norm(state)
    if not wavlm:
        return state
    for name in [name for name in state if name.endswith(".attention.q_proj.weight")]:  # three projections are one
        block = name.removesuffix("q_proj.weight")
        for kind in ("weight", "bias"):
            state[f"{block}attention.in_proj_{kind}"] = torch.cat(
                [state.pop(f"{block}{one}_proj.{kind}") for one in "qkv"]
            )
            state[f"{block}attention.out_proj.{kind}"] = state.pop(f"{block}out_proj.{kind}")
    return state


def _weight_norm(arrays: Mapping[str, torch.Tensor]) -> State:
    """Length and direction of a normalised weight, by the names that torch gives them today."""
    new = {"weight_g": "parametrizations.weight.original0", "weight_v": "parametrizations.weight.original1"}
    return {re.sub(r"weight_[gv]$", lambda found: new[found[0]], name): array for name, array in arrays.items()}
