"""The clock by which all times are counted, in frames of 10 ms: when a frame is, in seconds.

Rows of features and of scores may be further apart: row j of those that stand for ``step`` frames each is centred on
frame j ``step``.
"""

from __future__ import annotations

from typing import overload

import numpy as np

FRAME_SHIFT_MS = 10.0
FRAME_LENGTH_MS = 25.0


@overload
def frame_to_seconds(frame: float) -> float: ...
@overload
def frame_to_seconds(frame: np.ndarray) -> np.ndarray: ...
def frame_to_seconds(frame: float | np.ndarray) -> float | np.ndarray:
    """When the boundary before ``frame`` lies, in seconds.

    A frame's time is the centre of its window (12.5 ms after its first sample), so the boundary between frames f-1
    and f lies half a shift before the centre of f. Kaldi takes the window's start, which costs 14 ms of bias.
    """
    return (frame * FRAME_SHIFT_MS + (FRAME_LENGTH_MS - FRAME_SHIFT_MS) / 2) / 1000


def seconds_to_frame(seconds: float) -> int:
    """The frame that begins nearest to a time (see `frame_to_seconds`)."""
    return round((1000 * seconds - (FRAME_LENGTH_MS - FRAME_SHIFT_MS) / 2) / FRAME_SHIFT_MS)


def at_frames(labels: np.ndarray, step: int, frames: np.ndarray) -> np.ndarray:
    """Of labels (n,), each of ``step`` frames, row j centred on frame j ``step``, those nearest to ``frames`` (T,);
    none for frames that the labels do not reach to."""
    nearest = np.rint(frames / step).astype(int)
    return labels[np.minimum(nearest, len(labels) - 1)[nearest <= len(labels)]] if len(labels) else labels
