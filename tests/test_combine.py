"""Systems combined over their lattices, tuned on dev: hand-worked."""

from __future__ import annotations

import math

import pytest
from helpers.lattices import lattice_of

from pipeline.lattice import Lattice
from pipeline.search.combine import Mixture, combined, labels_of, tune


def said(words: str, sure: float, other: str) -> Lattice:
    """A lattice of one slot after the other: the word with this probability, else the other."""
    said = words.split()
    frames = [10 * i for i in range(len(said) + 1)]
    arcs = [
        (i, i + 1, label, math.log(share))
        for i, word in enumerate(said)
        for label, share in ((word, sure), (other, 1 - sure))
    ]
    return lattice_of(frames, arcs)


def test_the_surer_system_decides_and_one_that_is_believed_more():
    lattices = [said("A", 0.9, "B"), said("B", 0.6, "A")]
    even = Mixture((1.0, 1.0), (1.0, 1.0))
    found = combined(lattices, even)
    assert found.labels == ["A"] and found.slots[0].posteriors == pytest.approx({"A": 0.65, "B": 0.35})
    assert labels_of(combined(lattices, Mixture((1.0, 8.0), (1.0, 1.0)))) == ["B"]  # 0.433 against 0.567
    assert labels_of(combined(lattices, Mixture((1.0, 1.0), (0.125, 2.0)))) == ["B"]  # 0.57 of A, 0.69 of B
    assert labels_of(combined([None, lattices[1]], even)) == ["B"] and labels_of(combined([None, None], even)) == []


def test_on_dev_the_better_system_is_believed():
    """The first is always wrong and sure of it, the second right and unsure."""
    references = {f"u{i}": ["A", "C"] for i in range(4)}
    lattices = {utt: [said("B B", 0.9, "A"), said("A C", 0.55, "B")] for utt in references}
    tried = tune(lattices, references, systems=2)
    first, best = next(iter(tried)), min(tried, key=tried.__getitem__)
    assert first == Mixture((1.0, 1.0), (1.0, 1.0)) and tried[first] == 8 and tried[best] == 0
    assert best.weights[0] == 1.0 and best != first
