"""Speaker adaptation: an affine map of a speaker's features that makes them likelier under the model (fMLLR, also
constrained MLLR: Gales 1998)."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from pipeline.hmm.gmm import GmmHmm
from pipeline.tied.mixture import mixture_of, responsibilities

LEAST_FRAMES = 500.0  # a speaker of whom less is heard keeps the features as they are (Kaldi's --fmllr-min-count)
SWEEPS = 20  # over the rows of a transform: each depends on all the others
AT_ONCE = 2000  # frames of which the products of all features are kept: 27 MB


class Statistics:
    """What an affine map (D, D + 1) of features is estimated from: ``count`` frames, ``k`` (D, D + 1) and ``g`` (D,
    D + 1, D + 1) of Gales 1998, eq. 32 and 33."""

    def __init__(self, dimension: int):
        self.count = 0.0
        self.k = np.zeros((dimension, dimension + 1))
        self.g = np.zeros((dimension, dimension + 1, dimension + 1))

    def add(self, model: GmmHmm, feats: np.ndarray, pdfs: np.ndarray, mapped: np.ndarray) -> None:
        """Count in frames ``feats`` (T, D) of the densities ``pdfs`` (T,). How much each Gaussian accounts for them is
        judged by ``mapped`` (T, D), what the map so far makes of them."""
        weighted, precision = np.empty(feats.shape), np.empty(feats.shape)
        for pdf in np.unique(pdfs):
            rows, mixture = np.flatnonzero(pdfs == pdf), mixture_of(model, int(pdf))
            shares, _ = responsibilities(np.asarray(mapped[rows], np.float64), mixture)
            precision[rows] = shares @ (1 / mixture.variances)
            weighted[rows] = shares @ (mixture.means / mixture.variances)
        extended = np.column_stack([feats, np.ones(len(feats))]).astype(np.float64)
        size = extended.shape[1]
        self.count += len(feats)
        self.k += weighted.T @ extended
        for start in range(0, len(feats), AT_ONCE):
            part = extended[start : start + AT_ONCE]
            products = (part[:, :, None] * part[:, None, :]).reshape(len(part), -1)
            self.g += (precision[start : start + AT_ONCE].T @ products).reshape(-1, size, size)


def identity(dimension: int) -> np.ndarray:
    """The map that changes nothing, (D, D + 1)."""
    return np.eye(dimension, dimension + 1)


def estimate(stats: Statistics) -> np.ndarray:
    """The likeliest map (D, D + 1), row by row (Gales 1998, section 3.1); the identity for too few frames."""
    dimension = len(stats.k)
    found = identity(dimension)
    if stats.count < LEAST_FRAMES:
        return found
    scale = np.trace(stats.g.sum(0)) / dimension**2
    inverses = [np.linalg.inv(own + 1e-9 * scale * np.eye(dimension + 1)) for own in stats.g]
    for _ in range(SWEEPS):
        for i, inverse in enumerate(inverses):
            cofactor = np.append(np.linalg.inv(found[:, :dimension])[:, i], 0.0)  # up to the determinant
            a, b = cofactor @ inverse @ cofactor, cofactor @ inverse @ stats.k[i]
            root = np.sqrt(b * b + 4 * a * stats.count)
            # Of the two solutions of a x^2 + b x = count the likelier one.
            best = max(((-b + sign * root) / (2 * a) for sign in (1, -1)), key=lambda x: _row(stats.count, a, b, x))
            found[i] = (best * cofactor + stats.k[i]) @ inverse
    return found


def _row(count: float, a: float, b: float, x: float) -> float:
    """What the auxiliary function says of a solution (Gales 1998, eq. 39)."""
    return count * np.log(abs(x * a + b)) - 0.5 * x * x * a


def composed(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The affine map (D, F + 1) that does what the linear ``first`` (E, F) does, and then ``second`` (D, E + 1)."""
    return np.column_stack([second[:, :-1] @ first, second[:, -1]])


def speakers(utterances: Iterable[str], speaker_of: dict[str, str]) -> dict[str, list[str]]:
    """The utterances of each speaker, in order."""
    found: dict[str, list[str]] = {}
    for utt in utterances:
        found.setdefault(speaker_of[utt], []).append(utt)
    return found
