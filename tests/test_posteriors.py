"""Phone posteriors against numbers worked by hand and against a network's own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from helpers.features import as_it_is

from pipeline.search.posteriors import log_phone_posteriors, phone_labels, phone_posteriors
from pipeline.search.system import System
from pipeline.search.topology import Labels, Topology, ctc_topology


def system_of(kind: str, topology: Topology, scores=lambda feats: feats) -> System:
    return System(kind, Path(kind), as_it_is(), scores, topology, 1, 0.28 if kind == "gmm" else 0.5, 0.1)


def test_densities_of_a_phone_are_added_up_after_scaling():
    """Two states of A and one of B; with scale s the frame's scores are log(3)/s, log(2)/s, log(5)/s."""
    system = system_of("gmm", Topology(["A", "B"], Labels([("A",), ("A",), ("B",)]), [], [0], False))
    labels, found = phone_posteriors(system, np.log([[3.0, 2, 5], [1, 1, 6]]) / 0.28)
    assert labels == ["A", "B"] and found.dtype == np.float32
    assert found == pytest.approx(np.array([[0.5, 0.5], [0.25, 0.75]]), abs=1e-6)


def test_what_all_densities_share_does_not_matter():
    system = system_of("frames", ctc_topology(["<blk>", "A", "B"]))
    scores = np.random.default_rng(0).normal(size=(50, 3))
    shifted = log_phone_posteriors(system, scores + np.arange(50)[:, None])
    assert phone_labels(system) == ["<blk>", "A", "B"]
    assert shifted == pytest.approx(log_phone_posteriors(system, scores))
    assert np.exp(shifted).sum(1) == pytest.approx(1)


def test_the_most_probable_is_the_highest_scored_where_every_phone_has_one_column():
    system = system_of("neural", ctc_topology(["<blk>", "A", "B"]))
    scores = np.random.default_rng(1).normal(size=(50, 3))
    assert (phone_posteriors(system, scores)[1].argmax(1) == scores.argmax(1)).all()
