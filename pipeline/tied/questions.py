"""Questions about a neighbour, grown from the data: sets of phones that sound alike."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pipeline.hmm.decisions import EDGE

Sums = tuple[np.ndarray, np.ndarray, np.ndarray]  # counts (K,), sums and squares (K, D) of K sets of frames


def log_likelihood(counts: np.ndarray, sums: np.ndarray, squares: np.ndarray, floor: np.ndarray) -> np.ndarray:
    """Of sets of frames, by what is summed up of them, the log likelihood of each under a Gaussian of its own with
    diagonal covariance: (..., ), (..., D), (..., D) -> (...). ``floor`` (D,) is the least variance (Young, Odell &
    Woodland 1994, eq. 2)."""
    some = np.maximum(counts, 1e-10)[..., None]
    variances = np.maximum(squares / some - (sums / some) ** 2, floor)
    # Where a variance is floored the squares do not cancel; Kaldi takes no notice of it either.
    return -0.5 * counts * (np.log(2 * np.pi * variances).sum(-1) + sums.shape[-1])


def cluster(phones: Sequence[str], sums: Sums, floor: np.ndarray) -> list[frozenset[str]]:
    """Every set that comes of joining phones, each time the two sets that lose least likelihood as one, from single
    phones to all but all of them (Kaldi's cluster-phones builds the tree from above).

    ``sums``: of each phone's frames. Phones without frames are in no set but their own.
    """
    counts, first, second = (np.array(part, np.float64) for part in sums)
    found = [frozenset([phone]) for phone in phones]
    alive = [i for i in range(len(phones)) if counts[i] > 0]
    sets = {i: found[i] for i in alive}
    own = log_likelihood(counts, first, second, floor)
    while len(alive) > 2:
        left, right = np.triu_indices(len(alive), 1)
        a, b = np.array(alive)[left], np.array(alive)[right]
        joined = log_likelihood(counts[a] + counts[b], first[a] + first[b], second[a] + second[b], floor)
        best = int(np.argmin(own[a] + own[b] - joined))
        keep, gone = int(a[best]), int(b[best])
        for part in (counts, first, second):
            part[keep] += part[gone]
        own[keep], sets[keep] = joined[best], sets[keep] | sets[gone]
        alive.remove(gone)
        found.append(sets[keep])
    return found


def with_silence(sets: Sequence[frozenset[str]], silence: str) -> list[frozenset[str]]:
    """The sets, and silence as one more, in which the edge of an utterance counts as silence."""
    return [*sets, frozenset([silence, EDGE])]
