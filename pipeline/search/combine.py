"""Systems combined: the string of least expected error over their joined lattices, tuned on dev.

Minimum Bayes risk over a union of lattices (Xu, Povey, Mangu & Zhu 2011, section 5): where ROVER (Fiscus 1997) lets the
best strings of systems vote, here all their strings do, with their probabilities.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import kaldialign

from lexicon.fold import Fold
from lexicon.phones import spoken
from pipeline.base.parallel import each
from pipeline.lattice import Lattice, prune
from pipeline.lattice.join import join
from pipeline.lattice.sausage import Sausage, sausage

WEIGHTS = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
SCALES = (0.125, 0.18, 0.25, 0.35, 0.5, 0.7, 1.0, 1.4, 2.0)
SMALLEST = 1e-3  # posterior of an arc that can still change the string
ROUNDS = 2


@dataclass(frozen=True)
class Mixture:
    """How far each system is believed: its weight, relative to the others, and what its scores are multiplied by."""

    weights: tuple[float, ...]
    scales: tuple[float, ...]


def combined(lattices: Sequence[Lattice | None], mixture: Mixture, fold: Fold = {}) -> Sausage | None:
    """The confusion network of an utterance's lattices, one of each system; None if no system has one."""
    there = [number for number, lattice in enumerate(lattices) if lattice is not None]
    if not there:
        return None
    total = sum(mixture.weights[number] for number in there)
    shares = [mixture.weights[number] / total for number in there]
    own = [lattice for lattice in lattices if lattice is not None]
    joined = join(own, shares, [mixture.scales[number] for number in there])
    return sausage(prune(joined, SMALLEST), fold)


def labels_of(found: Sausage | None) -> list[str]:
    """The string; no symbols if there is none."""
    return found.labels if found else []


def tune(
    lattices: Mapping[str, Sequence[Lattice | None]],
    references: Mapping[str, Sequence[str]],
    systems: int,
    fold: Fold = {},
    jobs: int = 1,
) -> dict[Mixture, int]:
    """Errors on dev with each mixture that was tried: of one weight or scale after the other all values, the best of
    which is kept. The first system's weight stays, for weights are relative."""
    tried: dict[Mixture, int] = {}

    def cost(mixture: Mixture) -> int:
        if mixture not in tried:
            tried[mixture] = sum(each(lambda utt: _wrong(utt, mixture), references, jobs))
        return tried[mixture]

    def _wrong(utt: str, mixture: Mixture) -> int:
        heard = labels_of(combined(lattices[utt], mixture, fold))
        return kaldialign.edit_distance(spoken(references[utt], fold), heard)["total"]

    best = Mixture((1.0,) * systems, (1.0,) * systems)
    cost(best)
    for _ in range(ROUNDS):
        before = best
        for name, values in (("weights", WEIGHTS), ("scales", SCALES)):
            for number in range(systems):
                if (name, number) != ("weights", 0):
                    best = min([best, *(_with(best, name, number, value) for value in values)], key=cost)
        if best == before:
            break
    return tried


def _with(mixture: Mixture, name: str, number: int, value: float) -> Mixture:
    """The mixture with another value of one system."""
    values = list(getattr(mixture, name))
    values[number] = value
    return replace(mixture, **{name: tuple(values)})
