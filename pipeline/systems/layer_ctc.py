"""Phones pulled out of a recogniser that was never told of them: one linear map of a layer's frames, trained with CTC.

The encoder from outside stays as it is. Of its layers on disk that is taken whose map, trained for a few epochs, has
the lowest phone error rate on dev; then it is trained to the end, and is a network like any other (`ctc`).
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace

from lexicon.text import columns
from pipeline.base.training import Material, setting
from pipeline.encoders.layers import layer_kinds
from pipeline.neural.model import ENCODERS
from pipeline.sound.front_end import NORMALISE
from pipeline.systems import ctc

TRIAL = "trial"


@dataclass(frozen=True)
class Settings(ctc.Settings):
    """As those of `ctc`, with the defaults that suit a layer, whose rows have seen enough of each other. On dev of
    librispeech, block 6 of whisper-base, the best path has 28 % PER with rows as they are and 10 % with each row
    normalised: a few are ten times as large as the others."""

    normalise: str = setting("row", "row: each by itself; or by the speaker's mean, or variance too", choices=NORMALISE)
    deltas: int = setting(0, "time derivatives beside each coefficient: first, second and so on", least=0)
    encoder: str = setting("linear", "kind of network", choices=ENCODERS)
    subsampling: int = setting(1, "feature frames per network frame")
    epochs: int = setting(15, "passes over the training data at most; the learning rate falls until the last")
    min_updates: int = setting(60, "updates in an epoch at least; a small corpus is passed over several times")
    batch_size: int = setting(4, "utterances in a batch")
    learning_rate: float = setting(1e-2, "highest learning rate of AdamW")
    warmup_epochs: int = setting(1, "epochs in which the learning rate rises")
    speed_change: float = setting(0.0, "utterances are made faster or slower by up to this share")
    time_masks: float = setting(0.0, "masks of 1 to 10 frames per second of speech, on average")
    feature_mask: int = setting(0, "coefficients masked at most, with their deltas")
    noise: float = setting(0.0, "Gaussian noise, in standard deviations of each coefficient")
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
