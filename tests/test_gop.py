"""Goodness of pronunciation against examples worked by hand and against brute force."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from helpers.features import as_it_is

from pipeline.align.gop import Goodness, phone_models
from pipeline.hmm.topology import Transitions, phone_topology, silence_topology
from pipeline.search.system import System
from pipeline.search.topology import Labels, Topology, ctc_topology, hmm_topology
from pipeline.times.segments import Segment

SCALE = {"gmm": 0.28, "neural": 0.5}


def system_of(kind: str, topology: Topology, step: int = 1) -> System:
    return System(kind, Path(kind), as_it_is(), lambda feats: feats, topology, step, SCALE[kind], 0.1)


def test_a_phone_of_one_state_by_hand():
    """A and B of one state each that is left with probability 1/2: over three frames A scores 3 ln .5 + -1 - 2 - 3, B
    the same transitions and -4 + 0 + 0, which is 2 better."""
    arcs = [
        (0, 1, 2, 1, 0.0),
        (1, 1, 1, 0, np.log(2)),
        (1, 0, 0, 0, np.log(2)),
        (0, 2, 4, 2, 0.0),
        (2, 2, 3, 0, np.log(2)),
        (2, 0, 0, 0, np.log(2)),
    ]
    goodness = Goodness(system_of("gmm", Topology(["A", "B"], Labels([("A",), ("B",)]), arcs, [0], False)))
    scores = np.array([[9.0, 9], [-1, -4], [-2, 0], [-3, 0], [9, 9]])
    assert goodness.of(scores, Segment("A", 1, 4)) == pytest.approx(((-6 - 3 * np.log(2)) / 3, -2 * SCALE["gmm"] / 3))
    assert goodness.of(scores, Segment("B", 1, 4))[1] == 0


def test_ctc_by_hand():
    """Of five rows the middle one is A's or B's, the others are blank. B: ln .2, A: ln .7, blanks before and after."""
    goodness = Goodness(system_of("neural", ctc_topology(["<blk>", "A", "B"]), step=3))
    scores = np.log([[0.9, 0.05, 0.05], [0.9, 0.05, 0.05], [0.1, 0.7, 0.2], [0.9, 0.05, 0.05], [0.9, 0.05, 0.05]])
    segment = Segment("B", 1, 15)  # the rows centred on frames 3, 6, 9 and 12
    score, gop = goodness.of(scores, segment)
    assert score == pytest.approx((np.log(0.2) + 3 * np.log(0.9)) / 4)
    assert gop == pytest.approx(SCALE["neural"] * (np.log(0.2) - np.log(0.7)) / 4)
    assert goodness.of(scores, Segment("A", 1, 15))[1] == 0
    assert goodness.of(scores, Segment("<blk>", 9, 15))[1] == 0


def paths(topology: Topology, phone: int, length: int):
    """Every way of reading ``length`` labels as exactly one phone: (columns, cost)."""

    def go(state, begun, left, columns, cost):
        if not left:
            ends = [c for a, b, label, _, c in topology.arcs if a == state and label == 0]
            if begun and (ends or state in topology.finals):
                yield columns, cost + (ends[0] if ends else 0)
            return
        for source, target, label, symbol, more in topology.arcs:
            if source == state and label and (not symbol or (symbol == phone and not begun)):
                yield from go(target, begun or bool(symbol), left - 1, [*columns, (label - 1) // 2], cost + more)

    yield from go(0, False, length, [], 0.0)


@pytest.mark.parametrize(
    "topology",
    [
        hmm_topology(
            Transitions(["SIL", "A", "B"], {"SIL": silence_topology(), "A": phone_topology(), "B": phone_topology()})
        ),
        ctc_topology(["<blk>", "A", "B"]),
    ],
    ids=["hmm", "ctc"],
)
def test_all_ways_through_a_phone(topology):
    """Phones found among all label sequences that the topology reads as that phone alone."""
    phones = [phone for phone in topology.phones]
    models = phone_models(topology, phones)
    scores = np.random.default_rng(0).normal(size=(6, len(topology.labels.readers)))
    for length, (symbol, phone) in itertools.product((3, 4, 6), enumerate(phones, 1)):
        best = max(
            sum(scores[t, c] for t, c in enumerate(columns)) - cost for columns, cost in paths(topology, symbol, length)
        )
        assert models.likelihoods(scores[:length])[phones.index(phone)] == pytest.approx(best), phone


def test_too_short_for_a_phone_is_no_crash():
    models = phone_models(hmm_topology(Transitions(["A"], {"A": phone_topology()})), ["A"])
    assert models.likelihoods(np.zeros((2, 3)))[0] < -1e20
