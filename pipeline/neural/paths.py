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
    from pipeline.neural.viterbi import best_states  # numba is slow to import

    scores, skip = _states(log_posteriors, target, more)
    total, path = best_states(np.ascontiguousarray(scores), skip)
    if total == -math.inf:
        return total, []
    tokens = 2 * np.arange(len(target)) + 1
    begins, ends = np.searchsorted(path, tokens), np.searchsorted(path, tokens, side="right")
    return total, list(zip(begins.tolist(), ends.tolist()))


def rows_of_letters(log_posteriors: np.ndarray, phones: list[int], letters: int) -> np.ndarray:
    """(letters + 1,) float32: the rows of (T, V) in which so many letters and the end of a text are heard.

    A letter is where the best path that spells the ``phones`` has that share of them which lies before it.
    """
    _, spans = best_spelling(log_posteriors, phones)
    ends = (0, len(log_posteriors))
    middles = [(begin + end - 1) / 2 for begin, end in spans or [ends]]
    places = (np.arange(letters) + 0.5) / max(1, letters) * len(middles) - 0.5
    return np.append(np.interp(places, np.arange(len(middles)), middles), ends[1] - 1).astype(np.float32)


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
