"""What was measured of layers (stages/layers.py), as a table: of one test set, or of several splits of a corpus
together, with intervals over all their speakers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from lexicon.errors import UserError
from lexicon.files import read_json
from lexicon.text import columns
from pipeline.compare.significance import Rate, error_rate, resampling_units

Counts = Mapping[str, Sequence[float]]  # by utterance: a part, and of how much

# Measure: what people call it, and whether more is better.
COUNTED = {
    "frame_accuracy": ("frames right", True),
    "balanced_accuracy": ("phones alike", True),
    "free_per": ("free PER", False),
    "boundaries": ("within 20 ms", True),
    "selectivity": ("selectivity", True),
}
FIGURES = {"pnmi": ("PNMI", True), "abx_error": ("ABX error", False), "cka_mfcc": ("CKA with MFCC", True)}
MEASURES = COUNTED | FIGURES
BEST = "best on dev"
ARRAYS = ".safetensors"  # beside a .json: `pipeline.probe.measure.example`
NOTE = (
    "frames right: accuracy of a linear probe, closures being silence; phones alike: the same, every phone counting as"
    " much; free PER: the probe's scores in the free phone search; within 20 ms: phone starts in a forced alignment by"
    " a probe that joins closures with their bursts; selectivity: points by which phones are easier than the control"
    " task (frames whose triphone was in training); PNMI (of 100 k-means units) and ABX (across speakers) are of all"
    " sets; CKA: linear, standardised. Probes were tuned on dev, then learnt from train and dev; for selectivity, from"
    " train alone"
)


@dataclass(frozen=True)
class Row:
    """What was measured of a layer. ``figures`` are in percent, NaN where there is none; ``chosen``: of the several of
    its group it is the best on dev."""

    name: str
    group: str
    rates: Mapping[str, Rate]
    figures: Mapping[str, float]
    dev_accuracy: float
    chosen: bool = False

    def percent(self, measure: str) -> float:
        return self.rates[measure].percent if measure in self.rates else self.figures[measure]


class Point(NamedTuple):
    """Of a learning curve."""

    minutes: float
    rate: Rate


@dataclass(frozen=True)
class Layers:
    """A table of layers: its rows in order, of each group the best layer on dev (in several splits it may be another
    in each), and learning curves by group. ``cka``: the names of its matrix and the matrix."""

    encoder: str
    rows: Sequence[Row]
    best: Mapping[str, Row]
    curves: Mapping[str, Sequence[Point]]
    unit: str
    setting: str
    cka: tuple[Sequence[str], np.ndarray]
    notes: Sequence[str] = field(default_factory=list)

    def of(self, group: str) -> list[Row]:
        return [row for row in self.rows if row.group == group]

    @property
    def groups(self) -> list[str]:
        return list(dict.fromkeys(row.group for row in self.rows))


def read_layers(paths: Sequence[Path]) -> Layers:
    """The table of one file of `stages.layers`, or of several splits together. UserError if one is damaged, or of other
    layers."""
    found = []
    for path in paths:
        try:
            found.append(read_json(path))
            names = [(row["name"], row["group"]) for row in found[-1]["rows"]]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UserError(f"{path}: no measures of layers ({error!r:.80}); remove it and run: make layers") from error
        if names != [(row["name"], row["group"]) for row in found[0]["rows"]]:
            raise UserError(f"{path}: other layers than in {paths[0]}; measure the same: make layers ENCODER=")
    try:
        return _together(found)
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        where = ", ".join(map(str, paths))
        raise UserError(f"{where}: no measures of layers ({error!r:.80}); remove it and run: make layers") from error


def _together(found: Sequence[Mapping[str, Any]]) -> Layers:
    tests = [(part, utt) for part, one in enumerate(found) for utt in one["speakers"]]
    units, unit = resampling_units([found[part]["speakers"][utt] for part, utt in tests])

    def rate(counts: Sequence[Counts]) -> Rate:
        """Of the counts in each part."""
        each = np.array([counts[part][utt] for part, utt in tests], float)
        return error_rate(each[:, 0], each[:, 1], units)

    def row(name: str, group: str, parts: Sequence[Mapping[str, Any]], chosen: bool = False) -> Row:
        rates = {measure: rate([_counts(one["counts"], measure) for one in parts]) for measure in COUNTED}
        figures = {figure: float(np.mean([_number(one[figure]) for one in parts])) for figure in FIGURES}
        return Row(name, group, rates, figures, float(np.mean([one["dev_accuracy"] for one in parts])), chosen)

    best, curves = {}, {}
    for group in dict.fromkeys(one["group"] for one in found[0]["rows"]):
        chosen = [_best_of(one["rows"], group) for one in found]
        names = list(dict.fromkeys(one["name"] for one in chosen))
        best[group] = row(f"{BEST}: {', '.join(names)}", group, chosen, True)
        points = [one["curves"].get(group, {}) for one in found]
        curves[group] = [
            Point(
                float(np.mean([float(list(own)[place]) for own in points])),
                rate([list(own.values())[place] for own in points]),
            )
            for place in range(min(map(len, points)))
        ]
    groups, top = [one["group"] for one in found[0]["rows"]], best_names(found)
    rows = [
        row(
            first["name"],
            first["group"],
            [one["rows"][place] for one in found],
            first["name"] in top and groups.count(first["group"]) > 1,
        )
        for place, first in enumerate(found[0]["rows"])
    ]
    cka = list(found[0]["cka"]["names"]), np.mean([one["cka"]["matrix"] for one in found], axis=0)
    speakers = len({speaker for one in found for speaker in one["speakers"].values()})
    minutes = "; ".join(f"{name} {sum(one['minutes'][name] for one in found):.1f}" for name in ("train", "dev", "test"))
    setting = (
        f"{found[0]['corpus']}, {found[0]['encoder']}: {len(tests)} test utterances of {speakers} speakers"
        f"{f' in {len(found)} splits' if len(found) > 1 else ''}; minutes: {minutes}; phones:"
        f" {found[0]['labels']}"
    )
    notes = [
        f"speakers of several sets, so that this is not what a stranger would get: {', '.join(one['shared'])}"
        for one in found
        if one["shared"]
    ]
    return Layers(found[0]["encoder"], rows, best, curves, unit, setting, cka, notes)


def best_names(found: Iterable[Mapping[str, Any]]) -> set[str]:
    """The names of the layers that are the best of their group on dev, in any split."""
    return {_best_of(one["rows"], group)["name"] for one in found for group in {row["group"] for row in one["rows"]}}


def _best_of(rows: Sequence[Mapping[str, Any]], group: str) -> Mapping[str, Any]:
    """The layer of a group with most frames of dev right; the first of equals."""
    return max((row for row in rows if row["group"] == group), key=lambda row: row["dev_accuracy"])


def _number(value: float | None) -> float:
    return float("nan") if value is None else float(value)


def _counts(counts: Mapping[str, Any], measure: str) -> Counts:
    """By utterance a part and the whole; selectivity is the difference of two accuracies of the same frames."""
    if measure != "selectivity":
        return counts[measure]
    control = counts["control_accuracy"]
    return {utt: (part - control[utt][0], whole) for utt, (part, whole) in counts["known_accuracy"].items()}


# ---- as text

TSV = [
    "layer",
    "group",
    "best_on_dev",
    "dev_accuracy",
    *(f"{measure}{end}" for measure in COUNTED for end in ("", "_low", "_high")),
    *FIGURES,
]


def tsv_lines(layers: Layers) -> list[str]:
    """A line under TSV for each layer, in percent; then that of each group which is best on dev, if it has several."""
    lines = ["\t".join(TSV)]
    for row in [*layers.rows, *several(layers)]:
        rates = [value for rate in row.rates.values() for value in (rate.percent, rate.low, rate.high)]
        cells = [row.dev_accuracy, *rates, *row.figures.values()]
        chosen = "yes" if row.chosen else "no"
        lines.append("\t".join([row.name, row.group, chosen, *(f"{cell:.2f}" for cell in cells)]))
    return lines


def several(layers: Layers) -> list[Row]:
    """Of each group of several layers the row of that which is best on dev."""
    return [row for group, row in layers.best.items() if len(layers.of(group)) > 1]


def readable_lines(layers: Layers) -> list[str]:
    """The same for a terminal, with the learning curves."""
    head = ["layer", *(name for name, _ in COUNTED.values()), *(name for name, _ in FIGURES.values())]
    cells = [
        [
            f"{'*' if row.chosen else ''}{row.name}",
            *(str(row.rates[measure]) for measure in COUNTED),
            *(f"{row.figures[figure]:.1f}" for figure in FIGURES),
        ]
        for row in layers.rows
    ]
    table = columns([head, *cells])
    lines = [layers.setting, "", table[0], "-" * max(map(len, table)), *table[1:], ""]
    lines += [f"[low, high]: 95 % bootstrap over {layers.unit}; * the layer that is best on dev. In percent. {NOTE}."]
    lines += [*layers.notes, "", "The layer of each that is best on dev, and what it makes of fewer minutes of labels:"]
    for group, row in layers.best.items():
        curve = ", ".join(f"{point.minutes:.3g} min {point.rate.percent:.1f}" for point in layers.curves[group])
        name = row.name.removeprefix(f"{BEST}: ")
        lines.append(
            f"  {name}: frames right {row.rates['frame_accuracy']}, free PER"
            f" {row.rates['free_per']}{f'; frames right by train alone: {curve}' if curve else ''}"
        )
    return lines
