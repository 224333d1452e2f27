"""Which phone each frame of a layer belongs to, whenever its frames are: hand-placed phones as labels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lexicon.fold import Fold
from lexicon.phones import SILENCE, SILENT
from pipeline.classifier.labels import UNKNOWN
from pipeline.times.clock import FRAME_SHIFT_MS, frame_to_seconds
from pipeline.times.intervals import Interval

OUTSIDE = -1  # of all intervals


def feature_centres(num_frames: int) -> np.ndarray:
    """(T,) when the frames of `pipeline.sound.mfcc` are, in seconds: the centres of their windows."""
    return frame_to_seconds(np.arange(num_frames)) + FRAME_SHIFT_MS / 2000


def interval_at(placed: Sequence[Interval], centres: np.ndarray) -> np.ndarray:
    """(T,) the index of the interval that each of the ``centres`` (T,) in seconds lies in, OUTSIDE if it lies in none.
    One on the boundary of two, to the microsecond, lies in the second. ``placed`` are in order and do not overlap."""
    if not placed:
        return np.full(len(centres), OUTSIDE)
    times = np.round([interval[:2] for interval in placed], 6)
    at, centres = np.searchsorted(times[:, 0], np.round(centres, 6), side="right") - 1, np.round(centres, 6)
    return np.where((at >= 0) & (centres < times[at, 1]), at, OUTSIDE)


def folded(placed: Sequence[Interval], fold: Fold) -> list[Interval]:
    """The intervals with their classes as labels, every kind of silence being SIL."""
    classes = [fold.get(interval.label, interval.label) for interval in placed]
    return [i._replace(label=SILENCE if name in SILENT else name) for i, name in zip(placed, classes)]


def frame_labels(placed: Sequence[Interval], centres: np.ndarray, phones: Sequence[str]) -> np.ndarray:
    """(T,) the index in ``phones`` of what is said at each of the ``centres`` (T,) in seconds; UNKNOWN where it
    is none of them. Outside of all intervals is SIL. Closures are phones of their own unless they have been joined
    with their bursts (`pipeline.align.boundaries.join_closures`), and labels count as they are unless `folded`."""
    index = {phone: i for i, phone in enumerate(phones)}
    of_interval = [index.get(interval.label, UNKNOWN) for interval in placed]
    return np.array([*of_interval, index.get(SILENCE, UNKNOWN)])[interval_at(placed, centres)]  # OUTSIDE is the last


def triphones(placed: Sequence[Interval], centres: np.ndarray) -> np.ndarray:
    """(T,) the phone at each of the ``centres`` between its neighbours, `K-AE+T`; SIL is before the first interval,
    after the last, and outside."""
    labels = [SILENCE, *(interval.label for interval in placed), SILENCE]
    names = [f"{before}-{phone}+{after}" for before, phone, after in zip(labels, labels[1:], labels[2:])]
    return np.array([*names, f"{SILENCE}-{SILENCE}+{SILENCE}"])[interval_at(placed, centres)]


def nearest_frames(centres: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """(T',) the index of the frame, of those at ``centres`` (T,), that is nearest to each ``wanted`` time (T',), the
    earlier of two as near. So frames of one clock are compared with those of another."""
    return np.searchsorted((centres[1:] + centres[:-1]) / 2, wanted, side="left")
