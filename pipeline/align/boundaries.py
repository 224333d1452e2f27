"""Phone boundaries: how far they are from the gold boundaries, or from those of another system."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from lexicon.fold import Fold
from lexicon.phones import MANNERS, SILENT, PhoneSet, manner_in
from lexicon.text import columns
from lexicon.timit import CLOSURES
from pipeline.base.edits import GAP, pair_up
from pipeline.times.intervals import Interval, Intervals

WITHIN_MS = (10, 20, 25, 50)


@dataclass(frozen=True)
class Boundaries:
    """Start times of the phones that match the reference: ``errors`` (matched,) in seconds, ours minus theirs, of
    ``total`` reference phones; ``phones`` (matched,) names them (folded)."""

    errors: np.ndarray
    total: int
    phones: list[str] = field(default_factory=list)

    @property
    def ms(self) -> np.ndarray:
        """The errors in ms, rounded to the microsecond: with gold times in steps of 2.5 ms one error in fifty is 20 ms
        exactly, and binary fractions would miss it."""
        return np.round(1000 * self.errors, 3)

    def of(self, wanted: Callable[[str], bool]) -> Boundaries:
        """The boundaries of some phones alone; the total is then the number that matched."""
        kept = [index for index, phone in enumerate(self.phones) if wanted(phone)]
        return Boundaries(self.errors[kept], len(kept), [self.phones[index] for index in kept])

    def row(self) -> list[str]:
        """Matched, bias, mean and median absolute error in ms, and the percentage within each of WITHIN_MS."""
        if not len(self.errors):
            return [f"0 of {self.total}", *["-"] * (3 + len(WITHIN_MS))]
        ms = self.ms
        size = np.abs(ms)
        return [
            f"{len(ms)} of {self.total}",
            f"{ms.mean():+.1f}",
            f"{size.mean():.1f}",
            f"{np.median(size):.1f}",
            *(f"{100 * np.mean(size <= limit):.1f}" for limit in WITHIN_MS),
        ]


def joined(parts: Sequence[Boundaries]) -> Boundaries:
    """Those of several utterances together."""
    return Boundaries(
        np.concatenate([part.errors for part in parts]),
        sum(part.total for part in parts),
        [phone for part in parts for phone in part.phones],
    )


def join_closures(phones: Sequence[Interval]) -> list[Interval]:
    """Closures joined with the burst that follows: kcl k -> k, from where the closure begins."""
    joined: list[Interval] = []
    for phone in phones:
        if joined and phone.label in CLOSURES.get(joined[-1].label, ()):
            phone = phone._replace(start=joined.pop().start)
        joined.append(phone)
    return joined


def compare_boundaries(gold: Intervals, ours: Mapping[str, Sequence[Interval]], fold: Fold) -> Boundaries:
    """Match the phones of each utterance by their (folded) labels and compare the start times of those that agree.

    Silence is left out, so the start of a phone is compared whether a pause or another phone precedes it.
    """
    errors: list[float] = []
    phones: list[str] = []
    total = 0
    for utterance, placed in gold.items():
        wanted, found = join_closures(placed), ours.get(utterance, ())
        total += len(_spoken([phone.label for phone in wanted], fold))
        for i, j in matched(wanted, found, fold):
            errors.append(found[j].start - wanted[i].start)
            phones.append(fold.get(wanted[i].label, wanted[i].label))
    return Boundaries(np.array(errors), total, phones)


def matched(wanted: Sequence[Interval], found: Sequence[Interval], fold: Fold) -> list[tuple[int, int]]:
    """Which phones, silence left out, are the same in both when one is aligned with the other: pairs of indices."""
    (at, ref), (where, hyp) = (
        zip(*spoken) if spoken else ((), ())
        for spoken in (_spoken([phone.label for phone in phones], fold) for phones in (wanted, found))
    )
    pairs = []
    i = j = 0
    for one, other in pair_up(ref, hyp):
        if one == other:
            pairs.append((at[i], where[j]))
        i, j = i + (one != GAP), j + (other != GAP)
    return pairs


def _spoken(labels: Sequence[str], fold: Fold) -> list[tuple[int, str]]:
    """Index and folded label of what is no silence."""
    folded = [(index, fold.get(label, label)) for index, label in enumerate(labels)]
    return [(index, label) for index, label in folded if label not in SILENT]


class Published(NamedTuple):
    """A published figure of another aligner, on other ``speech`` than ours. ``row`` is as in `Boundaries.row`, without
    the number that matched; "" where nothing is published."""

    aligner: str
    speech: str
    source: str
    row: tuple[str, ...]


PUBLISHED = [
    Published("HMM aligners", "all of TIMIT", "Stolcke et al. 2014", ("", "", "", "", "80 to 89", "", "")),
    Published(
        "Kaldi's monophones", "16 speakers of TIMIT", "Kaldi's recipe", ("-14", "21.2", "16.8", "", "60", "", "")
    ),
    Published(
        "the same, bias removed",
        "16 speakers of TIMIT",
        "Kaldi's recipe",
        ("0", "16.2", "10.4", "49", "74.5", "82", "95"),
    ),
    Published("Montreal Forced Aligner", "Buckeye", "McAuliffe et al. 2017", ("", "17.0", "11.2", "", "", "77", "")),
]


def table(rows: Mapping[str, Boundaries]) -> list[str]:
    """One line per name, for a terminal."""
    return columns([HEAD, *([name, *boundaries.row()] for name, boundaries in rows.items())])


def published_table() -> list[str]:
    """Published figures of other aligners, in the same columns."""
    return columns([HEAD, *([f"{one.aligner}, {one.speech}", "", *one.row] for one in PUBLISHED)])


HEAD = ["start times of phones", "matched", "bias", "mean", "median", *(f"{limit} ms" for limit in WITHIN_MS)]


GOLD = "gold"  # the reference that is no aligner
TSV = [
    "reference",
    "aligner",
    "class",
    "matched",
    "total",
    "bias_ms",
    "mean_ms",
    "median_ms",
    *(f"within_{limit}_ms_percent" for limit in WITHIN_MS),
]


def class_rows(found: Mapping[tuple[str, str], Boundaries], phone_set: PhoneSet) -> list[list[str]]:
    """A row under TSV of all phones and of those of each manner, for each (reference, aligner)."""
    rows = []
    for (reference, name), boundaries in found.items():
        for manner in ["all", *MANNERS]:
            part = boundaries if manner == "all" else boundaries.of(lambda phone: manner_in(phone_set, phone) == manner)
            if manner == "all" or len(part.errors):
                count, *cells = part.row()
                rows.append([reference, name, manner, *count.split(" of "), *cells])
    return rows


def tsv_lines(rows: Sequence[Sequence[str]]) -> list[str]:
    """The rows with their header."""
    return ["\t".join(row) for row in [TSV, *rows]]


def class_table(found: Mapping[str, Boundaries], phone_set: PhoneSet, limit_ms: float = 20) -> list[str]:
    """The percentage within a limit by manner of articulation, one line per name, for a terminal."""
    manners = [m for m in MANNERS if any(manner_in(phone_set, p) == m for b in found.values() for p in b.phones)]
    cells = [["", *manners]]
    for name, boundaries in found.items():
        parts = [boundaries.of(lambda phone: manner_in(phone_set, phone) == manner).ms for manner in manners]
        cells.append(
            [name, *(f"{100 * np.mean(np.abs(part) <= limit_ms):.1f}" if len(part) else "-" for part in parts)]
        )
    return columns(cells)
