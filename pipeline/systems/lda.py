"""Tied triphones on features that LDA makes of neighbouring frames, turned so that diagonal covariances fit (MLLT)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.base.training import Material, setting
from pipeline.hmm.gmm import GmmHmm
from pipeline.systems import gmm
from pipeline.tied.lda import lda, mllt, projected, turn
from pipeline.tied.mixture import FrameStore
from pipeline.tied.rounds import Labels
from pipeline.tied.training import Preparation, SplicedSettings, finish
from pipeline.tied.training import train as train_tied

ABOUT = (
    "As tri, but the features are the directions, in seven frames together, that tell the tied states apart best (LDA:"
    " Haeb-Umbach and Ney 1992), turned so that Gaussians without covariances fit (MLLT: Gales 1999)."
)


@dataclass(frozen=True)
class Settings(SplicedSettings):
    """What training depends on beside its material."""

    dimension: int = setting(40, "features that LDA makes", least=1)


load = gmm.load


def train(material: Material, settings: Settings) -> list[str]:
    """LDA by the teacher's states, trees, and densities, with a new MLLT on each further alignment. Returns lines to
    print, the last of which is the result."""
    prepared = Preparation(material, settings)
    alignments, number = prepared.teacher.alignments, prepared.teacher.transitions.decisions.num_pdfs
    spliced = ((prepared.feats[utt], alignment.pdfs) for utt, alignment in alignments.items())
    transform = lda(spliced, number, min(settings.dimension, prepared.front_end.dimension))
    store = prepared.store(lambda utt, rows: projected(rows, transform))
    now = store

    def update(model: GmmHmm, labels: Labels, number: int) -> FrameStore:
        nonlocal now, transform
        turned = mllt(model, now, labels, material.jobs)
        transform = turned @ transform
        turn(model, turned)
        now = prepared.store(lambda utt, rows: projected(rows, transform))
        return now

    trained = train_tied(prepared, store, update)
    trained.model.transform = np.asarray(transform)
    return finish(prepared, "lda", prepared.front_end, trained)
