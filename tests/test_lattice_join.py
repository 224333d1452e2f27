"""Lattices of several systems as one, against lists of all their paths."""

from __future__ import annotations

import math

import numpy as np
import pytest
from helpers.lattices import all_paths, lattice_of, random_lattice

from pipeline.lattice.join import join
from pipeline.lattice.sausage import sausage
from pipeline.lattice.schema import Lattice, check_lattice


def probabilities(lattice: Lattice, scale: float = 1.0) -> dict[tuple, float]:
    """Of each path (labels with their frames)."""
    scores = scale * lattice.scores()
    found = {}
    for path in all_paths(lattice):
        ends = [(lattice.label[a], int(lattice.node_frame[lattice.arc_to[a]])) for a in path]
        found[tuple(ends)] = found.get(tuple(ends), 0.0) + math.exp(math.fsum(scores[path]))
    total = math.fsum(found.values())
    return {path: value / total for path, value in found.items()}


@pytest.mark.parametrize("seed", range(20))
def test_every_path_has_its_share(seed: int):
    lattices = [random_lattice(seed + 100 * i, 4 + (seed + i) % 5) for i in range(3)]
    shares, scales = (0.5, 0.2, 0.3), (1.0, 0.3, 2.0)
    joined = join(lattices, shares, scales)
    check_lattice(joined)
    expected: dict[tuple, float] = {}
    for lattice, share, scale in zip(lattices, shares, scales):
        for path, value in probabilities(lattice, scale).items():
            # the end is that of the longest
            path = (*path[:-1], (path[-1][0], joined.num_frames))
            expected[path] = expected.get(path, 0.0) + share * value
    assert probabilities(joined) == pytest.approx(expected, abs=1e-9)
    own = [lattice.num_nodes - 2 for lattice in lattices]
    assert joined.num_nodes == 2 + sum(own)


def test_two_of_three_systems_are_believed():
    """Hand-worked: A B, A C and A B with 0.3, 0.4 and 0.3 of the probability."""
    one, two = (lattice_of([0, 3, 6], [(0, 1, "A", -9.0), (1, 2, label, -7.0)]) for label in "BC")
    joined = join([one, two, one], (0.3, 0.4, 0.3), (1.0, 1.0, 1.0))
    found = sausage(joined)
    assert found.labels == ["A", "B"] and found.expected_errors == pytest.approx(0.4, abs=1e-3)
    assert found.slots[1].posteriors == pytest.approx({"B": 0.6, "C": 0.4})
    np.testing.assert_allclose(joined.posterior.sum(), 2.0)
    assert sausage(join([one, two], (0.4, 0.6), (1.0, 1.0))).labels == ["A", "C"]
