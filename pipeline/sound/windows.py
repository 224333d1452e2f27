"""Stretches of a sound around moments: what pitch, intensity and formants are measured in."""

from __future__ import annotations

import numpy as np

STEP_S = 0.01  # between two moments of a curve


def moments(num_samples: int, sample_rate: int) -> np.ndarray:
    """(T,) seconds, one in the middle of each whole 10 ms of a sound: what a curve has its values at."""
    return (np.arange(int(num_samples / sample_rate / STEP_S + 1e-6)) + 0.5) * STEP_S


def windows(samples: np.ndarray, sample_rate: int, times: np.ndarray, length: int) -> np.ndarray:
    """(N,) -> (T, length): so many samples around each time (T,) in seconds, the middle one nearest to it; zeros beyond
    the ends of the sound."""
    first = np.rint(times * sample_rate - length / 2).astype(int)
    padded = np.pad(np.asarray(samples, np.float64), length)
    starts = np.clip(first + length, 0, len(padded) - length)
    return np.lib.stride_tricks.sliding_window_view(padded, length)[starts]
