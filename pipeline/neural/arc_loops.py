"""Forward-backward over an `ArcGraph`, compiled by numba on first use and kept.

Probabilities are those themselves, each frame's divided by their sum (Rabiner 1989, eq. 91), and only of states that
are likely enough beside the best one there. Arguments are the fields of an `ArcGraph`, and densities (T, columns).
"""

from __future__ import annotations

import numpy as np
from numba import float64, int64, njit, types
from numba.core.types import Array

ROW, TABLE, NUMBERS = Array(float64, 1, "C"), Array(float64, 2, "C"), Array(int64, 1, "C")
READING, FREE = (NUMBERS, NUMBERS, NUMBERS, ROW), (NUMBERS, NUMBERS, ROW)
KEPT = (ROW, float64, NUMBERS, NUMBERS, ROW)


@njit(types.void(ROW, *FREE), cache=True, nogil=True)
def _pass_free(values, free_offset, free_target, free_weight):
    """Add to each state what comes to it without reading."""
    for s in range(len(values)):
        if values[s] > 0.0:
            for a in range(free_offset[s], free_offset[s + 1]):
                values[free_target[a]] += values[s] * free_weight[a]


@njit(types.Tuple(KEPT)(TABLE, *READING, *FREE, ROW, int64, float64), cache=True, nogil=True)
def forward(densities, offset, target, column, weight, free_offset, free_target, free_weight, final, start, unlikely):
    """(sums (T,) that frames were divided by, the share of paths that end, and, of the states kept before frame t,
    entries begins[t] to begins[t + 1]: states and probabilities). A share of 0: no path is left."""
    frames, states = len(densities), len(final)
    sums, begins = np.ones(frames), np.zeros(frames + 2, np.int64)
    kept, alphas = np.zeros(1 << 14, np.int64), np.zeros(1 << 14)
    now, after = np.zeros(states), np.zeros(states)
    now[start], count, ends = 1.0, 0, 0.0
    for t in range(frames + 1):
        _pass_free(now, free_offset, free_target, free_weight)
        least = unlikely * now.max()
        if count + states > len(kept):
            kept = np.concatenate((kept, np.zeros(len(kept) + states, np.int64)))
            alphas = np.concatenate((alphas, np.zeros(len(alphas) + states)))
        for s in range(states):
            if now[s] > least:
                kept[count], alphas[count] = s, now[s]
                count += 1
        begins[t + 1] = count
        if t == frames:
            break
        total = 0.0
        for i in range(begins[t], count):
            for a in range(offset[kept[i]], offset[kept[i] + 1]):
                share = alphas[i] * weight[a] * densities[t, column[a]]
                after[target[a]] += share
                total += share
        if not total > 0.0:
            return sums, 0.0, begins, kept, alphas
        sums[t] = total
        for s in range(states):
            now[s], after[s] = after[s] / total, 0.0
    for i in range(begins[frames], count):
        ends += alphas[i] * final[kept[i]]
    return sums, ends, begins, kept, alphas


@njit(TABLE(TABLE, *READING, *FREE, ROW, *KEPT), cache=True, nogil=True)
def backward(
    densities,
    offset,
    target,
    column,
    weight,
    free_offset,
    free_target,
    free_weight,
    final,
    sums,
    ends,
    begins,
    kept,
    alphas,
):
    """(T, columns): the share of the paths that `forward` kept which read each column at each frame."""
    frames, occupancy = len(densities), np.zeros(densities.shape)
    beta, ahead = np.zeros(len(final)), np.zeros(len(final))  # of frame t, and of the next
    for t in range(frames, -1, -1):
        for i in range(begins[t + 1] - 1, begins[t] - 1, -1):
            s = kept[i]
            beta[s] = final[s] / ends if t == frames else 0.0
            if t < frames:
                for a in range(offset[s], offset[s + 1]):
                    share = weight[a] * densities[t, column[a]] / sums[t] * ahead[target[a]]
                    beta[s] += share
                    occupancy[t, column[a]] += alphas[i] * share
            for a in range(free_offset[s], free_offset[s + 1]):
                beta[s] += free_weight[a] * beta[free_target[a]]
        if t < frames:
            for i in range(begins[t + 1], begins[t + 2]):
                ahead[kept[i]] = 0.0
        beta, ahead = ahead, beta
    return occupancy
