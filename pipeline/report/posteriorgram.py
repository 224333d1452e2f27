"""Posteriors of phones over time as a picture, and the spikes of a CTC network."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from lexicon.phones import BLANK, SILENT, PhoneSet, by_manner, manner_in
from lexicon.spelling import spelled
from pipeline.draw.spectrogram import png_mask
from pipeline.neural.paths import greedy
from pipeline.search.system import Writer
from pipeline.times.clock import FRAME_SHIFT_MS, frame_to_seconds


def posteriorgram(
    labels: Sequence[str], posteriors: np.ndarray, step: int, phone_set: PhoneSet, begin: int = 0
) -> dict[str, Any]:
    """What the page needs to draw (T', P) phone posteriors, a row for ``step`` frames, from frame ``begin`` on.

    Rows of the picture are the phones by manner, silence and blank last, with darkness sqrt(p), so that the improbable
    is seen as well. Row j of the posteriors is centred on frame begin + j step.
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
    first, last = (float(frame_to_seconds(begin + (row - 0.5) * step + 0.5)) for row in (0, len(posteriors)))
    return {
        "labels": order,
        "manners": manners,
        "start": round(first, 4),
        "end": round(last, 4),
        "step": step * FRAME_SHIFT_MS / 1000,
        "png": base64.b64encode(png_mask(darkness, levels=64)).decode("ascii"),
        "spikes": [],
    }


def attention_map(
    writer: Writer, columns: np.ndarray, words: Sequence[str], step: int, begin: int = 0
) -> dict[str, Any] | None:
    """Where an attention decoder reads each letter of ``words`` in its columns (T', width), from frame ``begin`` on: a
    picture whose rows are the letters in their order, darkness sqrt(share); None of no words, or of what is no
    attention decoder.

    ``words`` of the page are (word, number of its letters, with the end of the word).
    """
    import torch  # slow imports, for one kind of system

    from pipeline.neural.spelling import AttentionSpelling

    index = {letter: number for number, letter in enumerate(writer.letters)}
    letters = [index[letter] for word in words for letter in spelled(word) if letter in index]
    if not isinstance(writer.network, AttentionSpelling) or not letters or not len(columns):
        return None
    with torch.inference_mode():
        looked = writer.network.looked(torch.from_numpy(np.ascontiguousarray(columns)), tuple(letters)).numpy()
    rows = step * writer.network.POOLED
    first, last = (
        float(frame_to_seconds(begin + edge * step - step / 2 + 0.5)) for edge in (0, looked.shape[1] * rows / step)
    )
    return {
        "words": [[word, len(spelled(word))] for word in words],
        "start": round(first, 4),
        "end": round(last, 4),
        "png": base64.b64encode(png_mask(np.sqrt(np.clip(looked, 0, 1)), levels=64)).decode("ascii"),
    }


def spikes(tokens: Sequence[str], log_posteriors: np.ndarray, step: int, begin: int = 0) -> list[list[Any]]:
    """[seconds, phone, probability] where a network is surest of each phone of its greedy path.

    log_posteriors: (T', tokens) as the network gives them, without a prior, from frame ``begin`` on.
    """
    found = []
    for token, first, last in greedy(log_posteriors):
        peak = first + int(log_posteriors[first:last, token].argmax())
        centre = float(frame_to_seconds(begin + peak * step + 0.5))
        if tokens[token] not in SILENT:
            found.append([round(centre, 4), tokens[token], round(float(np.exp(log_posteriors[peak, token])), 3)])
    return found
