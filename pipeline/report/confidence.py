"""Whether confidences hold what they say, as a section of the index: reliability curves before and after
calibration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from markupsafe import Markup

from pipeline.compare.reliability import BINS, Reliability, bins, calibration_error, read_reliability
from pipeline.compare.results import Comparison
from pipeline.report.curves import LEFT, RIGHT, WIDTH, Dot, Line, Picture, height, labelled, ticks
from pipeline.report.render import Named, all_named, render

TITLES = {"words": "words", "phones": "phones of the word path", "free": "free phones"}
FEWEST = 10  # of a bin that is drawn: of fewer a share says little


def confidence_section(comparison: Comparison) -> Markup:
    """A picture for words and one for each kind of phones, and the calibration error of each system; empty where no
    decode has kept its posteriors. UserError if a file is damaged."""
    found = {
        name: reliability
        for name, system in zip(all_named(comparison), comparison.systems)
        if (reliability := read_reliability(system.decode, comparison.references, comparison.fold))
    }
    if not found:
        return Markup()
    return render(
        "confidence.html",
        levels=list(TITLES.values()),
        pictures=[_picture(level, found) for level in TITLES],
        rows=[(name, [_errors(reliability[level]) for level in TITLES]) for name, reliability in found.items()],
        fewest=FEWEST,
        bins=BINS,
    )


def _errors(of: Reliability) -> dict[str, Any]:
    return {
        "number": len(of.right),
        "right": 100 * float(of.right.mean()) if len(of.right) else 0.0,
        "before": calibration_error(of.posterior, of.right),
        "after": calibration_error(of.confidence, of.right),
    }


def _picture(level: str, found: Mapping[Named, Mapping[str, Reliability]]) -> Picture:
    title = TITLES[level]
    before = [_line(name, of[level].posterior, of[level].right, title, "before") for name, of in found.items()]
    after = [_line(name, of[level].confidence, of[level].right, title) for name, of in found.items()]
    ideal = Line(next(iter(found)), [_place(0, 0), _place(1, 1)], [], "", _place(1, 1)[1], look="plain")
    return Picture(
        title,
        "share that was right, %",
        [ideal, *before, *labelled(after)],
        ticks(0, 100),
        [(_place(tenths / 10, 0)[0], f"{tenths / 10:g}") for tenths in range(0, 11, 2)],
        "confidence; dashed: posterior",
    )


def _line(name: Named, sure: np.ndarray, right: np.ndarray, title: str, look: str = "") -> Line:
    drawn = [one for one in bins(sure, right) if one.number >= FEWEST]
    points = [_place(one.confidence, one.right) for one in drawn]
    kind = "posterior" if look else "confidence"
    dots = [
        Dot(
            *point, f"{name.name}: of {one.number} {title} of {kind} {one.confidence:.2f} {100 * one.right:.0f} % right"
        )
        for point, one in zip(points, drawn)
    ]
    label = "" if look else name.name
    return Line(name, points, dots, label, points[-1][1] if points else _place(0, 0)[1], look=look, radius=2.6)


def _place(sure: float, right: float) -> tuple[float, float]:
    return LEFT + (WIDTH - LEFT - RIGHT) * sure, height(0, 1, right)
