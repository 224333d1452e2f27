"""Gold phones as training labels: which state of which phone each frame belongs to."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lexicon.errors import UserError
from lexicon.fold import Fold
from lexicon.phones import SILENCE
from lexicon.timit import CLOSURES
from pipeline.base.archive import Archive
from pipeline.classifier.frames import Read
from pipeline.datadir.feats import Features
from pipeline.hmm.decisions import EDGE
from pipeline.hmm.gmm import GmmHmm
from pipeline.hmm.topology import Transitions
from pipeline.times.clock import at_frames, seconds_to_frame
from pipeline.times.intervals import Interval, Intervals

UNKNOWN = -1  # a frame of a label that the lexicon has no phone for


def gold_states(gold: Sequence[Interval], transitions: Transitions, fold: Fold, num_frames: int) -> np.ndarray:
    """Density of each frame (num_frames,): a phone's frames are shared out evenly among its states, as HTK's HInit
    begins (HTK Book, 8.2). The closure before a burst is the stop's first state. Outside intervals is silence."""
    decisions = transitions.decisions
    labels = np.full(num_frames, decisions.pdfs(SILENCE)[0] if SILENCE in transitions.topologies else UNKNOWN)
    names = [interval.label for interval in gold]
    # closes[i]: interval i - 1 is the closure of the stop that bursts in i
    closes = [False, *(after in CLOSURES.get(before, ()) for before, after in zip(names, names[1:])), False]
    phones = [phone_of(names[i + closes[i + 1]], transitions, fold) for i in range(len(gold))]

    def beside(index: int) -> str:
        return (phones[index] if 0 <= index < len(phones) else None) or EDGE

    for index, (interval, phone) in enumerate(zip(gold, phones)):
        start, end = (int(np.clip(seconds_to_frame(t), 0, num_frames)) for t in (interval.start, interval.end))
        if phone is None:
            labels[start:end] = UNKNOWN
            continue
        pdfs = decisions.pdfs(phone, beside(index - 1 - closes[index]), beside(index + 1 + closes[index + 1]))
        n = len(pdfs)
        if closes[index + 1]:
            states = np.zeros(end - start, int)
        else:
            skipped = 1 if n > 1 and closes[index] else 0
            states = skipped + np.arange(end - start) * (n - skipped) // max(1, end - start)
        labels[start:end] = np.array(pdfs)[states]
    return labels


def phone_of(label: str, transitions: Transitions, fold: Fold) -> str | None:
    """The model's phone for a hand's label: of the same name, if it folds alike, else that of its class, else None."""
    name, class_of = label.upper(), fold.get(label, label)
    if name in transitions.topologies and fold.get(name, name) == class_of:
        return name
    return class_of if class_of in transitions.topologies else None


def check_alignment(labels: np.ndarray, feats: np.ndarray, num_pdfs: int, what: str) -> np.ndarray:
    """``labels`` if they are a density for each frame of ``feats`` (T, D), else a UserError that names ``what``."""
    if (
        labels.shape != (len(feats),)
        or not np.issubdtype(labels.dtype, np.integer)
        or not 0 <= labels.min(initial=0) <= labels.max(initial=0) < num_pdfs
    ):
        raise UserError(f"{what}: not one of {num_pdfs} densities for each of {len(feats)} frames; align the set again")
    return labels


def labelled(feats: Features, alignment: Archive, step: int, hmms: GmmHmm, gold: Intervals, fold: Fold) -> Read:
    """What reads the features (T, D) and densities (T,) of an utterance of the alignment, of whose rows each stands for
    ``step`` frames: where there are gold phones, these say which, else the alignment does. UserError, here or
    there, where they do not fit."""
    if not len(alignment):
        raise UserError(f"{alignment.path}: empty; align the set again")
    if strange := [utt for utt in alignment if utt not in feats]:
        raise UserError(f"{alignment.path}: {strange[0]} has no features in {feats.path}; align the set again")

    def read(utt: str) -> tuple[np.ndarray, np.ndarray]:
        x, own = feats[utt], feats.front_end.step
        frames = np.arange(len(x)) * own  # on which the rows are centred
        found = alignment[utt] if step == own else at_frames(alignment[utt], step, frames)
        found = check_alignment(found, x, hmms.transitions.decisions.num_pdfs, f"{alignment.path}: {utt}")
        states = gold_states(gold[utt], hmms.transitions, fold, frames[-1] + 1)[frames] if utt in gold else found
        return x, np.where(states == UNKNOWN, found, states)

    return read
