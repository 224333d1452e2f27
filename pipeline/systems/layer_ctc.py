"""Phones pulled out of a recogniser that was never told of them: one linear map of a layer's frames, trained with CTC.

The encoder from outside stays as it is. Of its layers on disk, and of their rows as they are or the means of two, those
are taken whose map, trained for a few epochs, has the lowest phone error rate on dev; then it is trained to the end,
and is a network like any other (`ctc`).
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from lexicon.text import columns
from pipeline.base.training import Material, otherwise, setting
from pipeline.encoders.layers import layer_kinds
from pipeline.systems import ctc

ABOUT = (
    "A recogniser from outside that was never told of phones and stays as it is: one linear map of one of its layers,"
    " trained with CTC, reads phones from it."
)

TRIAL = "trial"
# Where there is much silence and few phones, a row every 20 ms is mostly blank, and CTC may not begin to learn.
SUBSAMPLINGS = (1, 2)


@dataclass(frozen=True)
class OnLayer(ctc.Settings):
    """As those of `ctc`, with the defaults that suit a layer, whose rows have seen enough of each other, and whose
    numbers are no bands of sound."""

    deltas: int = otherwise(ctc.Settings, "deltas", 0)
    batch_size: int = otherwise(ctc.Settings, "batch_size", 4)
    warmup_epochs: int = otherwise(ctc.Settings, "warmup_epochs", 1)
    speed_change: float = otherwise(ctc.Settings, "speed_change", 0.0)
    feature_mask: int = otherwise(ctc.Settings, "feature_mask", 0)
    noise: float = otherwise(ctc.Settings, "noise", 0.0)


@dataclass(frozen=True)
class Settings(OnLayer):
    """Of one linear map. On dev of librispeech, block 6 of whisper-base, the best path has 28 % PER with rows as they
    are and 10 % with each row normalised: a few are ten times as large as the others."""

    normalise: str = otherwise(ctc.Settings, "normalise", "row")
    encoder: str = otherwise(ctc.Settings, "encoder", "linear")
    subsampling: int = setting(0, "layer rows per row of the network; 0: 1 or 2, as dev decides", least=0)
    epochs: int = otherwise(ctc.Settings, "epochs", 15)
    min_updates: int = otherwise(ctc.Settings, "min_updates", 60)
    learning_rate: float = otherwise(ctc.Settings, "learning_rate", 1e-2)
    time_masks: float = otherwise(ctc.Settings, "time_masks", 0.0)
    trial_epochs: int = setting(3, "epochs after which layers and subsamplings are compared", least=1)


class Choice(NamedTuple):
    """What dev decides: the layer, and of how many of its rows the network reads the mean."""

    kind: str
    subsampling: int


def train(material: Material, settings: Settings) -> list[str]:
    """Choose the layer and the subsampling, train the map and fit its prior scale. Returns lines to print, the last of
    which is the result."""
    rates = (settings.subsampling,) if settings.subsampling else SUBSAMPLINGS
    choices = [Choice(kind, rate) for kind in layer_kinds(material.train, material.features) for rate in rates]
    tried = {choice: _trial(material, settings, choice) for choice in choices} if len(choices) > 1 else {}
    best = min(tried, key=lambda choice: tried[choice]) if tried else choices[0]
    trials = [{"layer": one.kind, "subsampling": one.subsampling, "dev_per": per} for one, per in tried.items()]
    chosen = replace(settings, subsampling=best.subsampling)
    lines = ctc.train_with(replace(material, features=best.kind), chosen, {"trials": trials, "layer": best.kind})
    shutil.rmtree(material.out / TRIAL, ignore_errors=True)
    return [*trial_table(tried, best), *lines[:-1], f"{best.kind}, subsampling {best.subsampling}, {lines[-1]}"]


def _trial(material: Material, settings: Settings, choice: Choice) -> float:
    """Dev PER in percent after a few epochs, 100 if rows are too few for the phones of too many utterances; a run that
    was broken off has the first ones still."""
    few = replace(settings, epochs=settings.trial_epochs, subsampling=choice.subsampling)
    out = material.out / TRIAL / f"{choice.kind}.{choice.subsampling}"
    state = ctc.trial(replace(material, features=choice.kind, out=out), few)
    return 100.0 if state is None else round(state.best_per, 2)


def trial_table(tried: Mapping[Choice, float], best: Choice) -> list[str]:
    """The trials side by side."""
    head = ["layer", "subsampling", "dev PER %", ""]
    rows = [[c.kind, str(c.subsampling), f"{per:.2f}", "<- chosen" if c == best else ""] for c, per in tried.items()]
    return [line.rstrip() for line in columns([head, *rows])] if rows else []
