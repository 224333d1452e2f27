"""What layers of encoders from outside know of phones, as a page of its own: layers.html, from EXP/layers/*.json.

One picture a measure: the layers of the encoder from below to the top, its controls beside it, and level lines for what
has one layer, or of which the best is shown.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from lexicon.errors import UserError
from lexicon.phones import SILENT, PhoneSet
from pipeline.base.arrays import read_arrays
from pipeline.compare.layers import ARRAYS, BEST, COUNTED, FIGURES, MEASURES, NOTE, Layers, Row, read_layers, several
from pipeline.draw.spectrogram import png_mask
from pipeline.report.curves import LEFT, RIGHT, WIDTH, Dot, Line, Picture, height, labelled, ticks
from pipeline.report.posteriorgram import posteriorgram
from pipeline.report.render import Named

SHADES = 2.5  # standard deviations on both sides of the mean, from white to black
MARGIN = 4  # points of the scale left free above and below
LEAST_STEP = 5  # points between two ticks

# Findings of others, about other encoders and other speech.
PUBLISHED = [
    (
        "Belinkov & Glass 2017",
        "DeepSpeech 2 (CTC over letters), frames of TIMIT, a perceptron with a hidden layer",
        "phones are best told from a recurrent layer in the middle, and less well from the top, which spells",
    ),
    (
        "Pasad et al. 2021",
        "wav2vec 2.0 base, LibriSpeech, canonical correlation and mutual information with aligned phones",
        "most of phones in the middle of twelve blocks, the top again like the input; after fine-tuning not so",
    ),
    (
        "Pasad et al. 2023",
        "eleven self-supervised models, the same measures",
        "where phones lie follows the training: in the middle (wav2vec 2.0), or towards the top (HuBERT, WavLM)",
    ),
    (
        "Hewitt & Liang 2019",
        "ELMo, words of English text, parts of speech",
        "of two layers the more accurate was the less selective: accuracy alone says little of what a layer holds",
    ),
]


class Track(NamedTuple):
    """What one line is of."""

    system: Named
    rows: list[Row]
    best: Row


def page_values(exp: Path, phone_set: PhoneSet) -> list[dict[str, Any]]:
    """A section for each encoder that has been measured; none where none has."""
    return [
        _section(read_layers([path])) | {"example": _example(path.with_suffix(ARRAYS), phone_set)}
        for path in sorted((exp / "layers").glob("*.json"))
    ]


def _example(path: Path, phone_set: PhoneSet) -> dict[str, Any]:
    """Features and emission of one utterance as pictures, with the phones over them; places in percent of its time."""
    try:
        arrays, names = read_arrays(path)
        emission = posteriorgram(names["columns"], arrays["posteriors"], int(arrays["step"]), phone_set)
        features = np.clip((np.asarray(arrays["features"], np.float32).T + SHADES) / (2 * SHADES), 0, 1)
        bounds = np.stack([arrays["starts"], arrays["ends"]], axis=1).tolist()
        layer, utterance = names["layer"][0], names["utterance"][0]
        phones = list(zip(names["phones"], bounds, strict=True))
    except Exception as error:  # a file of anything can fail in any way; all of them mean the same to the user
        raise UserError(f"{path}: no picture of a layer ({error!r:.80}); remove it and run: make layers") from error
    begin, end = emission["start"], emission["end"]

    def across(seconds: float) -> float:
        return 100 * min(max((seconds - begin) / (end - begin), 0), 1)

    return {
        "layer": layer,
        "utterance": utterance,
        "seconds": end - begin,
        "features": base64.b64encode(png_mask(features, levels=32)).decode("ascii"),
        "emission": emission["png"],
        "labels": emission["labels"],
        "phones": [(name, across(start), across(stop)) for name, (start, stop) in phones if name not in SILENT],
    }


def num_looks(sections: Sequence[dict[str, Any]]) -> int:
    """How many looks of systems the page needs."""
    return max((len(section["tracks"]) for section in sections), default=0)


def _tracks(layers: Layers) -> list[Track]:
    """The encoder, and what stands beside it."""
    groups = [layers.encoder, *(group for group in layers.groups if group != layers.encoder)]
    return [Track(Named(name, number), layers.of(name), layers.best[name]) for number, name in enumerate(groups)]


def _section(layers: Layers) -> dict[str, Any]:
    tracks = _tracks(layers)
    deep = [track for track in tracks if _deep(track, layers)]
    places = [_short(row.name, layers.encoder) for row in layers.of(layers.encoder)]
    pictures = [_picture(measure, layers, tracks, places) for measure in MEASURES]
    if curve := _curves(layers, tracks):
        pictures.append(curve)
    names, matrix = layers.cka
    return {
        "encoder": layers.encoder,
        "setting": layers.setting,
        "unit": layers.unit,
        "notes": layers.notes,
        "note": NOTE,
        "tracks": [track.system for track in tracks],
        "seen": _seen(layers, tracks, deep),
        "pictures": pictures,
        "counted": [name for name, _ in COUNTED.values()],
        "figures": [name for name, _ in FIGURES.values()],
        "rows": [_cells(row, track) for track in tracks for row in track.rows],
        "best": [
            (row.name.removeprefix(f"{BEST}: "), row.rates["frame_accuracy"], row.rates["free_per"])
            for row in several(layers)
        ],
        "cka_names": [_short(name, layers.encoder) for name in names],
        "cka": [[float(value) for value in row] for row in matrix],
    }


def _cells(row: Row, track: Track) -> dict[str, Any]:
    return {
        "system": track.system,
        "name": row.name,
        "chosen": row.chosen,
        "rates": list(row.rates.values()),
        "figures": [f"{value:.1f}" if math.isfinite(value) else "" for value in row.figures.values()],
    }


def _deep(track: Track, layers: Layers) -> bool:
    """Whether it is the encoder or a control of it, with the same layers."""
    return [_last(row.name) for row in track.rows] == [_last(row.name) for row in layers.of(layers.encoder)]


def _last(name: str) -> str:
    return name.rpartition(".")[2]


def _short(name: str, encoder: str) -> str:
    return name.removeprefix(f"{encoder}.")


def _seen(layers: Layers, tracks: Sequence[Track], deep: Sequence[Track]) -> list[str]:
    """What one sees, and what it does not show, in two sentences."""
    best = layers.best[layers.encoder]
    right, per = best.rates["frame_accuracy"], best.rates["free_per"]
    others = [track for track in tracks if track.system.name in ("mfcc",) or (track in deep and track is not tracks[0])]
    beside = ", ".join(
        f"{track.best.rates['frame_accuracy'].percent:.1f} % and {track.best.rates['free_per'].percent:.1f} %"
        f" for {track.system.name}"
        for track in others
    )
    layer = _short(best.name.removeprefix(f"{BEST}: "), layers.encoder)
    return [
        f"A linear map of {layers.encoder}'s {layer}, the layer that is best on dev, names {right} % of frames right,"
        f" and with a phone bigram has a free PER of {per} %{f' ({beside})' if beside else ''}.",
        "That phones can be read off a layer does not show that the recogniser uses them, nor that it holds nothing"
        " else; and what comes of a probe depends on how many minutes of labels it has learnt from.",
    ]


# ---- pictures


def _range(values: Sequence[float]) -> tuple[float, float]:
    """Lowest and highest percentage of a picture."""
    known = [value for value in values if math.isfinite(value)] or [0.0]
    return min(known) - MARGIN, max(known) + MARGIN


def _picture(measure: str, layers: Layers, tracks: Sequence[Track], places: Sequence[str]) -> Picture:
    title, better = MEASURES[measure]
    inner = WIDTH - LEFT - RIGHT
    across = [LEFT + inner * (i + 0.5) / len(places) for i in range(len(places))]
    rates = [row.rates[measure] for row in tracks[0].rows if measure in row.rates]
    ends = [end for rate in rates for end in (rate.low, rate.high)]
    shown = {track.system: track.rows if _deep(track, layers) else [track.best] for track in tracks}
    low, high = _range([*ends, *(row.percent(measure) for rows in shown.values() for row in rows)])
    lines = []
    for number, track in enumerate(tracks):
        rows, deep = shown[track.system], _deep(track, layers)
        values = [row.percent(measure) for row in rows]
        if not all(map(math.isfinite, values)):
            continue
        at = [height(low, high, value) for value in values]
        level = [(float(LEFT), at[0]), (float(WIDTH - RIGHT), at[0])]
        points = level if not deep else list(zip(across, at))
        whiskers = []
        if number == 0 and measure in COUNTED:
            whiskers = [(x, height(low, high, r.low), height(low, high, r.high)) for x, r in zip(across, rates)]
        titles = [
            f"{row.name}: {row.rates[measure] if measure in row.rates else f'{value:.1f}'} %"
            for row, value in zip(rows, values)
        ]
        label = track.system.name.removeprefix(f"{layers.encoder}:")
        dots = [Dot(*point, title) for point, title in zip(points if deep else points[-1:], titles)]
        look, radius = ("", 3.2) if deep else ("level", 0.0)
        lines.append(Line(track.system, points, dots, label, points[-1][1], whiskers, look, radius))
    return Picture(
        title,
        "%, more is better" if better else "%, less is better",
        labelled(lines),
        ticks(low, high, LEAST_STEP),
        list(zip(across, [place.removeprefix("block") for place in places])),
        "layer, from the input to the top",
    )


def _curves(layers: Layers, tracks: Sequence[Track]) -> Picture | None:
    """Frames right by minutes of labels, on a logarithmic axis."""
    drawn = [(track, points) for track in tracks if (points := layers.curves.get(track.system.name))]
    if not drawn:
        return None
    minutes = [point.minutes for _, points in drawn for point in points]
    first, last = math.log(min(minutes)), math.log(max(minutes))
    low, high = _range([point.rate.percent for _, points in drawn for point in points])
    inner = WIDTH - LEFT - RIGHT - 20

    def across(value: float) -> float:
        return LEFT + 10 + inner * (math.log(value) - first) / max(last - first, 1e-9)

    lines = []
    for track, points in drawn:
        places = [(across(point.minutes), height(low, high, point.rate.percent)) for point in points]
        titles = [f"{track.system.name}, {point.minutes:.3g} min: {point.rate} %" for point in points]
        label = track.system.name.removeprefix(f"{layers.encoder}:")
        dots = [Dot(*place, title) for place, title in zip(places, titles)]
        lines.append(Line(track.system, places, dots, label, places[-1][1]))
    return Picture(
        "frames right by minutes of labels",
        "%, the layer of each that is best on dev",
        labelled(lines),
        ticks(low, high, LEAST_STEP),
        [(across(point.minutes), f"{point.minutes:.2g}") for point in drawn[0][1]],
        "minutes of training labels",
    )
