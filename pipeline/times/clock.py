"""Frames of 10 ms and seconds: when a frame is."""

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
