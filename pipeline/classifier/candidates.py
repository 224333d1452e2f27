"""Frame classifiers side by side on dev, each as it will be used: its posteriors divided by priors, searched through
the HMMs with a phone bigram."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from lexicon.fold import Fold
from lexicon.lang import Lang
from lexicon.text import columns
from pipeline.base.parallel import each
from pipeline.classifier.model import FrameClassifier, FrameData, cross_entropy
from pipeline.search.system import System
from pipeline.search.tuning import tune_free


class Candidate(NamedTuple):
    """A classifier with what it does on dev: PER of the free search and share of frames that are right, in percent,
    cross-entropy in nats; and how many seconds its training took."""

    free_per: float
    name: str
    model: FrameClassifier
    accuracy: float
    entropy: float
    seconds: float


def judge(
    name: str,
    model: FrameClassifier,
    system: System,
    seconds: float,
    dev: FrameData,
    feats: Mapping[str, np.ndarray],
    references: Mapping[str, Sequence[str]],
    lang: Lang,
    fold: Fold,
    jobs: int = 1,
) -> Candidate:
    """Search the utterances of ``references``, {utterance: phones}, with the classifier as a ``system``; ``dev`` are
    all their frames."""
    errors = min(tune_free(system, lang, feats, references, fold, jobs).values())
    posteriors = np.concatenate(list(each(lambda utt: model.log_posteriors(feats[utt]), references, jobs)))
    return Candidate(
        100 * errors / sum(map(len, references.values())),
        name,
        model,
        100 * float(np.mean(model.classes[posteriors.argmax(1)] == dev.y)),
        cross_entropy(posteriors, model.classes, dev.y),
        seconds,
    )


def choice_table(candidates: Sequence[Candidate], chosen: Candidate) -> list[str]:
    """The candidates side by side."""
    head = ["classifier", "dev free PER %", "dev frame accuracy %", "dev cross-entropy", "parameters", "seconds", ""]
    rows = [
        [
            c.name,
            f"{c.free_per:.2f}",
            f"{c.accuracy:.2f}",
            f"{c.entropy:.4f}",
            f"{c.model.num_parameters:,}",
            f"{c.seconds:.1f}",
            "<- chosen" if c is chosen else "",
        ]
        for c in candidates
    ]
    return [line.rstrip() for line in columns([head, *rows])]
