"""Lattices as pictures: nodes joined without losing a path's mass, pruned as lattices are, lanes that do not
collide."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.draw.lanes import Arc, draw, survives
from pipeline.lattice import Lattice, best_path, forward_backward, prune


def lattice(frames: list[int], arcs: list[tuple[int, int, str, float]]) -> Lattice:
    """arcs: from, to, phone, probability of taking it."""
    arcs = sorted(arcs, key=lambda arc: arc[0])
    a, b, labels, probability = zip(*arcs)
    made = Lattice(
        "u",
        "s",
        "free",
        10.0,
        frames[-1],
        1.0,
        0.0,
        np.array(frames, np.int32),
        np.array(a, np.int32),
        np.array(b, np.int32),
        list(labels),
        [""] * len(arcs),
        np.log(probability),
        np.zeros(len(arcs)),
    )
    forward_backward(made)
    return made


def random_lattice(seed: int, phones: int) -> Lattice:
    """40 nodes, 0 to 2 frames apart, each with arcs to nodes 5 to 9 later; so few phones that there is much to join, or
    many."""
    rng = np.random.default_rng(seed)
    frames = np.cumsum(rng.integers(0, 3, 40)).tolist()
    ends = [(0, i) for i in range(1, 6)] + [
        (i, min(i + int(step), 39)) for i in range(39) for step in [5, *rng.integers(5, 10, 2)]
    ]
    arcs = {(a, b, f"P{rng.integers(phones)}"): rng.uniform(0.01, 1) for a, b in ends}
    return lattice(frames, [(*arc, p) for arc, p in arcs.items()])


def test_borders_a_frame_apart_are_one_node() -> None:
    """AH ends at frame 10 or 11, and T follows: one AH and one T to the eye, with all of the posterior; D is
    another."""
    drawn = draw(
        lattice(
            [0, 10, 11, 20],
            [
                (0, 1, "AH", 0.5),
                (0, 2, "AH", 0.3),
                (0, 1, "EH", 0.2),
                (1, 3, "T", 0.7),
                (1, 3, "D", 0.3),
                (2, 3, "T", 1.0),
            ],
        )
    )
    assert drawn.frames == [0, 10, 11, 20]  # EH leads to 10 as well: that node has another past than the one at 11
    drawn = draw(
        lattice(
            [0, 10, 11, 20],
            [(0, 1, "AH", 0.6), (0, 2, "AH", 0.4), (1, 3, "T", 0.7), (1, 3, "D", 0.3), (2, 3, "T", 1.0)],
        )
    )
    assert drawn.frames == [0, 10, 20]
    found = {(arc.label, arc.num_arcs, round(arc.posterior, 6), arc.best) for arc in drawn.arcs}
    assert found == {("AH", 2, 1.0, True), ("T", 2, 0.82, True), ("D", 1, 0.18, False)}


@pytest.mark.parametrize("phones", [2, 1000])
@pytest.mark.parametrize("seed", range(6))
def test_joining_loses_no_mass_and_leads_forward(seed: int, phones: int) -> None:
    made = random_lattice(seed, phones)
    drawn = draw(made, min_posterior=0.0)
    assert sum(arc.num_arcs for arc in drawn.arcs) == len(made.label) and drawn.frames == sorted(drawn.frames)
    assert len(drawn.frames) < 40 or phones > 2
    balance = np.zeros(len(drawn.frames))
    for arc in drawn.arcs:
        assert arc.source < arc.target
        balance[arc.source] -= arc.posterior
        balance[arc.target] += arc.posterior
    # What comes into a node leaves it; 1 leaves the first and reaches the last.
    assert balance == pytest.approx([-1, *[0] * (len(balance) - 2), 1], abs=1e-9)
    assert [arc.label for arc in drawn.arcs if arc.best] == [made.label[arc] for arc in best_path(made)]


@pytest.mark.parametrize("seed", range(6))
def test_the_slider_prunes_as_lattices_are_pruned(seed: int) -> None:
    made = random_lattice(seed, phones=10**6)  # no two arcs of one phone: nothing is joined
    drawn = draw(made, min_posterior=0.0)
    for floor in (0.001, 0.01, 0.05, 0.2, 0.5, 1.0):
        kept = sorted(arc.label for arc in drawn.arcs if arc.until >= floor or arc.best)
        assert kept == sorted(prune(made, floor).label)


def test_an_arc_lives_as_long_as_the_widest_path_through_it() -> None:
    """A B is best; C D has 0.3, but C B only what B's node lets through."""
    arcs = [
        Arc(0, 1, "A", "", 0.6, 0, 0, 1, True),
        Arc(0, 2, "C", "", 0.4, 0, 0, 1, False),
        Arc(1, 3, "B", "", 0.7, 0, 0, 1, True),
        Arc(2, 3, "D", "", 0.3, 0, 0, 1, False),
    ]
    survives(arcs, 4)
    assert [arc.until for arc in arcs] == [1.0, 0.3, 1.0, 0.3]


@pytest.mark.parametrize("seed", range(6))
def test_lanes_do_not_collide(seed: int) -> None:
    drawn = draw(random_lattice(seed, phones=5), min_posterior=0.0)
    assert {arc.lane for arc in drawn.arcs if arc.best} == {0}
    assert all(arc.lane > 0 for arc in drawn.arcs if not arc.best)
    lanes: dict[int, list[tuple[int, int]]] = {}
    for arc in drawn.arcs:
        span = (drawn.frames[arc.source], drawn.frames[arc.target])
        assert all(span[1] <= a or b <= span[0] for a, b in lanes.get(arc.lane, []) if a < b and span[0] < span[1]), arc
        lanes.setdefault(arc.lane, []).append(span)


def test_only_so_many_arcs_the_likeliest() -> None:
    made = random_lattice(0, phones=1000)
    some = draw(made, 0.0, max_arcs=20)
    best = [arc for arc in some.arcs if arc.best]
    assert len(best) == len(best_path(made)) and 0 < len(some.arcs) - len(best) <= 20
    dropped = {arc.label for arc in draw(made, 0.0).arcs} - {arc.label for arc in some.arcs}
    until = {arc.label: arc.until for arc in draw(made, 0.0).arcs if not arc.best}
    assert max(until[label] for label in dropped) <= min(arc.until for arc in some.arcs if not arc.best)
