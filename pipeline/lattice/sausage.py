"""Confusion networks ("sausages") and the string of least expected error.

Each slot of the string is changed to its most probable label, until the expected edit distance between the string and
the paths falls no more (Xu, Povey, Mangu & Zhu 2011, "Minimum Bayes Risk decoding and system combination based on a
recursion for edit distance"). The statistics of the last round are the slots.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lexicon.fold import Fold
from lexicon.phones import spoken
from pipeline.lattice.paths import best_path
from pipeline.lattice.schema import Lattice

NOTHING = ""  # the label of paths that have none in a slot
MAX_ROUNDS = 20
PREFERENCE = 1e-5  # an insertion beside a match costs this more, so that equal alignments are told apart (as in Kaldi)


@dataclass(frozen=True)
class Slot:
    """The labels between two frames: label -> posterior, likeliest first, summing to 1; "" is no label."""

    start: int
    end: int
    posteriors: dict[str, float]

    @property
    def label(self) -> str:
        """The likeliest."""
        return next(iter(self.posteriors))


@dataclass(frozen=True)
class Sausage:
    """Slots in order of time. ``expected_errors``: the edit distance between the string of the slots' labels and the
    paths, weighted by their posteriors; ``best_path_errors``: the same for the best path's string."""

    slots: list[Slot]
    expected_errors: float
    best_path_errors: float

    @property
    def labels(self) -> list[str]:
        """The string of least expected error."""
        return [slot.label for slot in self.slots if slot.label != NOTHING]


def sausage(lattice: Lattice, fold: Fold = {}) -> Sausage:
    """The confusion network of a lattice with posteriors, silence and blanks aside."""
    graph = _Graph(lattice, fold)
    string = [label for arc in best_path(lattice) if (label := graph.labels[arc]) is not None]
    errors, shares, times = graph.statistics(string)
    first = errors
    for _ in range(MAX_ROUNDS):
        likeliest = [max(share, key=share.__getitem__) for share in shares]
        better = [label for label in likeliest if label != NOTHING]
        if better == string:
            break
        found = graph.statistics(better)
        if found[0] >= errors - 1e-9:
            break
        string, (errors, shares, times) = better, found
    slots = [
        Slot(*when, dict(sorted(share.items(), key=lambda item: (-item[1], item[0]))))
        for share, when in zip(shares, times)
        if len(share) > 1 or NOTHING not in share
    ]
    return Sausage(slots, errors, first)


def expected_errors(lattice: Lattice, string: Sequence[str], fold: Fold = {}) -> float:
    """The edit distance between ``string`` and the paths of the lattice, weighted by their posteriors.

    By Xu's recursion, which aligns at each node for all paths through it: never less than the exact expectation.
    """
    return _Graph(lattice, fold).statistics(list(string))[0]


class _Graph:
    """The arcs by the node they lead to, with the probability that a path to that node came by them."""

    def __init__(self, lattice: Lattice, fold: Fold):
        self.lattice = lattice
        self.labels = [next(iter(spoken([label], fold)), None) for label in lattice.label]
        self.order = np.argsort(lattice.arc_to, kind="stable").tolist()
        reached = np.bincount(lattice.arc_to, lattice.posterior, lattice.num_nodes)
        self.share = lattice.posterior / np.maximum(reached[lattice.arc_to], np.finfo(float).tiny)

    def statistics(self, string: list[str]) -> tuple[float, list[dict[str, float]], list[tuple[int, int]]]:
        """Expected errors of a string, and for each of its symbols and each gap between them (gap, symbol, gap, ...)
        the share of every label there, and where it is."""
        slots = [NOTHING] * (2 * len(string) + 1)
        slots[1::2] = string
        drop = np.concatenate([[0.0], np.cumsum([float(label != NOTHING) for label in slots])])  # (Q + 1,)
        errors, choices = self._forward(slots, drop)
        return float(errors[-1, -1]), *self._backward(slots, choices)

    def _forward(self, slots: list[str], drop: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
        """(N, Q + 1) expected edits between paths to a node and the first q slots; by arc what aligned best at each q:
        0 the arc with the slot, 1 the arc with nothing, 2 nothing with the slot."""
        lattice = self.lattice
        errors = np.zeros((lattice.num_nodes, len(slots) + 1))
        errors[0] = drop
        choices: list[np.ndarray] = [np.zeros(0, np.int8)] * len(self.labels)
        differs = {label: np.array([float(label != slot) for slot in slots]) for label in set(self.labels)}
        for arc in self.order:
            before, label = errors[lattice.arc_from[arc]], self.labels[arc]
            alone = before if label is None else before + 1 + PREFERENCE
            with_slot = np.full(len(before), np.inf)
            if label is not None:
                with_slot[1:] = before[:-1] + differs[label]
            best = np.minimum(with_slot, alone)
            after = np.minimum.accumulate(best - drop) + drop
            choices[arc] = np.where(after < best - 1e-12, 2, np.where(with_slot <= alone, 0, 1)).astype(np.int8)
            errors[lattice.arc_to[arc]] += self.share[arc] * after
        return errors, choices

    def _backward(
        self, slots: list[str], choices: list[np.ndarray]
    ) -> tuple[list[dict[str, float]], list[tuple[int, int]]]:
        """Spread the paths' probability over (node, slots so far), and add up what is aligned with each slot."""
        lattice, frames = self.lattice, self.lattice.node_frame
        mass = np.zeros((lattice.num_nodes, len(slots) + 1))
        mass[-1, -1] = 1.0
        shares: list[dict[str, float]] = [{} for _ in slots]
        spans = np.zeros((len(slots), 3))  # posterior, and with it the sums of starts and of ends
        for arc in reversed(self.order):
            here = self.share[arc] * mass[lattice.arc_to[arc]]
            source, choice, label = lattice.arc_from[arc], choices[arc], self.labels[arc]
            for q in np.flatnonzero(here)[::-1].tolist():
                amount = float(here[q])
                while choice[q] == 2:  # the slot is left empty
                    shares[q - 1][NOTHING] = shares[q - 1].get(NOTHING, 0.0) + amount
                    q -= 1
                if choice[q] == 0:
                    shares[q - 1][label] = shares[q - 1].get(label, 0.0) + amount
                    spans[q - 1] += amount * np.array([1.0, frames[source], frames[lattice.arc_to[arc]]])
                    q -= 1
                mass[source, q] += amount
        for q in range(len(slots), 0, -1):  # before the first arc there is no label
            amount = float(mass[0, q:].sum())
            if amount > 0:
                shares[q - 1][NOTHING] = shares[q - 1].get(NOTHING, 0.0) + amount
        return shares, _when(spans, lattice.num_frames)


def _when(spans: np.ndarray, num_frames: int) -> list[tuple[int, int]]:
    """Mean start and end of what was aligned with each slot, in order of time."""
    with np.errstate(invalid="ignore", divide="ignore"):
        start, end = spans[:, 1] / spans[:, 0], spans[:, 2] / spans[:, 0]
    found, last = [], 0
    for a, b in zip(start.tolist(), end.tolist()):
        begin = last if np.isnan(a) else min(max(round(a), last), num_frames)
        found.append((begin, begin if np.isnan(b) else min(max(round(b), begin), num_frames)))
        last = found[-1][0]
    return found
