"""What layers are asked for: the phones of three sets of utterances, where they are, and who says them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from lexicon.fold import Fold, read_fold
from lexicon.lang import Lang
from lexicon.phones import SILENT
from lexicon.text import same_ids
from pipeline.align.boundaries import join_closures
from pipeline.classifier.labels import UNKNOWN
from pipeline.datadir import sample_rate
from pipeline.datadir.sets import align_again, aligned_ctm, read_gold, read_placed, read_set, read_spoken
from pipeline.probe.control import control_labels, known_types, portions
from pipeline.probe.frames import feature_centres, folded, frame_labels, triphones
from pipeline.times.intervals import Interval, Intervals

SETS = ("train", "dev", "test")
CONTROL_SEED = 0


def centres_of(num_rows: int, step: int) -> np.ndarray:
    """(T,) when rows are, in seconds, that stand for ``step`` frames of the clock each."""
    return feature_centres(num_rows * step)[::step]


@dataclass(frozen=True)
class Target:
    """``sets``: the utterances of train, dev and test; ``phones`` and ``words`` where they are placed (``gold``, or
    by a forced alignment); ``references``, what is said, as every system is scored; ``names`` of the phones, whose
    places are the labels. ``seconds`` of each utterance."""

    sets: Mapping[str, Sequence[str]]
    speaker_of: Mapping[str, str]
    seconds: Mapping[str, float]
    phones: Intervals
    words: Intervals
    references: Mapping[str, Sequence[str]]
    names: Sequence[str]
    fold: Fold
    gold: bool
    set_of: Mapping[str, str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "set_of", {utt: name for name, utts in self.sets.items() for utt in utts})

    @cached_property
    def classes(self) -> dict[str, list[Interval]]:
        """The phones as they are judged: folded, where a stop's closure is silence (Lee & Hon 1989)."""
        return {utt: folded(self.phones[utt], self.fold) for utt in self.set_of}

    @cached_property
    def whole(self) -> dict[str, list[Interval]]:
        """The same, each stop from its closure on: for when phones begin, and for what they sound like."""
        return {utt: folded(join_closures(self.phones[utt]), self.fold) for utt in self.set_of}

    def labels(self, utt: str, centres: np.ndarray, whole: bool = False) -> np.ndarray:
        """(T,) the place in ``names`` of the phone at each of the ``centres``."""
        return frame_labels((self.whole if whole else self.classes)[utt], centres, self.names)

    def said(self, utt: str) -> list[list[str]]:
        """The phones of each word, in their order; those outside of all words are words by themselves."""
        said: dict[tuple[int, int], list[str]] = {}
        words = self.words.get(utt, ())
        for place, phone in enumerate(self.whole[utt]):
            if phone.label not in SILENT:
                middle = (phone.start + phone.end) / 2
                word = next((k for k, one in enumerate(words) if one.start <= middle < one.end), -1)
                said.setdefault((word, 0 if word >= 0 else place), []).append(phone.label)
        return list(said.values())

    @cached_property
    def portions(self) -> dict[float, list[str]]:
        """The points of the learning curve."""
        return portions({utt: self.seconds[utt] for utt in self.sets["train"]}, self.speaker_of)

    def controls(self, centres: Mapping[str, np.ndarray]) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """The labels of frames at the ``centres`` (T,) of each utterance, and those of the control task: types are
        triphones, of which only those of the training set are asked for."""
        labels = {utt: self.labels(utt, own) for utt, own in centres.items()}
        types = {utt: triphones(self.classes[utt], own) for utt, own in centres.items()}
        trained = np.unique(np.concatenate([types[utt] for utt in self.sets["train"]]))
        known = np.concatenate([labels[utt][labels[utt] != UNKNOWN] for utt in self.sets["train"]])
        frequency = np.bincount(known, minlength=len(self.names))
        control = {utt: control_labels(own, frequency, CONTROL_SEED) for utt, own in types.items()}
        asked = {utt: known_types(labels[utt], own, trained) for utt, own in types.items()}
        return asked, {utt: np.where(asked[utt] == UNKNOWN, UNKNOWN, own) for utt, own in control.items()}


def read_target(data: Path, reference: Path, lang: Lang, minutes: float, gold: bool = True) -> Target:
    """The target of a corpus: of each set ``minutes`` at most, of all its speakers. Phones are the ``gold`` ones where
    all sets have some, else those of the dictionary, placed by the forced alignment of the model ``reference``."""
    sets: dict[str, list[str]] = {}
    speaker_of: dict[str, str] = {}
    seconds: dict[str, float] = {}
    phones: dict[str, list[Interval]] = {}
    words: dict[str, list[Interval]] = {}
    references: dict[str, Sequence[str]] = {}
    fold, gold = read_fold(data), gold and all(read_gold(data / name, "phones") for name in SETS)
    for name in SETS:
        folder, aligned = data / name, reference / f"ali_{name}"
        rate, found = sample_rate(folder), read_set(folder)
        placed = read_gold(folder, "phones") if gold else aligned_ctm(aligned, "phones")
        spelled = aligned / ("reference.txt" if gold else "phones.txt")
        said = read_spoken(spelled, fold)
        same_ids(spelled, said, [utterance.id for utterance in found], align_again(aligned))
        own = {u.id: u for u in found if u.id in placed}
        lengths = {utt: u.num_samples / rate for utt, u in own.items()}
        speakers = {utt: u.speaker for utt, u in own.items()}
        sets[name] = sorted(next(iter(portions(lengths, speakers, (minutes,)).values()), []))
        speaker_of |= {utt: speakers[utt] for utt in sets[name]}
        seconds |= {utt: lengths[utt] for utt in sets[name]}
        phones.update(placed)
        words.update(read_placed("words", folder, aligned) if gold else aligned_ctm(aligned, "words"))
        references |= said
    return Target(sets, speaker_of, seconds, phones, words, references, lang.phones, fold, gold)
