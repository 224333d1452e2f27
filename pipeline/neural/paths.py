"""Paths through CTC posteriors: the best token of each frame, and the best path that spells given tokens."""

from __future__ import annotations

import math

import numpy as np

from pipeline.neural import BLANK


def greedy(log_posteriors: np.ndarray) -> list[tuple[int, int, int]]:
    """(T, V) -> (token, begin, end) of the best token of each frame, repeats joined, blanks left out."""
    if not len(log_posteriors):
        return []
    best = log_posteriors.argmax(axis=1)
    cuts = np.flatnonzero(np.diff(best, prepend=-1, append=-1))
    return [(int(best[a]), int(a), int(b)) for a, b in zip(cuts, cuts[1:]) if best[a] != BLANK]


def input_frames(begin: int, end: int, subsampling: int, num_frames: int) -> tuple[int, int]:
    """Network frames begin..end as frames of the clock: frame j stands for those nearest to j * subsampling."""
    first, last = (min(max(0, j * subsampling - subsampling // 2), num_frames) for j in (begin, end))
    return first, last


def _states(log_posteriors: np.ndarray, target: list[int], more: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
    """Blank, t1, blank, t2, ..., blank (Graves et al. 2006, section 4.1): the scores of these states (T, S), and
    whether each may be entered from two states back (S,): a token unlike the one before."""
    states = np.full(2 * len(target) + 1, BLANK)
    states[1::2] = target
    skip = np.zeros(len(states), bool)
    skip[3::2] = states[3::2] != states[1:-2:2]
    return log_posteriors[:, states].astype(np.float64) + more, skip


def best_spelling(
    log_posteriors: np.ndarray, target: list[int], more: np.ndarray | float = 0.0
) -> tuple[float, list[tuple[int, int]]]:
    """The best CTC path that spells target: its natural log probability, and (begin, end) frames of each token.

    Viterbi. log_posteriors (T, V). A target that does not fit into T frames has score -inf and no frames. ``more``
    (2 n + 1,) nats are added for each frame: before the first of the n tokens, in it, before the second, and so on.
    """
    if not len(log_posteriors):
        return (0.0 if not target else -math.inf), []
    scores, skip = _states(log_posteriors, target, more)
    best = np.full(len(skip), -math.inf)
    best[:2] = scores[0, :2]
    steps = np.zeros(scores.shape, np.int64)
    candidates = np.full((3, len(skip)), -math.inf)
    for t in range(1, len(scores)):
        candidates[0], candidates[1, 1:] = best, best[:-1]
        candidates[2, 2:] = np.where(skip[2:], best[:-2], -math.inf)
        steps[t] = candidates.argmax(axis=0)
        best = candidates.max(axis=0) + scores[t]
    state = max(range(max(0, len(skip) - 2), len(skip)), key=lambda s: best[s])
    total = float(best[state])
    if total == -math.inf:
        return total, []
    path = np.empty(len(scores), np.int64)
    for t in range(len(scores) - 1, -1, -1):
        path[t] = state
        state -= steps[t, state]
    return total, [
        (int(frames[0]), int(frames[-1]) + 1)
        for frames in (np.flatnonzero(path == 2 * i + 1) for i in range(len(target)))
    ]


def all_spellings(log_posteriors: np.ndarray, target: list[int], more: np.ndarray | float = 0.0) -> float:
    """Natural log of the summed probability of all CTC paths that spell target (Graves et al. 2006, equations 5 to 8).
    Arguments as those of `best_spelling`."""
    if not len(log_posteriors):
        return 0.0 if not target else -math.inf
    scores, skip = _states(log_posteriors, target, more)
    total = np.full(len(skip), -math.inf)
    total[:2] = scores[0, :2]
    for row in scores[1:]:
        before = total.copy()
        total[1:] = np.logaddexp(total[1:], before[:-1])
        total[2:] = np.logaddexp(total[2:], np.where(skip[2:], before[:-2], -math.inf))
        total += row
    return float(np.logaddexp.reduce(total[-2:]))
