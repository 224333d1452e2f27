"""Sums over all paths through a transducer whose arcs read columns of scores, such as a phone loop with a bigram."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

READS_NOTHING = -1
UNLIKELY = 1e-4  # beside the likeliest state of a frame: a state that is less likely is given up


@dataclass(frozen=True)
class ArcGraph:
    """States in an order in which arcs that read nothing lead onward. Those arcs that read begin in state s as number
    ``offset[s]`` to ``offset[s + 1]``, and read ``column``; those that read nothing are counted by ``free_offset``.
    Weights, and ``final`` (S,), are probabilities."""

    start: int
    final: np.ndarray
    offset: np.ndarray
    target: np.ndarray
    column: np.ndarray
    weight: np.ndarray
    free_offset: np.ndarray
    free_target: np.ndarray
    free_weight: np.ndarray

    @classmethod
    def of(cls, arcs: Sequence[tuple[int, int, int, float]], finals: Mapping[int, float], start: int = 0) -> ArcGraph:
        """``arcs``: (source, target, column or READS_NOTHING, cost); ``finals``: state -> cost; costs are negative
        natural logarithms. ValueError if arcs that read nothing go round in a circle."""
        size = 1 + max([start, *finals, *(state for arc in arcs for state in arc[:2])])
        rank = _order(size, [arc[:2] for arc in arcs if arc[2] == READS_NOTHING])
        final = np.zeros(size)
        for state, cost in finals.items():
            final[rank[state]] = np.exp(-cost)
        ordered = sorted((rank[a], rank[b], column, float(np.exp(-cost))) for a, b, column, cost in arcs)
        reading = _by_source([arc for arc in ordered if arc[2] != READS_NOTHING], size)
        offset, target, _, weight = _by_source([arc for arc in ordered if arc[2] == READS_NOTHING], size)
        return cls(rank[start], final, *reading, offset, target, weight)

    def posteriors(self, scores: np.ndarray, unlikely: float = UNLIKELY) -> tuple[np.ndarray, float]:
        """Forward-backward: how likely columns are read at each frame (T, columns), and the log of the sum over all
        paths. ``scores`` (T, columns) are natural logs. Where what is likely comes to no end, all states are kept.
        ValueError if there is no path at all."""
        from pipeline.neural.arc_loops import backward, forward  # with numba, which is slow to import

        scores = np.ascontiguousarray(scores, np.float64)
        best = scores.max(axis=1)
        densities = np.exp(scores - best[:, None])
        reading = self.offset, self.target, self.column, self.weight
        free = self.free_offset, self.free_target, self.free_weight
        for least in (unlikely, 0.0):
            found = sums, ends, *_ = forward(densities, *reading, *free, self.final, self.start, least)
            if ends > 0:
                break
        else:
            raise ValueError(f"no path through the graph reads these {len(scores)} frames")
        occupancy = backward(densities, *reading, *free, self.final, *found)
        return occupancy, float(best.sum() + np.log(sums).sum() + np.log(ends))


def _order(size: int, arcs: Sequence[tuple[int, int]]) -> list[int]:
    """The place of each state in an order in which all ``arcs`` lead onward (Kahn 1962)."""
    after: list[list[int]] = [[] for _ in range(size)]
    waiting = [0] * size
    for source, target in arcs:
        after[source].append(target)
        waiting[target] += 1
    ready, rank, count = [state for state in range(size) if not waiting[state]], [0] * size, 0
    while ready:
        state = ready.pop()
        rank[state], count = count, count + 1
        for target in after[state]:
            waiting[target] -= 1
            if not waiting[target]:
                ready.append(target)
    if count < size:
        raise ValueError("arcs that read nothing go round in a circle")
    return rank


def _by_source(
    arcs: Sequence[tuple[int, int, int, float]], size: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Offsets (size + 1,) of the arcs of each source, and the arcs' targets, columns and weights."""
    source, target, column = (np.array([arc[i] for arc in arcs], np.int64) for i in range(3))
    offset = np.concatenate([[0], np.cumsum(np.bincount(source, minlength=size))]).astype(np.int64)
    return offset, target, column, np.array([arc[3] for arc in arcs], np.float64)
