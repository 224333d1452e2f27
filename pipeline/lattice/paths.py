"""Paths through a lattice: posteriors, best and n-best paths, pruning, and counts over all paths."""

from __future__ import annotations

from dataclasses import replace
from heapq import heappop, heappush

import numpy as np

from pipeline.lattice.schema import Lattice

ROUNDING = 1e-6  # natural log; two sums of the same scores in another order differ by less


def _sum_paths(lattice: Lattice, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Forward and backward log sums over paths at each node."""
    return _spread(lattice, scores, best=False)


def best_scores(lattice: Lattice) -> tuple[np.ndarray, np.ndarray]:
    """(N,) the score of the best path from the start to each node, and from each node to the end."""
    return _spread(lattice, lattice.scores(), best=True)


def _spread(lattice: Lattice, scores: np.ndarray, best: bool) -> tuple[np.ndarray, np.ndarray]:
    from pipeline.lattice.loops import spread  # with numba, which is slow to import

    source, target = (np.ascontiguousarray(nodes, np.int64) for nodes in (lattice.arc_from, lattice.arc_to))
    return spread(source, target, np.ascontiguousarray(scores, np.float64), lattice.num_nodes, best)


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
    best, back = [-np.inf] * lattice.num_nodes, [-1] * lattice.num_nodes
    best[0] = 0.0
    sources, targets = lattice.arc_from.tolist(), lattice.arc_to.tolist()
    # Sorted by source, so the score of a node is final before its arcs are used.
    for arc, (source, target, score) in enumerate(zip(sources, targets, lattice.scores().tolist())):
        reached = best[source] + score
        if reached > best[target]:
            best[target], back[target] = reached, arc
    path, node = [], lattice.num_nodes - 1
    while node:
        path.append(back[node])
        node = sources[back[node]]
    return path[::-1]


def nbest(lattice: Lattice, count: int) -> list[tuple[float, list[int]]]:
    """The ``count`` best paths, (score, arcs), best first: A* with the exact remaining score (Soong & Huang 1991).

    In a determinized lattice they are different strings."""
    scores, (_, beta) = lattice.scores(), best_scores(lattice)
    bounds = np.searchsorted(lattice.arc_from, np.arange(lattice.num_nodes + 1))
    found: list[tuple[float, list[int]]] = []
    open_paths: list[tuple[float, int, int, float, tuple]] = [(-float(beta[0]), 0, 0, 0.0, ())]
    pushed = 0
    while open_paths and len(found) < count:
        _, _, node, score, arcs = heappop(open_paths)
        if node == lattice.num_nodes - 1:
            found.append((score, _unroll(arcs)))
        for arc in range(bounds[node], bounds[node + 1]):
            pushed += 1
            so_far, target = score + float(scores[arc]), int(lattice.arc_to[arc])
            heappush(open_paths, (-so_far - float(beta[target]), pushed, target, so_far, (arcs, arc)))
    return found


def _unroll(arcs: tuple) -> list[int]:
    """(((), a), b) -> [a, b]: paths share their common beginning."""
    path = []
    while arcs:
        arcs, arc = arcs
        path.append(int(arc))
    return path[::-1]


def prune(lattice: Lattice, min_posterior: float) -> Lattice:
    """The lattice without arcs below ``min_posterior``, except those of the best path; posteriors stay as they were.

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
    return subset(lattice, np.flatnonzero(keep))


def prune_beam(lattice: Lattice, beam: float) -> Lattice:
    """Only the arcs of paths whose score is within ``beam`` (natural log) of the best; posteriors stay as they were."""
    alpha, beta = best_scores(lattice)
    through = alpha[lattice.arc_from] + lattice.scores() + beta[lattice.arc_to]
    keep = through >= beta[0] - beam - ROUNDING
    keep[best_path(lattice)] = True
    return replace(subset(lattice, np.flatnonzero(keep)), beam=min(beam, lattice.beam))


def subset(lattice: Lattice, arcs: np.ndarray) -> Lattice:
    """Only these arcs, in order, and the nodes at their ends."""
    nodes = np.unique(np.concatenate([lattice.arc_from[arcs], lattice.arc_to[arcs], [0, lattice.num_nodes - 1]]))
    number = np.full(lattice.num_nodes, -1)
    number[nodes] = np.arange(len(nodes))
    return replace(
        lattice,
        node_frame=lattice.node_frame[nodes],
        arc_from=number[lattice.arc_from[arcs]],
        arc_to=number[lattice.arc_to[arcs]],
        label=[lattice.label[a] for a in arcs],
        word=[lattice.word[a] for a in arcs],
        acoustic=lattice.acoustic[arcs],
        language=lattice.language[arcs],
        posterior=lattice.posterior[arcs] if len(lattice.posterior) else lattice.posterior,
    )


# ---- over all paths


def _over_frames(lattice: Lattice, rows: np.ndarray, num_rows: int, weights: np.ndarray) -> np.ndarray:
    """(num_rows, T) the sum over the arcs of each row that cover a frame."""
    # An arc adds its weight at its first frame and takes it away after its last: a running sum does the rest.
    steps = np.zeros((num_rows, lattice.num_frames + 1))
    np.add.at(steps, (rows, lattice.node_frame[lattice.arc_from]), weights)
    np.add.at(steps, (rows, lattice.node_frame[lattice.arc_to]), -weights)
    return np.cumsum(steps, axis=1)[:, :-1]


def frame_posteriors(lattice: Lattice) -> tuple[list[str], np.ndarray]:
    """Labels of the lattice, and (labels, T) the posterior of each at each frame."""
    labels = sorted(set(lattice.label))
    return labels, _over_frames(lattice, np.searchsorted(labels, lattice.label), len(labels), lattice.posterior)


def depths(lattice: Lattice) -> np.ndarray:
    """(T,) how many arcs cover each frame."""
    return _over_frames(lattice, np.zeros(len(lattice.label), int), 1, np.ones(len(lattice.label)))[0]


def depth(lattice: Lattice) -> float:
    """Mean number of arcs that cover a frame."""
    spans = lattice.node_frame[lattice.arc_to] - lattice.node_frame[lattice.arc_from]
    return float(spans.sum() / max(lattice.num_frames, 1))


def expected_counts(lattice: Lattice) -> dict[str, float]:
    """The expected number of times that a path has each label: the sum of its arcs' posteriors."""
    counts = dict.fromkeys(sorted(set(lattice.label)), 0.0)
    for label, posterior in zip(lattice.label, lattice.posterior):
        counts[label] += float(posterior)
    return counts
