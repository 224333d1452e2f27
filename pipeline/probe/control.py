"""What a probe's accuracy is worth: a control task that can only be learnt by heart, and a learning curve."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence

import numpy as np

from pipeline.classifier.labels import UNKNOWN

CURVE_MINUTES = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 60.0)


def control_labels(types: np.ndarray, frequency: np.ndarray, seed: int) -> np.ndarray:
    """(N,) a phone for each frame by its type (N,), such as its triphone: every type has one, drawn at random with the
    ``frequency`` (P,) of the phones, and has it in training and in test.

    The control task of Hewitt & Liang 2019 (Designing and interpreting probes with control tasks), with types of frames
    for types of words. A probe that does well on it as well is one that learns by heart: its *selectivity* is accuracy
    on phones minus accuracy on the control. A type has the same label whatever others there are.
    """
    upper = np.cumsum(frequency) / np.sum(frequency)
    names, index = np.unique(types, return_inverse=True)
    drawn = [np.random.default_rng([seed, zlib.crc32(name.encode())]).random() for name in names.tolist()]
    return np.searchsorted(upper, drawn, side="right")[index]


def known_types(labels: np.ndarray, types: np.ndarray, trained: np.ndarray) -> np.ndarray:
    """The labels (N,), UNKNOWN where a type (N,) is none of the ``trained``: the control label of a type that was never
    seen cannot be guessed, so both tasks are judged by the others."""
    return np.where(np.isin(types, trained), labels, UNKNOWN)


def portions(
    seconds: Mapping[str, float], speaker_of: Mapping[str, str], minutes: Sequence[float] = CURVE_MINUTES, seed: int = 0
) -> dict[float, list[str]]:
    """The points of a learning curve, {minutes of labels: utterances}: of each speaker in turn one of the utterances,
    in random order, until there are as many ``seconds`` as wanted. The last point is all utterances. Each portion holds
    the one before it."""
    rng = np.random.default_rng(seed)
    queues: dict[str, list[str]] = {}
    for utterance in rng.permutation(sorted(seconds)).tolist():
        queues.setdefault(speaker_of[utterance], []).append(utterance)
    speakers = rng.permutation(sorted(queues)).tolist()
    longest = max(map(len, queues.values()), default=0)
    order = [queues[s][turn] for turn in range(longest) for s in speakers if turn < len(queues[s])]
    ends = np.cumsum([seconds[utterance] for utterance in order])
    found = {}
    for wanted in minutes:
        if not order or 60 * wanted >= ends[-1]:
            break
        found[wanted] = order[: 1 + int(np.searchsorted(ends, 60 * wanted, side="left"))]
    return {**found, float(ends[-1]) / 60: order} if order else {}
