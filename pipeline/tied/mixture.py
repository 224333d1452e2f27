"""Mixtures of Gaussians fitted to the frames that an alignment gives each density (Viterbi training, as Kaldi's).

As long as the alignment stays, the densities do not depend on one another: each is fitted to its own frames, through
all passes of EM, in one go. So the densities are the items of work, and each frame is read once for many passes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from lexicon.files import nameless_file
from pipeline.base.parallel import each
from pipeline.hmm.gmm import GmmHmm, Mixture, mixture_of, set_mixtures, split

PIECE = 20_000  # frames of a density scored at a time: with 64 Gaussians 10 MB
GROUP = 20_000  # frames of the densities that are one piece of work for a process
LEAST = 3.0  # frames: a Gaussian of fewer is given up, if others are left
POWER = 0.25  # a density has Gaussians in proportion to this power of its frames (Kaldi's --power)


class FrameStore:
    """The features of a set, utterance after utterance, in a file without a name in ``folder``: ``rows`` (N, D)
    float32, of which an utterance has those from ``begins[utterance]`` on."""

    def __init__(self, folder: Path, feats: Iterable[tuple[str, np.ndarray]]):
        self._file = nameless_file(folder)
        self.begins: dict[str, int] = {}
        total, dimension = 0, 0
        try:
            for utterance, rows in feats:
                self.begins[utterance] = total
                self._file.write(np.ascontiguousarray(rows, np.float32).data)
                total, dimension = total + len(rows), rows.shape[1]
            self._file.flush()
        except OSError as error:
            error.filename = error.filename or str(folder)  # a full disk does not say where
            raise
        self.rows = np.memmap(self._file, np.float32, "r", shape=(total, dimension))

    def of(self, utterance: str, count: int) -> np.ndarray:
        """The first ``count`` rows of an utterance."""
        begin = self.begins[utterance]
        return self.rows[begin : begin + count]


def targets(frames: np.ndarray, total: int, min_frames: float) -> np.ndarray:
    """How many of ``total`` Gaussians each density of so many ``frames`` (P,) gets: in proportion to frames ** POWER,
    at least one, and at most one for ``min_frames`` frames (Kaldi's GetSplitTargets, in closed form)."""
    most = np.maximum(np.floor(frames / max(min_frames, 1e-9)), 1)
    weight = np.where(frames > 0, np.maximum(frames, 1e-9) ** POWER, 0.0)
    low, high = 0.0, float(max(total, 1)) / max(weight.max(initial=0.0), 1e-9) * max(1, len(frames))
    for _ in range(60):  # the share of all that exhausts the total, where some get one or all that they can carry
        share = (low + high) / 2
        given = np.clip(np.round(share * weight), 1, most).sum()
        low, high = (share, high) if given <= total else (low, share)
    return np.clip(np.round(low * weight), 1, most).astype(int)


def responsibilities(x: np.ndarray, mixture: Mixture) -> tuple[np.ndarray, np.ndarray]:
    """How much each Gaussian accounts for each frame (n, M), and the log likelihood of each frame (n,)."""
    weights, means, variances = mixture
    precision = 1 / variances
    constant = np.log(weights) - 0.5 * (np.log(2 * np.pi * variances).sum(1) + (means**2 * precision).sum(1))
    scores = x @ (means * precision).T - 0.5 * (x**2 @ precision.T) + constant
    best = scores.max(1, keepdims=True)
    shares = np.exp(scores - best)
    total = shares.sum(1, keepdims=True)
    return shares / total, (best + np.log(total))[:, 0]


def em_pass(frames: np.ndarray, mixture: Mixture, floor: np.ndarray) -> tuple[Mixture, float]:
    """One pass of EM over the frames (n, D) of a density; returns the log likelihood of the mixture as it was before.
    Gaussians of fewer than LEAST frames are given up."""
    counts, sums, squares = np.zeros(len(mixture.weights)), np.zeros(mixture.means.shape), np.zeros(mixture.means.shape)
    likelihood = 0.0
    for start in range(0, len(frames), PIECE):
        x = frames[start : start + PIECE].astype(np.float64)
        shares, per_frame = responsibilities(x, mixture)
        counts, sums, squares = counts + shares.sum(0), sums + shares.T @ x, squares + shares.T @ x**2
        likelihood += float(per_frame.sum())
    kept = counts >= LEAST
    if not kept.any():
        return mixture, likelihood
    n, first, second = counts[kept], sums[kept], squares[kept]
    means = first / n[:, None]
    variances = np.maximum(second / n[:, None] - means**2, floor)
    return Mixture(n / n.sum(), means, variances), likelihood


def fit(frames: np.ndarray, mixture: Mixture, sizes: Sequence[int], floor: np.ndarray) -> tuple[Mixture, list[float]]:
    """EM over the frames (n, D), as many passes as there are ``sizes``, each after the mixture was split to its size.
    Returns the log likelihood that each pass found."""
    found = []
    for size in sizes:
        if len(frames):
            mixture, likelihood = em_pass(frames, split(mixture, size), floor)
            found.append(likelihood)
        else:
            found.append(0.0)
    return mixture, found


def fit_all(
    model: GmmHmm,
    store: FrameStore,
    labels: Mapping[str, np.ndarray],
    totals: Sequence[int],
    min_frames: float,
    jobs: int = 1,
) -> list[float]:
    """Fit every density of the model, in place, to the frames that the ``labels`` (T,) of each utterance give it,
    while the number of Gaussians grows to ``totals``, one for each pass. Returns the log likelihood per frame that each
    pass found. The result does not depend on ``jobs``."""
    order, bounds = by_density(store, labels, len(model.bounds) - 1)
    frames = np.diff(bounds)
    sizes = np.array([targets(frames, total, min_frames) for total in totals])  # (passes, P)

    def work(group: range) -> list[tuple[Mixture, list[float]]]:
        return [
            fit(store.rows[order[bounds[p] : bounds[p + 1]]], mixture_of(model, p), sizes[:, p].tolist(), model.floor)
            for p in group
        ]

    done = [one for group in each(work, list(groups(frames)), jobs) for one in group]
    set_mixtures(model, [mixture for mixture, _ in done])
    return (np.sum([found for _, found in done], 0) / max(1, frames.sum())).tolist()


def by_density(store: FrameStore, labels: Mapping[str, np.ndarray], number: int) -> tuple[np.ndarray, np.ndarray]:
    """The rows of the store in the order of their densities, (N,), and where each density's begin, (number + 1,)."""
    of_row = np.full(len(store.rows), number, np.int32)
    for utterance, own in labels.items():
        begin = store.begins[utterance]
        of_row[begin : begin + len(own)] = own
    order = np.argsort(of_row, kind="stable")
    return order, np.searchsorted(of_row[order], np.arange(number + 1))


def groups(frames: np.ndarray) -> Iterable[range]:
    """Densities one after another, GROUP frames of them or one density at a time."""
    begin, total = 0, 0
    for p, count in enumerate(frames.tolist()):
        if total and total + count > GROUP:
            yield range(begin, p)
            begin, total = p, 0
        total += count
    yield range(begin, len(frames))


OnPass = Callable[[int, int, float], None]  # pass, Gaussians, log likelihood per frame
