"""What one lattice considers and another does not: phones at a time, with the posterior that each gives them."""
from __future__ import annotations

from typing import Any

from lexicon.phones import SILENT
from pipeline.features import frame_to_seconds
from pipeline.lattice import Lattice
from pipeline.lattice_picture import Bar, bars
from pipeline.report.drawing import MIN_POSTERIOR

NEAR = 5  # frames: a CTC network says a phone in a spike, which may lie so far before or behind what an HMM calls the phone


def difference(first: Lattice, second: Lattice) -> list[list[Any]]:
    """[start, end, phone, its posterior in first, in second] in order of time; 0 where a lattice has no such phone there.

    A phone of one is that of the other if they overlap or nearly do; the likeliest choose first, and of those the nearest.
    """
    ours, theirs = ([bar for bar in bars(lattice, MIN_POSTERIOR) if bar.label not in SILENT] for lattice in (first, second))
    found: list[tuple[Bar, float, float]] = []
    for bar in sorted(ours, key=lambda bar: (-bar.posterior, bar.start)):
        near = [other for other in theirs if other.label == bar.label and _gap(bar, other) <= NEAR]
        if near:
            other = min(near, key=lambda other: (_gap(bar, other), -other.posterior))
            theirs.remove(other)
            wider = max(bar, other, key=lambda bar: bar.end - bar.start)
            found.append((wider, bar.posterior, other.posterior))
        else:
            found.append((bar, bar.posterior, 0.0))
    found += [(bar, 0.0, bar.posterior) for bar in theirs]
    return [[*(round(float(frame_to_seconds(frame)), 4) for frame in (bar.start, bar.end)), bar.label, round(a, 4), round(b, 4)]
            for bar, a, b in sorted(found, key=lambda item: (item[0].start, item[0].label))]


def _gap(bar: Bar, other: Bar) -> int:
    """Frames between two bars, less than 0 where they overlap."""
    return max(bar.start, other.start) - min(bar.end, other.end)
