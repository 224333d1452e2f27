"""Posteriors of phones over time as a picture, and the spikes of a CTC network."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from lexicon.phones import BLANK, SILENT, PhoneSet, by_manner, manner_in
from pipeline.draw.spectrogram import png_mask
from pipeline.neural.paths import greedy
from pipeline.times.clock import FRAME_SHIFT_MS, frame_to_seconds


def posteriorgram(labels: Sequence[str], posteriors: np.ndarray, step: int, phone_set: PhoneSet) -> dict[str, Any]:
    """What the page needs to draw (T', P) phone posteriors, a row for ``step`` frames.

    Rows of the picture are the phones by manner, silence and blank last, with darkness sqrt(p), so that the improbable
    is seen as well. Row j of the posteriors is centred on frame j step.
    """
    spoken = [label for label in labels if label not in SILENT]
    order = by_manner(spoken, phone_set) + [label for label in SILENT if label in labels]
    columns = [list(labels).index(label) for label in order]
    darkness = np.sqrt(np.clip(posteriors[:, columns], 0, 1)).T
    manners = [
        [manner, len(list(group))]
        for manner, group in itertools.groupby(
            order, lambda label: "silence" if label == BLANK else manner_in(phone_set, label)
        )
    ]
    first, last = (float(frame_to_seconds((row - 0.5) * step + 0.5)) for row in (0, len(posteriors)))
    return {
        "labels": order,
        "manners": manners,
        "start": round(first, 4),
        "end": round(last, 4),
        "step": step * FRAME_SHIFT_MS / 1000,
        "png": base64.b64encode(png_mask(darkness, levels=64)).decode("ascii"),
        "spikes": [],
    }


def spikes(tokens: Sequence[str], log_posteriors: np.ndarray, step: int) -> list[list[Any]]:
    """[seconds, phone, probability] where a network is surest of each phone of its greedy path.

    log_posteriors: (T', tokens) as the network gives them, without a prior.
    """
    found = []
    for token, begin, end in greedy(log_posteriors):
        peak = begin + int(log_posteriors[begin:end, token].argmax())
        centre = float(frame_to_seconds(peak * step + 0.5))
        if tokens[token] not in SILENT:
            found.append([round(centre, 4), tokens[token], round(float(np.exp(log_posteriors[peak, token])), 3)])
    return found
