"""How the systems learned, as a section of the index: a picture for each model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from pipeline.base.curve import Curve, read_curve
from pipeline.base.meta import read_meta
from pipeline.compare.results import Comparison
from pipeline.draw.scale import round_values
from pipeline.neural.history import History, read_history
from pipeline.report.curves import LEFT, MOST_TICKS, RIGHT, WIDTH, Dot, Line, Picture, height, labelled, ticks
from pipeline.report.others import tsv_table
from pipeline.report.render import Named, by_model, render

ROOM = 1.04  # a scale goes from 0 to so much more than the largest value
LEAST = 0.1  # where all values are 0, a scale needs an end
INSET = 8  # pixels from the edges of the plot to the first and the last epoch


def training_section(comparison: Comparison) -> Markup:
    """A picture of each model that says how it was trained, in the look of the first system that searches with it, and
    below all the ablations there are; empty where none says so. UserError if a meta.json or a table is damaged."""
    found = [
        {
            "systems": [name for name, _ in systems],
            "picture": picture,
            "ablation": tsv_table(model / "ablation.tsv", f"{model.name} trained again with one setting changed"),
        }
        for model, systems in by_model(comparison).items()
        if (picture := _picture(model, [name for name, _ in systems]))
    ]
    return render("training.html", models=found) if found else Markup()


def _picture(model: Path, systems: Sequence[Named]) -> Picture | None:
    """That of a network, or of what else says how it was trained; None of what does not."""
    if history := read_history(model):
        return _of_network(systems, history)
    curve = read_curve(model, read_meta(model))
    return _of_one_number(systems, curve) if curve else None


def _across(last: int) -> list[float]:
    """Where each of so many epochs is drawn."""
    width = WIDTH - LEFT - RIGHT - 2 * INSET
    return [LEFT + INSET + width * number / max(last - 1, 1) for number in range(last)]


def _along(last: int, across: Sequence[float]) -> list[tuple[float, str]]:
    """The numbers of some epochs, and where they stand."""
    shown = [int(number) for number in round_values(1, last, MOST_TICKS, 1)] if last > 1 else [1]
    return [(across[number - 1], str(number)) for number in shown]


def _of_one_number(systems: Sequence[Named], curve: Curve) -> Picture:
    """One curve on a scale from its least to its largest value."""
    last, across = len(curve.values), _across(len(curve.values))
    room = (ROOM - 1) * max(max(curve.values) - min(curve.values), LEAST)
    low, high = min(curve.values) - room, max(curve.values) + room
    points = [(x, height(low, high, value)) for x, value in zip(across, curve.values)]
    said = [f"{curve.step} {number}: {curve.what} {value:.3f}" for number, value in enumerate(curve.values, start=1)]
    dots = [Dot(*point, title) for point, title in zip(points, said)]
    return Picture(
        f"training of {', '.join(one.name for one in systems)}",
        f"{curve.what}; {last} {curve.step}{'es' if curve.step.endswith('s') else 's'}",
        labelled([Line(systems[0], points, dots, f"{curve.values[-1]:.2f}", points[-1][1], radius=1.6)]),
        ticks(low, high),
        _along(last, across),
        curve.step,
        marks=[] if curve.kept == last else [(across[curve.kept - 1], "kept")],
    )


def _of_network(systems: Sequence[Named], history: History) -> Picture:
    """Loss per phone on the left scale, dev PER (of what spells, CER) on the right one, by epoch."""
    epochs, last = history.epochs, len(history.epochs)
    across = _across(last)

    def line(values: list[float], label: str, titles: Sequence[str] = (), **look: Any) -> tuple[Line, float]:
        """A line and the end of its scale."""
        high = ROOM * max(*values, LEAST)
        points = [(x, height(0, high, value)) for x, value in zip(across, values)]
        dots = [Dot(*point, title) for point, title in zip(points, titles)]
        return Line(systems[0], points, dots, label, points[-1][1], radius=1.6, **look), high

    said = [
        f"epoch {number}: loss {epoch.loss:.3f} per phone, dev {history.measure} {epoch.dev_per:.1f} %"
        for number, epoch in enumerate(epochs, start=1)
    ]
    loss, most_loss = line([epoch.loss for epoch in epochs], "loss, nats", look="plain")
    per, most_per = line([epoch.dev_per for epoch in epochs], f"dev {history.measure}, %", said)
    kept = epochs[history.best - 1]
    return Picture(
        f"training of {', '.join(one.name for one in systems)}",
        f"{last} epoch{'s' if last > 1 else ''}; kept is epoch {history.best},"
        f" dev {history.measure} {kept.dev_per:.1f} %",
        labelled([loss, per]),
        ticks(0, most_loss),
        _along(last, across),
        "epoch",
        ticks(0, most_per),
        [(across[history.best - 1], "kept")],
    )
