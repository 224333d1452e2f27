"""The best path through blanks and tokens, frame by frame, compiled by numba on first use and kept."""

from __future__ import annotations

import numpy as np
from numba import boolean, float64, int8, int64, njit, types
from numba.core.types import Array

TABLE, NUMBERS, SWITCHES = Array(float64, 2, "C"), Array(int64, 1, "C"), Array(boolean, 1, "C")


@njit(types.Tuple((float64, NUMBERS))(TABLE, SWITCHES), cache=True, nogil=True)
def best_states(scores, skip):
    """Scores (T, S) of the states blank, t1, blank, t2, ..., blank, T > 0, and whether each may be entered from two
    states back: the best total, and the state of each frame (T,). A path begins in one of the first two states and ends
    in one of the last two; of ways that score alike the one that stays counts. Without a path the total is -inf."""
    num_frames, size = scores.shape
    steps = np.zeros((num_frames, size), np.int8)
    best, before = np.full(size, -np.inf), np.empty(size)
    for s in range(min(2, size)):
        best[s] = scores[0, s]
    for t in range(1, num_frames):
        best, before = before, best
        for s in range(size):
            value, step = before[s], 0
            if s > 0 and before[s - 1] > value:
                value, step = before[s - 1], 1
            if skip[s] and before[s - 2] > value:
                value, step = before[s - 2], 2
            best[s] = value + scores[t, s]
            steps[t, s] = int8(step)
    state = max(0, size - 2)
    if best[size - 1] > best[state]:
        state = size - 1
    total = best[state]
    path = np.zeros(num_frames, np.int64)
    if total > -np.inf:
        for t in range(num_frames - 1, -1, -1):
            path[t] = state
            state -= steps[t, state]
    return total, path
