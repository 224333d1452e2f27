"""What only one of two systems considered, for an utterance and over a test set by class of phone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lexicon.fold import Fold
from lexicon.phones import MANNERS, OTHER, SILENCE, SILENT, PhoneSet, manner_in
from lexicon.text import columns
from pipeline.lattice.schema import Lattice
from pipeline.times.clock import frame_to_seconds
from pipeline.times.intervals import Interval

MIN_MASS = 0.01  # of the posterior; a phone of less counts as not considered, as in pictures of lattices
# Frames between two stretches of a phone that are still one: a CTC network has a spike anywhere within what HMMs call
# the phone, or a little outside.
TOLERANCE = 5


@dataclass(frozen=True)
class Considered:
    """A phone over frames start .. end (exclusive), with its posterior mass in each lattice: the expected number of
    times that a path has it."""

    label: str
    start: int
    end: int
    first: float
    second: float

    @property
    def by(self) -> str:
        """Who considered it: "both", "first" or "second"."""
        return "second" if self.first < MIN_MASS else "first" if self.second < MIN_MASS else "both"


def difference(first: Lattice, second: Lattice, fold: Fold = {}) -> list[Considered]:
    """Every phone that either of two lattices of one utterance considered, in order of time; silence and blanks aside.

    Stretches of a phone in either lattice are one where less than ``TOLERANCE`` frames lie between them.
    """
    arcs = [_by_label(lattice, fold) for lattice in (first, second)]
    found = []
    for label in sorted({*arcs[0], *arcs[1]}):
        ours, theirs = (side.get(label, np.zeros((0, 3))) for side in arcs)
        for start, end in _stretches(np.concatenate([ours, theirs])):
            masses = [float(side[(side[:, 0] >= start) & (side[:, 1] <= end), 2].sum()) for side in (ours, theirs)]
            found.append(Considered(label, start, end, *masses))
    return sorted(found, key=lambda phone: (phone.start, phone.end, phone.label))


def _by_label(lattice: Lattice, fold: Fold) -> dict[str, np.ndarray]:
    """label -> (arcs, 3) start, end and posterior of its arcs, without those that matter too little (`_likely`)."""
    rows: dict[str, list[tuple[int, int, float]]] = {}
    for label, a, b, posterior in zip(
        lattice.label,
        lattice.node_frame[lattice.arc_from].tolist(),
        lattice.node_frame[lattice.arc_to].tolist(),
        lattice.posterior.tolist(),
    ):
        label = fold.get(label, label)
        if label not in SILENT and b > a:
            rows.setdefault(label, []).append((a, b, posterior))
    return {label: _likely(np.array(arcs)) for label, arcs in rows.items()}


def _likely(arcs: np.ndarray) -> np.ndarray:
    """The arcs without stretches of less than ``MIN_MASS``, and without the least likely arcs of the others, which
    would join what lies far apart."""
    kept = [arcs[(arcs[:, 0] >= start) & (arcs[:, 1] <= end)] for start, end in _stretches(arcs, 0)]
    kept = [stretch for stretch in kept if stretch[:, 2].sum() >= MIN_MASS]
    strong = [stretch[stretch[:, 2] >= min(MIN_MASS / 10, stretch[:, 2].max())] for stretch in kept]
    return np.concatenate(strong) if strong else np.zeros((0, 3))


def _stretches(arcs: np.ndarray, tolerance: int = TOLERANCE) -> list[tuple[int, int]]:
    """The frames that arcs cover, as (start, end), closed over gaps of less than ``tolerance`` (or that only touch)."""
    found: list[list[int]] = []
    for start, end in sorted((int(a), int(b)) for a, b in arcs[:, :2]):
        if found and start - found[-1][1] < tolerance:
            found[-1][1] = max(found[-1][1], end)
        else:
            found.append([start, end])
    return [(start, end) for start, end in found]


# ---- over a test set


@dataclass
class Tally:
    """Of one class: how many phones the reference has, who considered them, and what was considered that is not there.

    ``right`` and ``wrong`` map "both", "first", "second" (and "neither") to [number, mass of the first, of the second].
    """

    reference: int = 0
    right: dict[str, np.ndarray] = field(default_factory=dict)
    wrong: dict[str, np.ndarray] = field(default_factory=dict)

    def add(self, side: str, by: str, first: float, second: float) -> None:
        """One phone more, "right" or "wrong"."""
        sums = getattr(self, side)
        sums[by] = sums.get(by, np.zeros(3)) + (1, first, second)


def tally(
    considered: Sequence[Considered],
    reference: Iterable[Interval],
    phone_set: PhoneSet,
    fold: Fold,
    tallies: dict[str, Tally],
) -> None:
    """Add an utterance to the ``tallies`` by manner. A phone considered is right if the reference has it at that
    time."""
    times = [
        tuple(float(frame_to_seconds(frame)) for frame in (phone.start - TOLERANCE, phone.end + TOLERANCE))
        for phone in considered
    ]
    hits: set[int] = set()
    for interval in reference:
        label = fold.get(interval.label, interval.label)
        if label in SILENT:
            continue
        mine = [
            i
            for i, (phone, (start, end)) in enumerate(zip(considered, times))
            if phone.label == label and start < interval.end and interval.start < end
        ]
        hits.update(mine)
        own = tallies.setdefault(manner_in(phone_set, label), Tally())
        own.reference += 1
        first, second = (min(sum(getattr(considered[i], side) for i in mine), 1.0) for side in ("first", "second"))
        by = Considered(label, 0, 0, first, second).by if mine else "neither"
        own.add("right", by, first, second)
    for i, phone in enumerate(considered):
        if i not in hits:
            own = tallies.setdefault(manner_in(phone_set, phone.label), Tally())
            own.add("wrong", phone.by, phone.first, phone.second)


def in_order(tallies: dict[str, Tally]) -> dict[str, Tally]:
    """From sonorant to silent, as a confusion matrix shows them, and "all" last."""
    every = Tally()
    for own in tallies.values():
        every.reference += own.reference
        for side in ("right", "wrong"):
            for by, sums in getattr(own, side).items():
                getattr(every, side)[by] = getattr(every, side).get(by, np.zeros(3)) + sums
    order = [manner for manner in (*MANNERS, OTHER) if manner != SILENCE and manner in tallies]
    return {**{manner: tallies[manner] for manner in order}, "all": every}


def as_json(own: Tally) -> dict[str, Any]:
    """A tally as plain values."""
    return {
        "reference": own.reference,
        **{
            side: {
                by: dict(zip(("number", "first", "second"), sums.tolist())) for by, sums in getattr(own, side).items()
            }
            for side in ("right", "wrong")
        },
    }


def readable(tallies: dict[str, Tally], first: str, second: str) -> list[str]:
    """Two tables for a terminal: the phones of the reference by who considered them, and what is not in it."""
    tallies = in_order(tallies)
    head = ["phones", "number", "both", f"only {first}", "mass", f"only {second}", "mass", "neither"]
    right = [
        [name, str(own.reference), *_cells(own.right, own.reference), _percent(own.right.get("neither"), own.reference)]
        for name, own in tallies.items()
    ]
    wrong = [
        [name, str(int(sum(sums[0] for sums in own.wrong.values()))), *_cells(own.wrong, own.reference)]
        for name, own in tallies.items()
    ]
    return [
        "Phones that are in the reference: who considered them, in %, and the mean posterior mass where one alone did:",
        *(f"  {line}" for line in columns([head, *right])),
        "",
        "Phones that are not in the reference at that time, per 100 that are:",
        *(f"  {line}" for line in columns([head[:-1], *wrong])),
    ]


def _cells(sums: dict[str, np.ndarray], number: int) -> list[str]:
    mass = {
        by: f"{sums[by][column] / sums[by][0]:.2f}" if by in sums else "-"
        for by, column in (("first", 1), ("second", 2))
    }
    return [
        _percent(sums.get("both"), number),
        _percent(sums.get("first"), number),
        mass["first"],
        _percent(sums.get("second"), number),
        mass["second"],
    ]


def _percent(sums: np.ndarray | None, number: int) -> str:
    return f"{100 * (0 if sums is None else sums[0]) / max(number, 1):.1f}"
