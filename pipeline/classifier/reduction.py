"""Fewer numbers for a classifier to learn from than a spliced frame has: an affine map that is learned before it, and
then is part of its first layer."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pipeline.classifier.frames import Frames, Layer


def by_lda(train: Frames, size: int) -> Layer:
    """What tells the densities apart best (linear discriminant analysis), at most one number less than there are of
    them."""
    from pipeline.tied.lda import lda

    rows = lda(train.pieces(), len(train.counts), min(size, len(train.classes) - 1))
    return rows.T.astype(np.float32), np.zeros(len(rows), np.float32)


def by_pca(train: Frames, size: int) -> Layer:
    """What varies most (principal component analysis), each number of mean nought and variance one; from sums over all
    frames it is what scikit-learn's `PCA(size, whiten=True)` is from the frames."""
    sums, products = np.zeros(()), np.zeros(())
    for piece, _ in train.pieces():
        x = piece.astype(np.float64)
        sums, products = sums + x.sum(0), products + x.T @ x
    mean = sums / len(train)
    values, vectors = np.linalg.eigh(products / len(train) - np.outer(mean, mean))
    most = np.argsort(values)[::-1][:size]
    kept = vectors[:, most] / np.sqrt(np.maximum(values[most], 1e-10))
    # A direction and its opposite are as good: the largest number of each is positive, on every machine.
    kept *= np.sign(kept[np.abs(kept).argmax(0), np.arange(kept.shape[1])])
    return kept.astype(np.float32), -(mean @ kept).astype(np.float32)


NONE = "none"
REDUCTIONS: dict[str, Callable[[Frames, int], Layer] | None] = {NONE: None, "lda": by_lda, "pca": by_pca}


def folded(first: Layer, layers: list[Layer]) -> list[Layer]:
    """The layers of a classifier with the map before it as part of its first."""
    (weight, bias), (own_weight, own_bias), *others = first, *layers
    return [(weight @ own_weight, bias @ own_weight + own_bias), *others]
