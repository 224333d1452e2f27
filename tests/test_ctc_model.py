"""The network: CTC loss by hand, padding without effect, files that a stranger may have made."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from lexicon.errors import UserError
from pipeline.neural.config import ENCODERS, ON_LAYERS, EncoderConfig
from pipeline.neural.data import collate
from pipeline.neural.model import (
    CtcModel,
    Encoder,
    frames_needed,
    load_model,
    save_model,
)
from pipeline.neural.spelling import ctc_loss

TOKENS = ["<blk>", "AH", "B", "T"]


def config(encoder: str = "conv-bilstm", subsampling: int = 3) -> EncoderConfig:
    width, heads = (39, 3) if encoder == "transformer" else (16, 4)  # it takes rows as they are
    return EncoderConfig(encoder, 39, len(TOKENS), width, 1, 2, subsampling, 0.1, heads=heads)


def small_model(encoder: str = "conv-bilstm", subsampling: int = 3) -> CtcModel:
    torch.manual_seed(0)
    prior = np.log(np.full(len(TOKENS), 0.25, np.float32))
    return CtcModel(Encoder(config(encoder, subsampling)).eval(), TOKENS, prior)


def noise(frames: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((frames, 39), dtype=np.float32)


def test_ctc_loss_by_hand():
    """Two frames, one phone: blank-A, A-blank and A-A spell "A"; two equal phones need three frames."""
    log_probs = torch.tensor([[[0.6, 0.3, 0.1], [0.5, 0.4, 0.1], [0.2, 0.7, 0.1]]]).log()
    one = ctc_loss(log_probs[:, :2], torch.tensor([2]), [(1,)])
    assert math.exp(-one.item()) == pytest.approx(0.6 * 0.4 + 0.3 * 0.5 + 0.3 * 0.4)
    two = ctc_loss(log_probs, torch.tensor([3]), [(1, 1)])
    assert math.exp(-two.item()) == pytest.approx(0.3 * 0.5 * 0.7)
    assert ctc_loss(log_probs[:, :2], torch.tensor([2]), [(1, 1)]).item() == math.inf


def test_ctc_gradient_of_a_model_is_that_of_finite_differences():
    model = small_model().encoder.double()
    feats, lengths = torch.from_numpy(noise(20)).double()[None], torch.tensor([20])

    def loss() -> torch.Tensor:
        return ctc_loss(*model(feats, lengths), [(1, 2, 3)]).sum()

    loss().backward()
    weight = model.output.weight
    with torch.no_grad():
        for place in ((0, 0), (1, 5), (3, 31)):
            value = weight[place].item()
            weight[place] = value + 1e-6
            above = loss().item()
            weight[place] = value - 1e-6
            below = loss().item()
            weight[place] = value
            assert weight.grad[place].item() == pytest.approx((above - below) / 2e-6, rel=1e-3, abs=1e-6)


def test_frames_needed():
    assert [frames_needed(target) for target in ((1,), (1, 2), (1, 1), (1, 1, 1, 2))] == [1, 2, 3, 6]


@pytest.mark.parametrize("encoder", ENCODERS)
@pytest.mark.parametrize("subsampling", [1, 2, 3])
def test_padding_and_company_change_nothing(encoder: str, subsampling: int):
    model = small_model(encoder, subsampling)
    utterances = [noise(frames, frames) for frames in (1, 7, 40, 41)]
    with torch.inference_mode():
        log_probs, lengths = model.encoder(*collate(utterances, torch.device("cpu")))
    for together, length, feats in zip(log_probs.numpy(), lengths.tolist(), utterances):
        alone = model.log_posteriors(feats)
        assert length == len(alone) == math.ceil(len(feats) / subsampling)
        np.testing.assert_allclose(together[:length], alone, atol=2e-5)


@pytest.mark.parametrize("encoder", [encoder for encoder in ENCODERS if encoder != "linear"])
def test_every_encoder_sees_both_directions(encoder: str):
    """A change in the middle frame reaches posteriors before and after it."""
    model, feats = small_model(encoder, 1), noise(31)
    changed = feats.copy()
    changed[15, :9] += 1
    moved = np.flatnonzero(np.abs(model.log_posteriors(feats) - model.log_posteriors(changed)).max(axis=1) > 1e-6)
    assert moved.min() < 12 and moved.max() > 18


def test_posteriors_are_log_probabilities_and_repeat_bit_by_bit():
    model = small_model()
    found = model.log_posteriors(noise(50))
    assert found.dtype == np.float32 and found.flags.c_contiguous and found.shape == (17, 4)
    np.testing.assert_allclose(np.exp(found).sum(axis=1), 1, atol=1e-5)
    model.log_posteriors(noise(200, 5))
    assert (found == model.log_posteriors(noise(50))).all()
    assert model.log_posteriors(np.zeros((0, 39), np.float32)).shape == (0, 4)


@pytest.mark.parametrize("encoder", [encoder for encoder in ENCODERS if encoder not in ON_LAYERS])
def test_hidden_layers(encoder: str):
    """A row for each of the posteriors; these are an affine map and a softmax of the last."""
    model = small_model(encoder)
    names = model.encoder.hidden_names
    assert names[:2] == ["front", "residual"] and names[2:] == ([] if encoder == "tdnn" else ["layer1"])
    found = {name: model.hidden(noise(31), name) for name in names}
    assert {len(x) for x in found.values()} == {11} and not np.allclose(found["front"], found["residual"])
    output = model.encoder.output
    scores = found[names[-1]] @ output.weight.detach().numpy().T + output.bias.detach().numpy()
    expected = scores - np.log(np.exp(scores).sum(1, keepdims=True))
    assert np.allclose(model.log_posteriors(noise(31)), expected, atol=1e-5)


def test_features_that_do_not_fit_are_refused():
    with pytest.raises(UserError, match="13"):
        small_model().log_posteriors(np.zeros((5, 13), np.float32))
    with pytest.raises(UserError, match="NaN"):
        small_model().log_posteriors(np.full((5, 39), np.nan, np.float32))


def test_model_file_gives_the_same_model(tmp_path: Path):
    model = small_model()
    save_model(tmp_path, model, {"system": "neural", "dev_per": 12.5})
    again = load_model(tmp_path)
    assert (again.log_posteriors(noise(30)) == model.log_posteriors(noise(30))).all()
    assert again.tokens == TOKENS and again.subsampling == 3 and (again.log_prior == model.log_prior).all()
    meta = json.loads((tmp_path / "meta.json").read_text())
    assert meta["parameters"] == sum(p.numel() for p in model.encoder.parameters()) and meta["dev_per"] == 12.5


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:1000])


def lie_about_the_header(path: Path) -> None:
    path.write_bytes(b"\xff" * 8 + path.read_bytes()[8:])


def pickle_in_its_place(path: Path) -> None:
    torch.save({"encoder": 1}, path)


@pytest.mark.parametrize("harm", [cut, lie_about_the_header, pickle_in_its_place, Path.unlink])
def test_harmed_model_is_one_line(tmp_path: Path, harm):
    save_model(tmp_path, small_model(), {})
    harm(tmp_path / "model.safetensors")
    refused(tmp_path, "model.safetensors")


@pytest.mark.parametrize(
    "change",
    [
        {"width": 10**9},
        {"width": "16"},
        {"layers": -1},
        {"encoder": "os.system"},
        {"num_tokens": 5},
        {"num_letters": 3},
        {"spelling": "ctc"},
        {"spelling": "os.system", "num_letters": 0},
        {"told_phones": 1},
        {"dropout": None},
        {"subsampling": 0},
        {"surprise": 1},
    ],
)
def test_hostile_description_is_one_line(tmp_path: Path, change: dict):
    save_model(tmp_path, small_model(), {})
    meta = json.loads((tmp_path / "meta.json").read_text())
    meta["network"].update(change)
    (tmp_path / "meta.json").write_text(json.dumps(meta))
    refused(tmp_path, "meta.json")


@pytest.mark.parametrize("text", ["", "[]", "null", '{"network": []}', '{"network": {"encoder": "tdnn"}}', "\x00"])
def test_no_description_is_one_line(tmp_path: Path, text: str):
    save_model(tmp_path, small_model(), {})
    (tmp_path / "meta.json").write_text(text)
    refused(tmp_path, "meta.json")


def test_weights_of_another_network_are_one_line(tmp_path: Path):
    save_model(tmp_path / "a", small_model("tdnn"), {})
    save_model(tmp_path / "b", small_model(), {})
    (tmp_path / "a" / "model.safetensors").replace(tmp_path / "b" / "model.safetensors")
    refused(tmp_path / "b", "does not hold the network")


def test_missing_model_is_one_line(tmp_path: Path):
    refused(tmp_path, "meta.json")


def refused(directory: Path, what: str) -> None:
    with pytest.raises(UserError, match=what) as error:
        load_model(directory)
    assert "\n" not in str(error.value) and "make neural" in str(error.value)
