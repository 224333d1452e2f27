"""Scores of a piece that is not over yet are those of the whole, within the look-ahead."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from helpers.features import CEPSTRA, as_it_is

from pipeline.neural.config import EncoderConfig
from pipeline.neural.model import CtcModel, Encoder
from pipeline.sound.front_end import FrontEnd, Prior, SpeakerStats
from pipeline.stream.scores import Scores
from pipeline.systems.ctc import system_of

TOKENS = ["<blk>", "A", "B"]


def network(tmp_path, encoder: str, front_end: FrontEnd):
    torch.manual_seed(3)
    config = EncoderConfig(encoder, front_end.dimension, len(TOKENS), 8, 1, 2, 3, 0.1)
    model = CtcModel(Encoder(config).eval(), TOKENS, np.zeros(3, np.float32))
    return system_of(tmp_path / "net", front_end, model, 0.0)


def streamed(scores: Scores, rows: np.ndarray, stats: SpeakerStats | None = None, block: int = 7) -> np.ndarray:
    scores.begin()
    ends = [*range(block, len(rows), block), len(rows)]
    return np.concatenate([scores.more(rows[:end], stats, end == len(rows)) for end in ends])


def test_a_gmm_has_the_same_scores_whatever_comes(experiment):
    system = experiment.searches("gmm")["gmm"].system
    rows, stats = np.random.default_rng(0).normal(size=(50, 13)).astype(np.float32), SpeakerStats(13)
    stats.add(rows)
    whole = system.scores(system.front_end.compose(rows, stats))
    np.testing.assert_allclose(streamed(Scores(system, 9.0, 0.0), rows, stats), whole, rtol=1e-6)
    early = Scores(system, 9.0, 0.0)
    assert len(early.more(rows[:20], stats, last=False)) == 20 - 4  # two derivatives look four frames ahead


@pytest.mark.parametrize("encoder", ["conv-bilstm", "conformer", "tdnn"])
def test_a_network_has_the_scores_of_the_whole_where_its_look_ahead_reaches_the_end(tmp_path, encoder):
    system = network(tmp_path, encoder, as_it_is(5))
    rows = np.random.default_rng(0).normal(size=(61, 5)).astype(np.float32)
    assert (streamed(Scores(system, 1.0, 1.0), rows) == system.scores(rows)).all()


def test_a_network_of_short_reach_needs_no_more_than_that(tmp_path):
    """Convolutions of five: the first looks 2 frames to each side, the second 2; then 2 and 4 of every third frame."""
    system = network(tmp_path, "tdnn", as_it_is(5))
    rows, reach = np.random.default_rng(0).normal(size=(200, 5)).astype(np.float32), 2 + 2 + 3 * (2 + 4)
    whole = system.scores(rows)
    enough = streamed(Scores(system, reach / 100, (reach + 3) / 100), rows)
    np.testing.assert_allclose(enough, whole, atol=1e-5)
    less = streamed(Scores(system, (reach - 3) / 100, (reach + 3) / 100), rows)
    assert less.shape == whole.shape and np.abs(less - whole).max() > 1e-4


def test_a_row_counts_when_the_look_ahead_has_been_heard(tmp_path):
    front_end = FrontEnd("mean", 2, 1, raw=CEPSTRA, prior=Prior((0.0,) * 13, (1.0,) * 13))
    scores = Scores(network(tmp_path, "conv-bilstm", front_end), look_ahead=0.2, left_context=1.0)
    stats = SpeakerStats(13)
    stats.add_prior(front_end.prior, 10)
    rows = np.zeros((60, 13), np.float32)
    needed = 20 + 2 * 2 + 1  # frames after it: the look-ahead, and those that features are made of
    assert len(scores.more(rows[:needed], stats, False)) == 0
    assert len(scores.more(rows[: needed + 1], stats, False)) == 1  # row 0, centred on frame 0
    assert len(scores.more(rows[: needed + 3], stats, False)) == 0
    assert len(scores.more(rows[: needed + 4], stats, False)) == 1
    assert len(scores.more(rows[: needed + 4], stats, True)) == -(-(needed + 4) // 3) - 2
