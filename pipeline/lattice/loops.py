"""Sums and best scores over the paths of a lattice, compiled by numba on first use and kept."""

from __future__ import annotations

import numpy as np
from numba import boolean, float64, int64, njit, types
from numba.core.types import Array

NUMBERS, SCORES = Array(int64, 1, "C"), Array(float64, 1, "C")


@njit(float64(float64, float64, boolean), cache=True, nogil=True)
def _joined(a, b, best):
    """The larger of two log scores, or log(e^a + e^b)."""
    most, least = max(a, b), min(a, b)
    if best or least == -np.inf:
        return most
    return most + np.log1p(np.exp(least - most))


@njit(types.Tuple((SCORES, SCORES))(NUMBERS, NUMBERS, SCORES, int64, boolean), cache=True, nogil=True)
def spread(source, target, scores, num_nodes, best):
    """Of arcs sorted by ``source``: the log score of all paths, or of the ``best``, from the start to each node, and
    from each node to the end."""
    alpha, beta = np.full(num_nodes, -np.inf), np.full(num_nodes, -np.inf)
    alpha[0], beta[num_nodes - 1] = 0.0, 0.0
    for a in range(len(source)):
        if alpha[source[a]] > -np.inf:
            alpha[target[a]] = _joined(alpha[target[a]], alpha[source[a]] + scores[a], best)
    for a in range(len(source) - 1, -1, -1):
        beta[source[a]] = _joined(beta[source[a]], beta[target[a]] + scores[a], best)
    return alpha, beta
