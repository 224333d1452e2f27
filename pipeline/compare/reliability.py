"""Whether confidences hold what they say: of what was heard with 0.9, are nine of ten right?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from lexicon.errors import UserError
from lexicon.fold import Fold
from pipeline.search.confidence import LEVELS, POSTERIORS, again, judged, read_posteriors, sure_labels

BINS = 10  # of equal width


class Reliability(NamedTuple):
    """Of words or phones that were heard: how sure the system was of each, and whether it was right.

    ``posterior``, ``confidence``: (N,) float64 in [0, 1], before and after calibration; ``right``: (N,) bool.
    """

    posterior: np.ndarray
    confidence: np.ndarray
    right: np.ndarray


class Bin(NamedTuple):
    """Of what was heard with about this confidence: the mean of it, the share that was right, and how much it was."""

    confidence: float
    right: float
    number: int


def bins(sure: np.ndarray, right: np.ndarray, number: int = BINS) -> list[Bin]:
    """(N,) in [0, 1], (N,) bool -> the bins of equal width that are not empty, lowest first."""
    place = np.minimum((sure * number).astype(int), number - 1)
    return [
        Bin(float(sure[place == i].mean()), float(right[place == i].mean()), int((place == i).sum()))
        for i in range(number)
        if (place == i).any()
    ]


def calibration_error(sure: np.ndarray, right: np.ndarray) -> float:
    """Expected calibration error in percentage points: how far the mean confidence of a bin is from the share that was
    right, weighed by what is in it (Naeini, Cooper and Hauskrecht 2015). 0 of nothing."""
    found = bins(sure, right)
    return 100 * sum(abs(one.confidence - one.right) * one.number for one in found) / max(len(sure), 1)


def read_reliability(
    decode: Path, references: Mapping[str, Mapping[str, Sequence[str]]], fold: Fold = {}
) -> dict[str, Reliability]:
    """Of a decode, for each of LEVELS. ``references``: "words" and "phones" (folded), utterance -> labels.

    Empty for a decode that has kept no posteriors. UserError names a file that is damaged.
    """
    if not (decode / POSTERIORS).exists():
        return {}
    posteriors, found = read_posteriors(decode), {}
    for level in LEVELS:
        path, said = decode / f"{level}.ctm", dict[str, list[tuple[str, float]]]()
        for utterance, label, confidence in sure_labels(path):
            said.setdefault(utterance, []).append((label, confidence))
        rows = []
        for utterance, reference in references["words" if level == "words" else "phones"].items():
            heard, before = said.get(utterance, []), posteriors.get(utterance, {}).get(level, [])
            if len(heard) != len(before):
                raise UserError(
                    f'{decode / POSTERIORS}: {len(before)} {level} of utterance "{utterance}", {path.name} has'
                    f" {len(heard)}; {again(path)}"
                )
            labels = [label for label, _ in heard]
            both = (judged(labels, sure, reference, fold) for sure in (before, [sure for _, sure in heard]))
            rows += [(first, second, right) for (first, right), (second, _) in zip(*both)]
        columns = np.array(rows).reshape(-1, 3).T
        found[level] = Reliability(columns[0], columns[1], columns[2].astype(bool))
    return found
