"""Training of the frame classifiers, a block of frames at a time (`pipeline.classifier.frames`)."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial

import numpy as np

from pipeline.classifier.frames import Frames, Layer

SHRINKAGE = 1e-3  # of a covariance towards a multiple of the identity
MINIBATCH = 256
STANDING_STILL = 1e-300  # a learning rate at which no weight moves

Layers = list[Layer]
Trained = tuple[Layers, np.ndarray]  # layers and classes
OnEpoch = Callable[[int, float, float], None]  # epoch, learning rate, dev cross-entropy after it


def train_lda(train: Frames, dev: Frames, seed: int, on_epoch: OnEpoch) -> Trained:
    """Linear discriminant analysis: one Gaussian per class with a covariance in common.

    From sums over all frames it is what scikit-learn's `LinearDiscriminantAnalysis(solver="lsqr", shrinkage=1e-3)`,
    which wants all frames at once, is from the frames.
    """
    classes, counts = train.classes, train.counts[train.classes]
    sums, products = np.zeros(()), np.zeros(())
    for x, y in train.pieces():
        x = x.astype(np.float64)
        order = np.argsort(y, kind="stable")
        own = np.zeros((len(train.counts), x.shape[1]))
        found, begins = np.unique(y[order], return_index=True)
        own[found] = np.add.reduceat(x[order], begins)
        sums, products = sums + own[classes], products + x.T @ x
    means = sums / counts[:, None]
    covariance = (products - sums.T @ means) / counts.sum()
    size = len(covariance)
    covariance = (1 - SHRINKAGE) * covariance + SHRINKAGE * np.trace(covariance) / size * np.eye(size)
    weight = np.linalg.lstsq(covariance, means.T)[0]
    bias = np.log(counts / counts.sum()) - 0.5 * (means * weight.T).sum(1)
    return [(weight.astype(np.float32), bias.astype(np.float32))], classes


def train_perceptron(
    train: Frames,
    dev: Frames,
    seed: int,
    on_epoch: OnEpoch,
    hidden: tuple[int, ...],
    rate: float = 1e-3,
    max_epochs: int = 16,
    least_gain: float = 0.003,
) -> Trained:
    """scikit-learn's multilayer perceptron, its learning rate by "newbob" (QuickNet; Kaldi's nnet1): from the first
    epoch that gains less than ``least_gain`` of the dev cross-entropy on, the rate is halved and training goes on from
    the best weights, until three such epochs in all. Without ``hidden`` layers it is logistic regression."""
    from sklearn.neural_network import MLPClassifier  # scikit-learn is slow to import

    mean, scale = standardisation(train)
    generator = np.random.RandomState(seed + 1)
    model = MLPClassifier(
        hidden,
        batch_size=MINIBATCH,
        alpha=1e-3,
        shuffle=False,
        learning_rate_init=STANDING_STILL,
        random_state=generator,
    )
    x, y = next(train.pieces())
    model.partial_fit(x[:MINIBATCH], y[:MINIBATCH], classes=train.classes)  # draws the weights
    best, stalled = np.inf, 0
    kept: Layers = []
    for epoch in range(1, max_epochs + 1):
        model.set_params(learning_rate_init=rate)
        del model._optimizer  # the next has this rate
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # that the last frames of a block are fewer than a minibatch
            for x, y in train.pieces(generator):
                model.partial_fit((x - mean) / scale, y)
        entropy = cross_entropy(lambda x: np.log(model.predict_proba((x - mean) / scale) + 1e-20), train.classes, dev)
        on_epoch(epoch, rate, entropy)
        stalled += entropy > best * (1 - least_gain)
        if entropy < best:
            best = entropy
            kept = [(w.copy(), b.copy()) for w, b in zip(model.coefs_, model.intercepts_)]
        else:
            for own, (weight, bias) in zip(zip(model.coefs_, model.intercepts_), kept):
                own[0][:], own[1][:] = weight, bias
        if stalled == 3:
            break
        rate /= 2 if stalled else 1
        generator = np.random.RandomState(seed + epoch + 1)
    (weight, bias), *others = kept
    weight = weight / scale[:, None]  # (x - mean) / scale is part of the first layer
    layers = [(weight, bias - mean @ weight), *others]
    return [(w.astype(np.float32), b.astype(np.float32)) for w, b in layers], train.classes


CLASSIFIERS: dict[str, Callable[..., Trained]] = {
    "lda": train_lda,
    "logistic": partial(train_perceptron, hidden=()),
    "mlp": partial(train_perceptron, hidden=(512, 512)),
}


def standardisation(frames: Frames) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of each of the numbers of a spliced frame, float32."""
    mean = _mean(frames, lambda x: x)
    return mean, np.sqrt(_mean(frames, lambda x: (x - mean) ** 2)) + np.float32(1e-6)


def _mean(frames: Frames, of: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """The mean over all frames, float32, added up in that precision within a block and in double precision beyond."""
    total = np.zeros((), np.float64)
    for block in frames.blocks():
        own = np.zeros((), np.float32)
        for x, _ in block:
            x = of(x)
            x[0] += own
            own = x.sum(0)
        total = total + own
    return (total / len(frames)).astype(np.float32)


def cross_entropy(posteriors: Callable[[np.ndarray], np.ndarray], classes: np.ndarray, frames: Frames) -> float:
    """Mean negative log posterior (natural) of the labels; ``posteriors`` maps spliced frames (n, N) to log p(class |
    frame) (n, len(classes)). Frames whose label is none of the classes do not count."""
    found = [losses(posteriors(x), classes, y) for x, y in frames.pieces()]
    return float(sum(own.sum(dtype=np.float64) for own in found) / max(1, sum(map(len, found))))


def losses(log_posteriors: np.ndarray, classes: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The negative log posterior (natural) of each label of labels (N,) that is one of the ``classes``."""
    column = np.searchsorted(classes, labels)
    known = (column < len(classes)) & (classes[np.minimum(column, len(classes) - 1)] == labels)
    return -log_posteriors[np.flatnonzero(known), column[known]]
