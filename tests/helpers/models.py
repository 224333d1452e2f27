"""Small untrained models."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from helpers.hmms import TREE, small_transitions
from pipeline.classifier.model import FrameClassifier
from pipeline.hmm.decisions import Decisions
from pipeline.hmm.gmm import GmmHmm, flat_start


def model_of(decisions: Decisions, sizes: list[int], dim: int = 3, seed: int = 0) -> GmmHmm:
    """Random Gaussians, ``sizes`` of them in each density."""
    rng = np.random.default_rng(seed)
    return GmmHmm(
        small_transitions(rng, decisions),
        np.cumsum([0, *sizes]),
        np.concatenate([rng.dirichlet(np.full(size, 3.0)) for size in sizes]),
        rng.normal(size=(sum(sizes), dim)) * 2,
        rng.uniform(0.3, 2, (sum(sizes), dim)),
        np.full(dim, 0.01),
    )


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


def save_in_context(path: Path) -> None:
    model_of(TREE, [1, 2, 3, 4, 1, 2, 3, 4, 5, 2, 1], 39).save(path)
