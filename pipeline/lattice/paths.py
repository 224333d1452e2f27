"""Paths through a lattice: posteriors, the best one, and what is left when the others are pruned."""
from __future__ import annotations

from dataclasses import replace

import numpy as np

from pipeline.lattice.schema import Lattice


def _sum_paths(lattice: Lattice, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Forward and backward log sums over paths at each node."""
    alpha, beta = np.full(lattice.num_nodes, -np.inf), np.full(lattice.num_nodes, -np.inf)
    alpha[0], beta[-1] = 0.0, 0.0
    bounds = np.searchsorted(lattice.arc_from, np.arange(lattice.num_nodes + 1))
    for node in range(lattice.num_nodes):
        arcs = slice(bounds[node], bounds[node + 1])
        if alpha[node] > -np.inf and arcs.stop > arcs.start:
            np.logaddexp.at(alpha, lattice.arc_to[arcs], alpha[node] + scores[arcs])
    for node in range(lattice.num_nodes - 2, -1, -1):
        arcs = slice(bounds[node], bounds[node + 1])
        if arcs.stop > arcs.start:
            beta[node] = np.logaddexp.reduce(beta[lattice.arc_to[arcs]] + scores[arcs])
    return alpha, beta


def forward_backward(lattice: Lattice) -> float:
    """Fill ``posterior`` and return the log sum over all paths (Wessel et al. 2001, eq. 3)."""
    scores = lattice.scores()
    alpha, beta = _sum_paths(lattice, scores)
    with np.errstate(invalid="ignore"):
        posterior = np.exp(alpha[lattice.arc_from] + scores + beta[lattice.arc_to] - beta[0])
    lattice.posterior = np.clip(np.nan_to_num(posterior), 0.0, 1.0)
    return float(beta[0])


def best_path(lattice: Lattice) -> list[int]:
    """The arcs of the path that scores best, in order (of equals, the first)."""
    scores = lattice.scores()
    best = np.full(lattice.num_nodes, -np.inf)
    back = np.full(lattice.num_nodes, -1)
    best[0] = 0.0
    for arc in range(len(scores)):  # sorted by source, so each node is settled before its arcs are used
        reached = best[lattice.arc_from[arc]] + scores[arc]
        if reached > best[lattice.arc_to[arc]]:
            best[lattice.arc_to[arc]], back[lattice.arc_to[arc]] = reached, arc
    path, node = [], lattice.num_nodes - 1
    while node:
        path.append(int(back[node]))
        node = int(lattice.arc_from[back[node]])
    return path[::-1]


def prune(lattice: Lattice, min_posterior: float) -> Lattice:
    """Without the arcs below ``min_posterior``, except those of the best path; posteriors stay as they were.

    Arcs that no longer lie on a whole path are dropped as well."""
    keep = lattice.posterior >= min_posterior
    keep[best_path(lattice)] = True
    reach, useful = np.zeros(lattice.num_nodes, bool), np.zeros(lattice.num_nodes, bool)
    reach[0] = useful[-1] = True
    for arc in np.flatnonzero(keep):
        reach[lattice.arc_to[arc]] |= reach[lattice.arc_from[arc]]
    for arc in np.flatnonzero(keep)[::-1]:
        useful[lattice.arc_from[arc]] |= useful[lattice.arc_to[arc]]
    keep &= reach[lattice.arc_from] & useful[lattice.arc_to]
    return _subset(lattice, np.flatnonzero(keep))


def _subset(lattice: Lattice, arcs: np.ndarray) -> Lattice:
    nodes = np.unique(np.concatenate([lattice.arc_from[arcs], lattice.arc_to[arcs], [0, lattice.num_nodes - 1]]))
    number = np.full(lattice.num_nodes, -1)
    number[nodes] = np.arange(len(nodes))
    return replace(lattice, node_frame=lattice.node_frame[nodes], arc_from=number[lattice.arc_from[arcs]],
                   arc_to=number[lattice.arc_to[arcs]], label=[lattice.label[a] for a in arcs],
                   word=[lattice.word[a] for a in arcs], acoustic=lattice.acoustic[arcs],
                   language=lattice.language[arcs], posterior=lattice.posterior[arcs])


def depth(lattice: Lattice) -> float:
    """Mean number of arcs that cover a frame."""
    spans = lattice.node_frame[lattice.arc_to] - lattice.node_frame[lattice.arc_from]
    return float(spans.sum() / max(lattice.num_frames, 1))
