"""How far phone error rates move with the pronunciations of the reference, as a section of the index."""

from __future__ import annotations

from markupsafe import Markup

from pipeline.compare.results import MEASURES, Comparison
from pipeline.compare.yardsticks import moved
from pipeline.report.render import all_named, render

MOST = 4  # pairs that are named


def pronunciations_section(comparison: Comparison) -> Markup:
    """Rates by each yardstick, and whether systems change places; empty where the reference has had no choice."""
    found = moved(comparison)
    if found is None:
        return Markup()
    yardsticks = {
        "reference": f"by {comparison.reference}",
        "own": "by itself",
        "first": "first",
        "nearest": "nearest",
    }
    names = {measure: MEASURES[measure][0] for measure in found.rates}
    swaps = [
        (names[measure], yardsticks[yardstick], swapped[:MOST], len(swapped) - MOST)
        for measure in names
        for yardstick in yardsticks
        if (swapped := found.swapped(measure, yardstick))
    ]
    return render(
        "pronunciations.html",
        found=found,
        systems=all_named(comparison),
        measures=names,
        yardsticks=yardsticks,
        swaps=swaps,
    )
