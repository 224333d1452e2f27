"""Fine-tuning: the blocks that training begins with are the encoder's own, and what comes of them is a system."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.encoders import load, whisper_network, write_ctranslate2, write_hugging_face, write_wav2vec
from helpers.projects import copied_project
from helpers.projects import make as make_there

from lexicon.errors import UserError
from pipeline.base.training import Material
from pipeline.encoders.log_mel import log_mel
from pipeline.neural.model import load_model
from pipeline.systems import fine

SOUND = torch.from_numpy(np.random.default_rng(3).normal(0, 0.1, 24_000).astype(np.float32))
GIVEN = ("SYSTEMS=fine", "ENCODER=small", "MODELS=models", "GMM_ARGS=--max-mix 1 --warm-up 3 --last 1")


@pytest.fixture(scope="module")
def whisper(tmp_path_factory):
    return load(write_hugging_face(tmp_path_factory.mktemp("model"), whisper_network()))


@pytest.mark.parametrize("blocks", [1, 2, 3])
def test_the_blocks_are_those_of_the_encoder(tmp_path, whisper, blocks):
    """Of a window without padding, Whisper's own network is the judge."""
    fine.keep_blocks(whisper, blocks, tmp_path)
    with torch.inference_mode():
        layers = [layer[0].numpy() for layer in whisper.model.encoder(log_mel(SOUND, 80), len(whisper.layers))]
    below = layers[whisper.layers.index(fine.layer_below(whisper, blocks))]
    model = load_model(tmp_path)
    assert np.abs(model.hidden(below, f"layer{blocks}") - layers[-1]).max() < 1e-4
    if blocks > 1:
        assert np.abs(model.hidden(below, "layer1") - layers[-1 - blocks]).max() < 1e-4


@pytest.mark.parametrize("subsampling", [1, 2])
def test_an_utterance_does_not_depend_on_those_beside_it(tmp_path, whisper, subsampling):
    fine.keep_blocks(whisper, 2, tmp_path)
    model = load_model(tmp_path)
    object.__setattr__(model.encoder.config, "subsampling", subsampling)
    rows = torch.randn(2, 31, 32, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        together, lengths = model.encoder.hidden(rows, torch.tensor([31, 17]))
        alone, _ = model.encoder.hidden(rows[1:, :17], torch.tensor([17]))
    count = -(-17 // subsampling)
    assert lengths.tolist() == [-(-31 // subsampling), count]
    assert torch.allclose(together["layer2"][1, :count], alone["layer2"][0], atol=1e-5)


def test_what_cannot_be_fine_tuned(whisper, tmp_path):
    with pytest.raises(UserError, match="setting layers 4: .* has 3 blocks"):
        fine.layer_below(whisper, 4)
    with pytest.raises(UserError, match="only Whisper can be fine-tuned here; use wav2vec2_phones"):
        fine.whisper_of(load(write_wav2vec(tmp_path)))


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    """A corpus of tones, and a small Whisper with random weights."""
    root = copied_project(tmp_path_factory.mktemp("project"))
    write_ctranslate2(root / "models/small")
    make_there(root, *GIVEN, "fine", "FINE_ARGS=--epochs 6 --min-updates 10")
    return root


def test_it_learns_on_top_of_the_frozen_blocks(project):
    out = project / "exp/mine/fine"
    meta = json.loads((out / "meta.json").read_text())
    assert meta["front_end"]["raw"]["kind"] == "small.block1" and meta["front_end"]["normalise"] == "none"
    assert (meta["network"]["heads"], meta["network"]["width"], meta["network"]["layers"]) == (4, 32, 2)
    losses = [epoch["loss"] for epoch in meta["history"]]
    assert losses[-1] < losses[0]
    before, after = (load_model(folder).encoder.stack.state_dict() for folder in (out / fine.PRETRAINED, out))
    moved = {name: (after[name] - before[name]).abs().max() for name in before}
    assert 0 < max(moved.values()) < 0.1, "trained, but from where the blocks were"


def test_it_is_a_system_like_any_other(project):
    assert (project / "exp/mine/fine/decode_test/wer.txt").is_file()
    again = (*GIVEN, "FINE_ARGS=--epochs 6 --min-updates 10")
    assert "stages" not in make_there(project, *again, "-n", "fine")
    assert "  fine  " in make_there(project, *again, "transcribe", "WAV=mine/test/ann/test0.wav")


def test_blocks_of_another_encoder_are_not_taken(project):
    """The layers on disk were made by the encoder whose hash they carry."""
    network = whisper_network()
    network.encoder.conv1.bias.data += 1
    write_ctranslate2(project / "other/small", network)
    data = project / "data/mine"
    material = Material(
        data / "train", data / "dev", data / "lang", project / "exp", features="small.best", models=project / "other"
    )
    with pytest.raises(UserError, match="not the encoder that the system was trained on"):
        fine.train(material, fine.Settings())
