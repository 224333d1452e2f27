"""Phones pulled out of a recogniser that was never told of them: one linear map of a layer's frames, trained with CTC.

The encoder from outside stays as it is. Of its layers on disk that is taken whose map, trained for a few epochs, has
the lowest phone error rate on dev; then it is trained to the end, and is a network like any other (`ctc`).
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace

from lexicon.text import columns
from pipeline.base.training import Material, otherwise, setting
from pipeline.encoders.layers import layer_kinds
from pipeline.systems import ctc

TRIAL = "trial"


@dataclass(frozen=True)
class Settings(ctc.Settings):
    """As those of `ctc`, with the defaults that suit a layer, whose rows have seen enough of each other. On dev of
    librispeech, block 6 of whisper-base, the best path has 28 % PER with rows as they are and 10 % with each row
    normalised: a few are ten times as large as the others."""

    normalise: str = otherwise(ctc.Settings, "normalise", "row")
    deltas: int = otherwise(ctc.Settings, "deltas", 0)
    encoder: str = otherwise(ctc.Settings, "encoder", "linear")
    subsampling: int = otherwise(ctc.Settings, "subsampling", 1)
    epochs: int = otherwise(ctc.Settings, "epochs", 15)
    min_updates: int = otherwise(ctc.Settings, "min_updates", 60)
    batch_size: int = otherwise(ctc.Settings, "batch_size", 4)
    learning_rate: float = otherwise(ctc.Settings, "learning_rate", 1e-2)
    warmup_epochs: int = otherwise(ctc.Settings, "warmup_epochs", 1)
    speed_change: float = otherwise(ctc.Settings, "speed_change", 0.0)
    time_masks: float = otherwise(ctc.Settings, "time_masks", 0.0)
    feature_mask: int = otherwise(ctc.Settings, "feature_mask", 0)
    noise: float = otherwise(ctc.Settings, "noise", 0.0)
    trial_epochs: int = setting(3, "epochs after which layers are compared", least=1)


def train(material: Material, settings: Settings) -> list[str]:
    """Choose the layer, train its map and fit its prior scale. Returns lines to print, the last of which is the
    result."""
    kinds = layer_kinds(material.train, material.features)
    tried = {kind: _trial(material, settings, kind) for kind in kinds} if len(kinds) > 1 else {}
    best = min(tried, key=lambda kind: tried[kind]) if tried else kinds[0]
    lines = ctc.train_with(replace(material, features=best), settings, {"layers": tried, "layer": best})
    shutil.rmtree(material.out / TRIAL, ignore_errors=True)
    return [*trial_table(tried, best), *lines[:-1], f"{best}, {lines[-1]}"]


def _trial(material: Material, settings: Settings, kind: str) -> float:
    """Dev PER of a layer in percent, after a few epochs; a run that was broken off has the first ones still."""
    few = replace(settings, epochs=settings.trial_epochs)
    return round(ctc.best_path_error(replace(material, features=kind, out=material.out / TRIAL / kind), few), 2)


def trial_table(tried: dict[str, float], best: str) -> list[str]:
    """The layers side by side."""
    rows = [[kind, f"{per:.2f}", "<- chosen" if kind == best else ""] for kind, per in tried.items()]
    return [line.rstrip() for line in columns([["layer", "dev PER %", ""], *rows])] if rows else []
