"""Linear maps of the features that tell states apart (LDA), and make diagonal covariances fit (MLLT)."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from pipeline.base.parallel import each
from pipeline.hmm.gmm import GmmHmm
from pipeline.tied.mixture import PIECE, FrameStore, Mixture, by_density, groups, mixture_of, responsibilities
from pipeline.tied.rounds import Labels

SWEEPS = 20  # over the rows of a transform: each depends on all the others


def lda(pieces: Iterable[tuple[np.ndarray, np.ndarray]], classes: int, dimension: int) -> np.ndarray:
    """Linear discriminant analysis (Haeb-Umbach & Ney 1992): (dimension, D), of which the first row tells the classes
    apart best. Within classes the rows have variance 1 and are not correlated.

    pieces: features (T, D) with their classes (T,), one utterance after another.
    """
    from scipy.linalg import eigh  # slow to import, and training alone needs it

    counts, sums, products = np.zeros(classes), None, None
    for feats, labels in pieces:
        x = feats.astype(np.float64)
        sums = np.zeros((classes, x.shape[1])) if sums is None else sums
        np.add.at(sums, labels, x)
        counts += np.bincount(labels, minlength=classes)
        products = x.T @ x if products is None else products + x.T @ x
    assert sums is not None and products is not None
    total, seen = counts.sum(), counts > 0
    means, mean = sums[seen] / counts[seen, None], sums.sum(0) / total
    between = (means - mean).T @ ((means - mean) * counts[seen, None]) / total
    whole = products / total - np.outer(mean, mean)
    within = whole - between
    within += 1e-6 * np.trace(within) / len(within) * np.eye(len(within))
    _, vectors = eigh(between, within)
    best = vectors[:, ::-1][:, :dimension].T
    # A row and its negative are as good: the largest number of each is positive, on every machine.
    return best * np.sign(best[np.arange(len(best)), np.abs(best).argmax(1)])[:, None]


def mllt(model: GmmHmm, store: FrameStore, labels: Labels, jobs: int = 1) -> np.ndarray:
    """The square transform (D, D) of the features under which diagonal covariances fit the model's frames best, the
    states that they belong to being given (Gales 1999, semi-tied covariances: all Gaussians in one class)."""
    order, bounds = by_density(store, labels, len(model.bounds) - 1)

    def work(group: range) -> tuple[float, np.ndarray]:
        found = [_scatter(store.rows[order[bounds[p] : bounds[p + 1]]], mixture_of(model, p)) for p in group]
        return sum(count for count, _ in found), np.sum([scatter for _, scatter in found], 0)

    total, scatter = 0.0, np.zeros(())
    for count, own in each(work, list(groups(np.diff(bounds))), jobs):
        total, scatter = total + count, scatter + own
    return semi_tied(total, scatter)


def _scatter(frames: np.ndarray, mixture: Mixture) -> tuple[float, np.ndarray]:
    """How many frames, and (D, D, D): for each feature the covariances of the Gaussians, each weighed by its frames and
    the inverse of its variance in that feature."""
    dimension = mixture.means.shape[1]
    covariance = np.zeros((len(mixture.weights), dimension, dimension))
    for start in range(0, len(frames), PIECE):
        x = frames[start : start + PIECE].astype(np.float64)
        shares, _ = responsibilities(x, mixture)
        for m, mean in enumerate(mixture.means):
            own = x - mean
            covariance[m] += (own * shares[:, m, None]).T @ own
    return float(len(frames)), np.tensordot(1 / mixture.variances, covariance, (0, 0))


def semi_tied(total: float, scatter: np.ndarray) -> np.ndarray:
    """The transform (D, D) for ``scatter`` (D, D, D) of so many frames, row by row (Gales 1999, eq. 15)."""
    dimension = len(scatter)
    transform = np.eye(dimension)
    inverses = [np.linalg.inv(own + 1e-9 * np.trace(own) / dimension * np.eye(dimension)) for own in scatter]
    for _ in range(SWEEPS):
        for i, inverse in enumerate(inverses):
            cofactor = np.linalg.inv(transform)[:, i]  # of row i, but for the determinant, which cancels
            transform[i] = inverse @ cofactor * np.sqrt(total / (cofactor @ inverse @ cofactor))
    return transform


def turn(model: GmmHmm, transform: np.ndarray) -> None:
    """The model for transformed features, in place: its means are transformed, its variances as far as they are known
    without the frames (Kaldi's gmm-transform-means leaves them; the next pass estimates them anew)."""
    model.means = model.means @ transform.T
    model.variances = np.maximum(model.variances @ (transform**2).T, model.floor)


def projected(rows: np.ndarray, transform: np.ndarray) -> np.ndarray:
    """(T, D) -> (T, d) float32."""
    return (rows @ transform.T.astype(np.float32)).astype(np.float32)
