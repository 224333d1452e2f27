"""How alike layers are: linear centred kernel alignment (Kornblith et al. 2019, Similarity of neural network
representations revisited).

    CKA(X, Y) = |Yc' Xc|^2 / (|Xc' Xc| |Yc' Yc|),   Frobenius norms of centred matrices of the same frames

It is 1 for layers that differ by a rotation, a shift and a scale alone. Sums over frames are all that it needs, so that
utterances are counted in one by one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

ROUNDING = 1e-12  # of a dimension's sum of squares: what is left of one that never changes when its mean is taken away


class LinearCka:
    """The alignment of each of several layers with each, over the frames counted in so far."""

    def __init__(self) -> None:
        self.count = 0
        self.sums: list[np.ndarray] = []
        self.products: dict[tuple[int, int], np.ndarray] = {}  # (i, j), j <= i: (D_i, D_j)

    def add(self, layers: Sequence[np.ndarray]) -> None:
        """Count in frames: a matrix (T, D_i) of each layer, in the same order every time. Layers of other clocks are
        brought to one with `pipeline.probe.frames.nearest_frames`."""
        matrices = [np.asarray(x, np.float64) for x in layers]
        if len({len(x) for x in matrices}) > 1:
            raise ValueError(f"layers of {[len(x) for x in matrices]} frames")
        self.sums = self.sums or [np.zeros(x.shape[1]) for x in matrices]
        self.count += len(matrices[0])
        for i, x in enumerate(matrices):
            self.sums[i] += x.sum(0)
            for j, y in enumerate(matrices[: i + 1]):
                self.products[i, j] = self.products.get((i, j), 0.0) + x.T @ y

    def matrix(self, standardised: bool = False) -> np.ndarray:
        """(L, L) in [0, 1], symmetric, ones on its diagonal; 0 beside a layer that never changes. That of the layers as
        they are, which is that of their few largest dimensions, or of all dimensions with variance one."""
        weights = [self._weights(i, standardised) for i in range(len(self.sums))]
        found = np.zeros((len(weights), len(weights)))
        for (i, j), product in self.products.items():
            centred = product - np.outer(self.sums[i], self.sums[j]) / self.count
            found[i, j] = found[j, i] = np.sum((centred * np.outer(weights[i], weights[j])) ** 2)
        norms = np.sqrt(np.diag(found))
        scale = np.outer(norms, norms)
        return np.divide(found, scale, out=np.zeros_like(found), where=scale > 0)

    def _weights(self, i: int, standardised: bool) -> np.ndarray:
        """(D_i,) what each dimension is multiplied with: 0 if it never changes."""
        squares = np.diag(self.products[i, i])
        variance = squares - self.sums[i] ** 2 / self.count
        changes = variance > ROUNDING * squares
        return changes / np.sqrt(np.where(changes, variance, 1.0)) if standardised else changes.astype(float)
