"""Files of weights: what is damaged, hostile or somebody else's is one line; nothing in them runs."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from lexicon.errors import UserError
from pipeline.encoders.ctranslate2 import read_ctranslate2
from pipeline.encoders.tokens import BYTE_OF, read_tokens
from pipeline.encoders.weights import read_weights
from pipeline.encoders.whisper import Whisper
from tests.helpers.encoders import (
    REAL,
    ctranslate2_arrays,
    load,
    model_bin,
    whisper_network,
    write_ctranslate2,
    write_hugging_face,
    write_openai,
    write_wav2vec,
)

SOUND = np.random.default_rng(2).normal(0, 0.1, 8_000).astype(np.float32)


def one_line(folder: Path, match: str, read=load) -> None:
    with pytest.raises(UserError, match=match) as told:
        read(folder)
    assert "\n" not in str(told.value)


def test_ctranslate2_quantised(tmp_path):
    """int8 with a scale for each row, int16 with one, bfloat16: as the numbers that they stand for."""
    rows = np.array([[100, -50], [3, 127]], np.int8)
    arrays = {"a": rows, "a_scale": np.array([100, 2], np.float32)}
    arrays |= {"b": np.array([[1000, -2000]], np.int16), "b_scale": np.array(1000, np.float32)}
    half = np.array([1.5, -2.25], np.float32)
    data = model_bin({**arrays, "c": half.astype(np.float16)})
    (tmp_path / "model.bin").write_bytes(data)
    found = read_ctranslate2(tmp_path / "model.bin")
    assert found["a"].tolist() == [[1, -0.5], [1.5, 63.5]] and found["b"].tolist() == [[1, -2]]
    assert found["c"].tolist() == [1.5, -2.25] and set(found) == {"a", "b", "c"}
    upper = (half.view(np.uint32) >> 16).astype(np.uint16).tobytes()
    as_float16 = half.astype(np.float16).tobytes()
    (tmp_path / "model.bin").write_bytes(data.replace(b"\x04\x04\0\0\0" + as_float16, b"\x05\x04\0\0\0" + upper))
    assert read_ctranslate2(tmp_path / "model.bin")["c"].tolist() == [1.5, -2.25]


HOSTILE = {
    "empty": (b"", "it ends at once"),
    "version": (model_bin({}, version=5), "binary version 5"),
    "spec": (model_bin({}, spec="TransformerSpec"), "made for TransformerSpec"),
    "count": (model_bin({})[:-42].replace(struct.pack("<II", 3, 0), struct.pack("<II", 3, 2**32 - 1)), "variables"),
    "shape": (
        model_bin({"a": np.zeros(2, np.float32)}).replace(struct.pack("<BI", 1, 2), struct.pack("<BI", 1, 2**31)),
        "a: 8 bytes for the shape",
    ),
    "huge": (
        model_bin({"a": np.zeros((1, 1), np.int8)}).replace(
            struct.pack("<BIIBI", 2, 1, 1, 1, 1), struct.pack("<BIIBI", 2, 2**16, 2**15, 1, 2**31)
        ),
        "a: 2147483648 bytes promised",
    ),
    "type": (
        model_bin({"a": np.zeros(2, np.int8)}).replace(b"\x01\x02\0\0\0\x00\x00", b"\x09\x02\0\0\0\x00\x00"),
        "type 9",
    ),
    "twice": (
        model_bin({"a": np.zeros(1, np.int8), "b": np.zeros(1, np.int8)}).replace(b"\x02\0b\0", b"\x02\0a\0"),
        "a for the second time",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_ctranslate2_refused(tmp_path, name):
    data, why = HOSTILE[name]
    (tmp_path / "model.bin").write_bytes(data)
    one_line(tmp_path, why)


WHOLE = model_bin({name: array[:1] for name, array in ctranslate2_arrays(whisper_network()).items() if array.ndim})


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(WHOLE) - 1), st.integers(1, 255), st.booleans())
def test_ctranslate2_of_other_bytes(tmp_path_factory, at, change, cut):
    """Wherever a byte is another one or the file ends: read, or one line."""
    path = tmp_path_factory.mktemp("fuzz") / "model.bin"
    path.write_bytes(WHOLE[:at] if cut else WHOLE[:at] + bytes([WHOLE[at] ^ change]) + WHOLE[at + 1 :])
    try:
        load(path.parent)
    except UserError as told:
        assert "\n" not in str(told)


class Program:
    def __reduce__(self):
        return exec, ("raise SystemExit('it ran')",)


def test_nothing_is_run(tmp_path):
    torch.save({"dims": {"n_audio_head": 4}, "model_state_dict": Program()}, tmp_path / "base.pt")
    one_line(tmp_path, "base.pt: holds other things than arrays")
    (tmp_path / "base.pt").write_bytes(b"\x80\x02nonsense")
    one_line(tmp_path, "base.pt: holds other things than arrays")
    (tmp_path / "base.pt").unlink()
    (tmp_path / "pytorch_model.bin").write_bytes(b"")
    one_line(tmp_path, "pytorch_model.bin: a format that can hold a program is not read; fetch model.safetensors")


def test_arrays_that_claim_more_than_they_are(tmp_path):
    state = whisper_network().state_dict()
    state["encoder.conv1.weight"] = torch.zeros(1).expand(100_000, 80_000, 3)
    torch.save({"dims": {"n_audio_head": 4}, "model_state_dict": state}, tmp_path / "base.pt")
    one_line(tmp_path, "arrays larger than the file")


def test_whisper_of_wrong_shapes(tmp_path):
    model = whisper_network()
    write_openai(tmp_path, model)
    file = torch.load(tmp_path / "small.pt", weights_only=True)
    for name, array, why in [
        ("encoder.blocks.1.mlp.0.weight", None, "encoder.blocks.1.mlp.0.weight is missing, expected"),
        ("encoder.blocks.1.mlp.0.weight", torch.zeros(3, 3), r"is \(3, 3\), expected \(128, 32\)"),
        ("encoder.conv1.weight", None, "not the weights of a Whisper"),
        (
            "encoder.ln_post.bias",
            torch.full((32,), torch.nan),
            "encoder.ln_post.bias holds numbers that are not finite",
        ),
    ]:
        state = {key: value for key, value in file["model_state_dict"].items() if key != name}
        torch.save(
            {**file, "model_state_dict": state | ({} if array is None else {name: array})}, tmp_path / "small.pt"
        )
        one_line(tmp_path, why)
    torch.save({**file, "dims": {"n_audio_head": 5}}, tmp_path / "small.pt")
    one_line(tmp_path, "5 heads of 32 dimensions")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"model_type": "bert"}, "model_type 'bert'; known are whisper, wav2vec2, hubert, wavlm"),
        ({"num_attention_heads": 0}, "num_attention_heads is 0; expected 1 to 1000"),
        ({"num_attention_heads": 5}, "sizes that no such network has"),
        ({"num_attention_heads": "4"}, "num_attention_heads is '4'"),
        ({"conv_stride": [5, 2]}, "conv_stride of 2 convolutions, there are more"),
        ({"conv_stride": [0] * 7}, "conv_stride 0"),
        ({"conv_stride": 7}, "not the weights"),
        ({"adapter_attn_dim": 16}, "adapter_attn_dim is 16, which is not built here"),
        ({"do_stable_layer_norm": 1}, ""),
    ],
)
def test_wav2vec_of_other_settings(tmp_path, change, why):
    write_wav2vec(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text()) | change
    (tmp_path / "config.json").write_text(json.dumps(config))
    if why:
        one_line(tmp_path, why)
    else:
        load(tmp_path)


def test_folders(tmp_path):
    one_line(tmp_path, "no weights in it; expected model.safetensors and config.json", read_weights)
    write_hugging_face(tmp_path)
    (tmp_path / "config.json").write_text("[1]")
    one_line(tmp_path, "config.json: not the settings of a model")
    (tmp_path / "config.json").unlink()
    one_line(tmp_path, "config.json: no such file; it belongs to the model")
    (tmp_path / "model.safetensors").write_bytes(b"\xff" * 100)
    one_line(tmp_path, "model.safetensors: not safetensors")


def test_weights_in_several_files(tmp_path):
    one = write_hugging_face(tmp_path / "one")
    whole = read_weights(one)
    names, several = list(whole.arrays), tmp_path / "several"
    several.mkdir()
    for number, part in enumerate((names[:20], names[20:]), 1):
        save_file({name: whole.arrays[name] for name in part}, several / f"model-0000{number}-of-00002.safetensors")
    (several / "config.json").write_bytes((one / "config.json").read_bytes())
    assert np.array_equal(load(several).encode(SOUND)[-1], load(one).encode(SOUND)[-1])


def vocabulary() -> list[str]:
    """Tokens of the small network: bytes as they are written, and the signs."""
    signs = ["<|endoftext|>", "<|startoftranscript|>", "<|transcribe|>", "<|notimestamps|>"]
    return [*BYTE_OF, *signs, *(f"<|{n / 50:.2f}|>" for n in range(300 - 256 - len(signs)))]


def test_vocabularies(tmp_path):
    texts, found = vocabulary(), []
    ids = {text: number for number, text in enumerate(texts)}
    for name, text in {
        "vocabulary.txt": "\n".join(texts) + "\n",
        "vocabulary.json": json.dumps(texts),
        "vocab.json": json.dumps(ids),
        "tokenizer.json": json.dumps(
            {
                "model": {"vocab": dict(list(ids.items())[:256])},
                "added_tokens": [{"content": text, "id": number} for text, number in list(ids.items())[256:]],
            }
        ),
    }.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
        found.append(read_tokens(tmp_path, 300))
        (tmp_path / name).unlink()
    assert all(one == found[0] for one in found)
    said = [ids[sign] for sign in "Ãľber"] if "ľ" in ids else []
    tokens = {byte: number for number, byte in enumerate(BYTE_OF.values())}
    assert found[0].text([tokens[byte] for byte in " Über ok".encode()] + [ids["<|endoftext|>"]]) == "Über ok"
    assert not said or found[0].text(said)
    never = found[0].never()
    assert {tokens[byte] for byte in b'"#()*+/:;<=>@[\\]^_`{|}~'} | set(range(257, 300)) == set(never)
    assert ids["<|endoftext|>"] in found[0].not_first() and tokens[ord(" ")] in found[0].not_first()

    (tmp_path / "vocabulary.txt").write_text("\n".join(texts[:256]), encoding="utf-8")
    one_line(tmp_path, r"<\|endoftext\|> is missing", lambda folder: read_tokens(folder, 300))
    (tmp_path / "vocabulary.txt").write_text("\n".join([*texts, "more"]), encoding="utf-8")
    one_line(tmp_path, "more tokens than the decoder's 300", lambda folder: read_tokens(folder, 300))


def test_words_need_a_decoder_and_a_vocabulary(tmp_path):
    encoder = load(write_ctranslate2(tmp_path))
    with pytest.raises(UserError, match="has a decoder but no vocabulary"):
        encoder.words(SOUND)
    (tmp_path / "vocabulary.txt").write_text("\n".join(vocabulary()), encoding="utf-8")
    encoder = load(tmp_path)
    assert isinstance(encoder, Whisper) and isinstance(encoder.words(SOUND), str)
    assert len(encoder.words(SOUND).encode()) <= 6 * 3  # half of its positions, at most U+FFFD each
    if REAL.is_dir():
        with pytest.raises(UserError, match="model.safetensors: only the encoder; its words need the decoder"):
            load(REAL).words(SOUND)
