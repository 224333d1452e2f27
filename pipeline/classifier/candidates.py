"""Frame classifiers side by side on dev, each as it will be used: its posteriors divided by priors, searched through
the HMMs with a phone bigram."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from lexicon.fold import Fold
from lexicon.lang import Lang
from lexicon.text import columns
from pipeline.base.parallel import each
from pipeline.classifier.frames import Frames
from pipeline.classifier.model import FrameClassifier
from pipeline.classifier.training import losses
from pipeline.search.system import System
from pipeline.search.tuning import scored_on_disk, tune_free


class Candidate(NamedTuple):
    """A classifier with what it does on dev: PER of the free search and share of frames that are right, in percent,
    cross-entropy in nats; the temperature that brought it there, and how many seconds its training took."""

    free_per: float
    name: str
    model: FrameClassifier
    accuracy: float
    entropy: float
    temperature: float
    seconds: float


def judge(
    name: str,
    model: FrameClassifier,
    system: System,
    temperature: float,
    seconds: float,
    dev: Frames,
    references: Mapping[str, Sequence[str]],
    lang: Lang,
    fold: Fold,
    scratch: Path,
    jobs: int = 1,
) -> Candidate:
    """Search the utterances of ``references``, {utterance: phones}, whose frames are in ``dev``, with the classifier as
    a ``system``. Scores lie in ``scratch`` meanwhile."""

    def by_frame(utt: str) -> tuple[int, float, int]:
        x, y = dev.read(utt)
        log_posteriors = model.log_posteriors(x)
        found = losses(log_posteriors, model.classes, y)
        right = int((model.classes[log_posteriors.argmax(1)] == y).sum())
        return right, float(found.sum(dtype=np.float64)), len(found)

    scored = scored_on_disk(system, lambda utt: dev.read(utt)[0], references, scratch, jobs)
    errors = min(tune_free(system, lang, scored, references, fold, jobs).values())
    right, entropy, known = map(sum, zip(*each(by_frame, references, jobs)))
    return Candidate(
        100 * errors / sum(map(len, references.values())),
        name,
        model,
        100 * right / len(dev),
        entropy / max(1, known),
        temperature,
        seconds,
    )


def choice_table(candidates: Sequence[Candidate], chosen: Candidate) -> list[str]:
    """The candidates side by side."""
    head = ["classifier", "dev free PER %", "dev frame accuracy %", "dev cross-entropy", "temperature"]
    head += ["parameters", "seconds", ""]
    rows = [
        [
            c.name,
            f"{c.free_per:.2f}",
            f"{c.accuracy:.2f}",
            f"{c.entropy:.4f}",
            f"{c.temperature:.2f}",
            f"{c.model.num_parameters:,}",
            f"{c.seconds:.1f}",
            "<- chosen" if c is chosen else "",
        ]
        for c in candidates
    ]
    return [line.rstrip() for line in columns([head, *rows])]
