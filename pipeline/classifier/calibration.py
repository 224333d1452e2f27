"""How sure a classifier may be: its posteriors made flatter or sharper, by one number that is best on dev."""

from __future__ import annotations

import numpy as np

from pipeline.classifier.frames import Frames
from pipeline.classifier.model import FrameClassifier
from pipeline.classifier.training import losses

MOST = 2**13  # frames to learn one number from
FLATTEST = 20.0


def temperature(model: FrameClassifier, dev: Frames) -> float:
    """The temperature (Guo et al. 2017, "On calibration of modern neural networks") that log posteriors are divided by
    for the least cross-entropy on dev: above 1 where the model is too sure."""
    from scipy.optimize import minimize_scalar  # slow to import

    log_posteriors, labels = _some(model, dev, max(1, -(-len(dev) // MOST)))

    def entropy(log_temperature: float) -> float:
        flatter = log_posteriors / np.float32(np.exp(log_temperature))
        flatter -= flatter.max(1, keepdims=True)
        flatter -= np.log(np.exp(flatter).sum(1, keepdims=True))
        return float(losses(flatter, model.classes, labels).mean(dtype=np.float64))

    bounds = (-np.log(FLATTEST), np.log(FLATTEST))
    return float(np.exp(minimize_scalar(entropy, bounds=bounds, method="bounded", options={"xatol": 1e-3}).x))


def _some(model: FrameClassifier, dev: Frames, each: int) -> tuple[np.ndarray, np.ndarray]:
    """Log posteriors (n, classes) and labels (n,) of every ``each``-th frame."""
    found, begin = [], 0
    for x, y in dev.pieces():
        kept = slice(-begin % each, None, each)
        found.append((model.of_spliced(x[kept]), y[kept].copy()))  # a view would hold on to the whole piece
        begin += len(y)
    log_posteriors, labels = zip(*found)
    return np.concatenate(log_posteriors), np.concatenate(labels)


def calibrated(model: FrameClassifier, temperature: float) -> FrameClassifier:
    """The same with its log posteriors divided by the temperature, and normalised."""
    *layers, (weight, bias) = model.layers
    last = (weight / np.float32(temperature), bias / np.float32(temperature))
    return FrameClassifier(model.context, [*layers, last], model.classes, model.log_prior)
