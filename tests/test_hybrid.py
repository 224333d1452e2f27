"""A network frame by frame: its loss by hand, and what it learns of planted frames, also to the same numbers again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from pipeline.base.meta import CHECKPOINT
from pipeline.neural.config import EncoderConfig, check_config
from pipeline.neural.data import collate, survey
from pipeline.neural.hybrid import HYBRID, FrameGradients, as_targets, frame_error_rate
from pipeline.neural.model import Encoder
from pipeline.neural.settings import TrainSettings
from pipeline.neural.train import config_for, train

STATES = [str(state) for state in range(3)]
SETTINGS = TrainSettings(
    width=12, layers=1, conv_layers=0, dropout=0.0, epochs=6, min_updates=20, noise=0.0, time_masks=0.0, feature_mask=0
)


def planted(seed: int, count: int):
    """Utterances of 20 to 40 frames of three states, 4 frames or more each, which two features tell apart."""
    rng = np.random.default_rng(seed)
    feats, labels = {}, {}
    for number in range(count):
        states = np.repeat(rng.integers(0, 3, 10), rng.integers(4, 7, 10))[: rng.integers(20, 41)]
        centres = np.array([[0, 2], [2, -1], [-2, -1]])[states]
        feats[f"u{number}"] = (centres + rng.normal(0, 0.5, centres.shape)).astype(np.float32)
        labels[f"u{number}"] = states
    return feats, labels


def part_of(seed: int, count: int):
    feats, labels = planted(seed, count)
    return survey(feats, as_targets(labels, sorted(labels)), 2)


def test_a_row_has_posteriors_of_each_of_its_frames():
    torch.manual_seed(0)
    encoder = Encoder(EncoderConfig("tdnn", 2, 3, 8, 1, 0, 3, 0.0, frames=3)).eval()
    feats = [np.ones((7, 2), np.float32), np.ones((12, 2), np.float32)]
    columns, lengths = encoder(*collate(feats, torch.device("cpu")))
    assert columns.shape == (2, 12, 3) and lengths.tolist() == [9, 12]  # three rows and four, of three frames
    assert columns.exp().sum(-1).detach().numpy() == pytest.approx(np.ones((2, 12)), abs=1e-5)
    for frames in (0, 2, 6, True):
        with pytest.raises(ValueError, match="frames"):
            check_config(replace(encoder.config, frames=frames), 3, 0)


def test_the_loss_is_the_cross_entropy_of_the_frames():
    part, _ = part_of(1, 2)
    encoder = Encoder(config_for(part, STATES, SETTINGS, by_frame=True))
    gradients = FrameGradients(encoder, part, SETTINGS, torch.device("cpu"))
    utterances = sorted(part.targets)
    columns, lengths = encoder(*collate([part.feats[u] for u in utterances], torch.device("cpu")))
    loss = gradients._loss(columns, lengths, utterances)
    by_hand = -sum(
        columns[i, t, state].item() for i, u in enumerate(utterances) for t, state in enumerate(part.targets[u])
    )
    assert loss.item() == pytest.approx(by_hand, rel=1e-5)


def test_it_learns_planted_states_and_goes_on_to_the_same_numbers(tmp_path):
    (train_part, first), (dev_part, second) = part_of(2, 40), part_of(3, 10)
    device = torch.device("cpu")
    whole = train(train_part, dev_part, STATES, SETTINGS, first + second, tmp_path / "a", device, task=HYBRID)
    assert whole.best_per < 6  # percent; a line between two of the states is crossed by the noise now and then
    whole.average.load_state_dict(whole.best)
    assert frame_error_rate(whole.average, dev_part, 4, device) == pytest.approx(whole.best_per)
    wrong = 0
    for utt, states in dev_part.targets.items():
        columns, _ = whole.average(*collate([dev_part.feats[utt]], device))
        wrong += int((columns[0, : len(states)].argmax(1).numpy() != np.array(states)).sum())
    assert 100 * wrong / sum(dev_part.num_frames.values()) == pytest.approx(whole.best_per)
    again = train(train_part, dev_part, STATES, SETTINGS, first + second, tmp_path / "a", device, task=HYBRID)
    assert (tmp_path / "a" / CHECKPOINT).is_file() and again.history == whole.history
