"""Phones pulled out of an encoder from outside, as systems: trained, tuned, decoded, aligned and heard like others."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.encoders import whisper_network, write_ctranslate2, write_hugging_face
from helpers.projects import copied_project
from helpers.projects import make as make_there

from lexicon.errors import UserError
from pipeline.encoders.extract import enter_layers, made_by
from pipeline.encoders.layers import layer_kinds
from pipeline.encoders.load import load_encoder
from pipeline.neural.config import EncoderConfig
from pipeline.neural.model import CtcModel, Encoder
from pipeline.sound.front_end import EXTRACTORS, FrontEnd, Raw, extractor_of, layer_norm
from pipeline.systems import load_system

GIVEN = (
    "SYSTEMS=gmm whisper_phones",
    "PAIR=gmm whisper_phones",
    "GMM_ARGS=--max-mix 1 --warm-up 3 --last 1",
    "WHISPER_PHONES_ARGS=--epochs 8 --trial-epochs 1 --min-updates 20",
    "ENCODER=small",
    "MODELS=models",
    "LAYERS=conv block2",
)


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    """A corpus of tones, and a small Whisper with random weights."""
    root = copied_project(tmp_path_factory.mktemp("project"))
    write_ctranslate2(root / "models/small")
    make_there(root, *GIVEN, "whisper_phones")
    return root


def make(project: Path, *words: str) -> str:
    """What make says there; of two values of a setting the last counts."""
    return make_there(project, *GIVEN, *words)


def test_it_is_trained_on_the_layer_that_is_best_on_dev(project):
    out = project / "exp/mine/whisper_phones"
    meta = json.loads((out / "meta.json").read_text())
    trials = {(trial["layer"], trial["subsampling"]): trial["dev_per"] for trial in meta["trials"]}
    assert list(trials) == [("small.conv", 1), ("small.conv", 2), ("small.block2", 1), ("small.block2", 2)]
    assert (meta["layer"], meta["settings"]["subsampling"]) == min(trials, key=lambda choice: trials[choice])
    assert meta["front_end"]["raw"]["kind"] == meta["layer"]
    assert meta["front_end"]["raw"]["encoder"] == made_by(load_encoder("small", project / "models"))
    assert not (out / "trial").exists()
    assert (out / "decode_test/wer.txt").is_file()
    assert "stages" not in make(project, "-n", "whisper_phones")


def test_a_recording_of_ones_own_is_heard_as_the_test_set_was(project):
    wav = "mine/test/ann/test0.wav"
    assert "  whisper_phones  " in make(project, "transcribe", f"WAV={wav}", "SYSTEMS=whisper_phones")
    assert "placed by whisper_phones" in make(project, "align", f"WAV={wav}", "TEXT=zero", "MODEL=whisper_phones")


def test_an_encoder_that_is_gone_or_another(project):
    raw = load_system(project / "exp/mine/whisper_phones").front_end.raw
    enter_layers([raw], project / "models")
    try:
        assert extractor_of(raw).encoder == raw.encoder
    finally:
        del EXTRACTORS[raw.kind]
    other = project / "other"
    network = whisper_network()
    network.encoder.conv1.bias.data += 1
    write_hugging_face(other / "small", network)
    with pytest.raises(UserError, match=r"small@\w+: not the encoder that the system was trained on, small@\w+; give"):
        enter_layers([raw], other)
    shutil.rmtree(other / "small")
    with pytest.raises(UserError, match='ENCODER="small": neither in .*other nor among the models'):
        enter_layers([raw], other)


def test_which_layers_there_are(tmp_path):
    (tmp_path / "tiny.en.json").write_text('{"layers": ["conv", "block1"]}')
    assert layer_kinds(tmp_path, "tiny.en.best") == ["tiny.en.conv", "tiny.en.block1"]
    assert layer_kinds(tmp_path, "tiny.en.block1") == ["tiny.en.block1"]
    assert layer_kinds(tmp_path, "mfcc") == ["mfcc"]
    with pytest.raises(UserError, match="base.json: does not say which layers there are"):
        layer_kinds(tmp_path, "base.best")


def test_rows_one_by_one_are_as_pytorch_normalises_them():
    rows = np.random.default_rng(0).normal(3, 5, (7, 12)).astype(np.float32)
    expected = torch.nn.functional.layer_norm(torch.from_numpy(rows), (12,)).numpy()
    np.testing.assert_allclose(layer_norm(rows), expected, atol=1e-5)
    front_end = FrontEnd("row", 0, 1, raw=Raw("x.block1", 16000, 12, 20.0))
    assert not front_end.by_speaker
    np.testing.assert_allclose(front_end.compose(rows, None)[3], expected[2:5].ravel(), atol=1e-5)


def test_a_linear_network_is_one_matrix_of_the_mean_of_rows():
    network = Encoder(EncoderConfig("linear", 4, 3, 128, 1, 3, 2, 0.3))
    network.mean[:], network.deviation[:] = 1.0, 2.0
    rows = np.random.default_rng(1).normal(size=(5, 4)).astype(np.float32)
    weight, bias = network.output.weight.detach().numpy(), network.output.bias.detach().numpy()
    means = np.stack([rows[:2].mean(0), rows[2:4].mean(0), rows[4]])
    logits = (means - 1) / 2 @ weight.T + bias
    expected = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    found = CtcModel(network, ["<blk>", "A", "B"], np.zeros(3, np.float32)).log_posteriors(rows)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert network.num_parameters() == 4 * 3 + 3
