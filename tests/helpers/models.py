"""Small untrained models."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pipeline.classifier.model import FrameClassifier
from pipeline.hmm.gmm import flat_start


def save_gmm(path: Path) -> None:
    model = flat_start(["SIL", "AH", "B"], np.zeros(39), np.ones(39))
    model.save(path)


def save_frames(path: Path) -> None:
    rng = np.random.default_rng(0)
    layers = [
        (rng.normal(size=(39, 4)).astype(np.float32), np.zeros(4, np.float32)),
        (rng.normal(size=(4, 11)).astype(np.float32), np.zeros(11, np.float32)),
    ]
    FrameClassifier(0, layers, np.arange(11), np.log(np.full(11, 1 / 11))).save(path)
