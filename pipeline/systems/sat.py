"""Tied triphones trained on features that are adapted to each speaker (SAT), as those of test are (fMLLR)."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.base.archive import write_archive
from pipeline.base.meta import MODEL
from pipeline.base.parallel import each
from pipeline.base.training import Material
from pipeline.hmm.gmm import GmmHmm, load_gmm
from pipeline.search.system import System
from pipeline.sound.front_end import Adaptation, affine
from pipeline.systems import gmm
from pipeline.tied.adapt import lda_model
from pipeline.tied.fmllr import Statistics, composed, estimate, speakers
from pipeline.tied.mixture import FrameStore
from pipeline.tied.rounds import Labels
from pipeline.tied.training import Preparation, SplicedSettings, finish
from pipeline.tied.training import train as train_tied

ABOUT = (
    "As lda, but each speaker's features are mapped so that they fit the model best (fMLLR: Gales 1998), in training by"
    " what was said, and in the test by what lda has heard, in a first pass (speaker adaptive training: Anastasakos"
    " 1996)."
)


@dataclass(frozen=True)
class Settings(SplicedSettings):
    """What training depends on beside its material."""


def load(directory: Path, meta: dict[str, Any]) -> System:
    """The model in ``directory``; UserError if it is damaged."""
    model = load_gmm(directory / MODEL)
    model.transform = None  # it is part of each speaker's map
    return gmm.system_of(directory, model)


def train(material: Material, settings: Settings) -> list[str]:
    """fMLLR of each speaker by the teacher, trees, and densities, with new maps on each further alignment. Returns
    lines to print, the last of which is the result."""
    prepared = Preparation(material, settings)
    assert material.teacher is not None  # Preparation has seen to it
    teacher, begin = lda_model(material.teacher, prepared.front_end)
    plain = prepared.store(lambda utt, rows: np.asarray(rows @ begin.T, np.float32))
    own = speakers(prepared.words, dict(prepared.feats.speaker_of))
    labels: Labels = {utt: one.pdfs for utt, one in prepared.teacher.alignments.items()}
    maps: dict[str, np.ndarray] = {}

    def adapted(model: GmmHmm, labels: Labels) -> FrameStore:
        def work(speaker: str) -> np.ndarray:
            stats = Statistics(len(begin))
            for utt in own[speaker]:
                rows = plain.of(utt, prepared.lengths[utt])
                stats.add(model, rows, labels[utt], affine(rows, maps[speaker]) if maps else rows)
            return estimate(stats)

        maps.update(zip(own, list(each(work, list(own), material.jobs))))
        found = (
            (utt, affine(plain.of(utt, prepared.lengths[utt]), maps[prepared.feats.speaker_of[utt]]))
            for utt in prepared.words
        )
        return FrameStore(material.out, found)

    store = adapted(teacher, labels)
    trained = train_tied(prepared, store, lambda model, labels, number: adapted(model, labels))
    trained.model.transform = begin
    front_end = replace(prepared.front_end, adaptation=Adaptation(len(begin), "."))
    write_archive(material.out / "fmllr_train.scp", ((speaker, composed(begin, maps[speaker])) for speaker in own))
    more = {"teacher": os.path.relpath(material.teacher, material.out)}
    return finish(prepared, "sat", front_end, trained, more)
