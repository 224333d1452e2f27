"""How far two stretches of frames are from each other, compiled by numba on first use and kept."""

from __future__ import annotations

import numpy as np
from numba import float32, float64, int64, njit, void
from numba.core.types import Array

FRAMES, OFFSETS = Array(float32, 2, "C"), Array(int64, 1, "C")


@njit(void(FRAMES, OFFSETS, Array(int64, 2, "C"), Array(float64, 1, "C")), cache=True, nogil=True)
def dtw_distances(frames, offset, pairs, out):
    """Fill ``out`` (P,) with the distance of each pair of tokens (P, 2). Frames (N, D) have length one; token i has
    ``offset[i]`` to ``offset[i + 1]``.

    Dynamic time warping (Sakoe & Chiba 1978) over the angles between frames, in half turns, with steps in one or both
    of the tokens; the distance is the mean angle along the cheapest path. Of equal ways the diagonal is taken.
    """
    for p in range(len(pairs)):
        a, b = pairs[p]
        first, second = frames[offset[a] : offset[a + 1]], frames[offset[b] : offset[b + 1]]
        cosine = np.dot(first, second.T)
        n, m = cosine.shape
        cost, length = np.empty((n, m)), np.empty((n, m), np.int64)
        for i in range(n):
            for j in range(m):
                angle = np.arccos(min(1.0, max(-1.0, float(cosine[i, j])))) / np.pi
                best, steps = 0.0, 0
                if i and j:
                    best, steps = cost[i - 1, j - 1], length[i - 1, j - 1]
                if i and (not j or cost[i - 1, j] < best):
                    best, steps = cost[i - 1, j], length[i - 1, j]
                if j and (not i or cost[i, j - 1] < best):
                    best, steps = cost[i, j - 1], length[i, j - 1]
                cost[i, j], length[i, j] = best + angle, steps + 1
        out[p] = cost[n - 1, m - 1] / length[n - 1, m - 1]
