"""Boundary correction: how far a system's boundaries lie from where hands put them, learnt from the sound around them.

After Stolcke et al., Highly accurate phonetic segmentation using boundary correction models and system fusion (ICASSP
2014), who correct an HMM aligner with regression trees on cepstra and phone classes: here extremely randomised trees
(Geurts et al. 2006), learnt from the training set where its phones are placed by hand.
"""
from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from sklearn.ensemble import ExtraTreesRegressor

from lexicon.dictionary import Weighted
from lexicon.fold import Fold
from lexicon.phones import SILENT, PhoneSet, manner_in
from pipeline.align import Segment
from pipeline.alignments import in_seconds, place_utterance
from pipeline.boundaries import join_closures, matched
from pipeline.features import FRAME_SHIFT_MS, NUM_CEPS
from pipeline.gop import Goodness
from pipeline.intervals import Interval, Intervals

# Chosen on dev of the four splits of timit_sample, all aligners together (6 and 10 frames are up to 3 points worse).
REACH = 8        # frames of cepstra before and after the boundary
LONGEST = 20     # frames; how long the phones on both sides are counts up to here
LIMIT = 8.0      # frames; where a boundary is further off, the system has taken one sound for another
TREES = 100
LEAF = 3         # boundaries in a leaf at least


@dataclass(frozen=True)
class Correction:
    """A forest that tells from `boundary_features` how many frames later a boundary should be. ``classes`` are those
    that ``class_of`` gives phones."""

    class_of: dict[str, str]
    classes: list[str]
    forest: ExtraTreesRegressor

    def correct(self, feats: np.ndarray, phones: Sequence[Segment]) -> list[Segment]:
        """The phones of an utterance with features (T, D), each beginning where hands would have put it, to the nearest
        frame; pauses, and the first of all, begin where they did unless a phone needs the frame."""
        starts = np.array([phone.start for phone in phones])
        moved = [i for i, phone in enumerate(phones) if i and phone.label not in SILENT]
        if moved:
            x = np.stack([boundary_features(feats, phones, i, self.class_of, self.classes) for i in moved])
            starts[moved] += np.rint(self.forest.predict(x)).astype(int)
        order = np.arange(len(phones))
        starts = np.maximum.accumulate(np.maximum(starts, starts[0]) - order) + order  # each lasts a frame at least
        ends = np.append(starts[1:], phones[-1].end)
        ends = np.minimum.accumulate((ends - order)[::-1])[::-1] + order
        starts = np.append(starts[0], ends[:-1])
        return [replace(phone, start=int(a), end=int(b)) for phone, a, b in zip(phones, starts, ends)]


def boundary_features(feats: np.ndarray, phones: Sequence[Segment], index: int, class_of: Mapping[str, str],
                      classes: Sequence[str]) -> np.ndarray:
    """What the trees see of the start of a phone, float32: the static cepstra of REACH frames on both sides, the deltas
    at the boundary, the classes of the phones on both sides, and how long these are."""
    before, phone = phones[index - 1], phones[index]
    near = np.clip(np.arange(phone.start - REACH, phone.start + REACH), 0, len(feats) - 1)
    sides = np.zeros((2, len(classes)), np.float32)
    for side, label in zip(sides, (before.label, phone.label)):
        if class_of.get(label) in classes:
            side[classes.index(class_of[label])] = 1
    lengths = [min(LONGEST, segment.end - segment.start) for segment in (before, phone)]
    deltas = feats[min(phone.start, len(feats) - 1), NUM_CEPS:2 * NUM_CEPS]
    return np.concatenate([feats[near, :NUM_CEPS].ravel(), deltas, sides.ravel(), lengths]).astype(np.float32)


def phone_classes(phone_set: PhoneSet, phones: Iterable[str]) -> dict[str, str]:
    """Manner of articulation and voice, which tell most of what a boundary sounds like."""
    voiceless = {phone for phone in phone_set if not phone_set[phone].voiced}
    return {phone: manner_in(phone_set, phone) + (" voiceless" if phone in voiceless else "") for phone in phones}


def examples(feats: np.ndarray, phones: Sequence[Segment], gold: Sequence[Interval], fold: Fold,
             class_of: Mapping[str, str], classes: Sequence[str]) -> tuple[list[np.ndarray], list[float]]:
    """Features of the starts of phones that hands have placed as well, and how many frames later these begin; those
    more than LIMIT frames off are left out."""
    wanted, ours = join_closures(gold), in_seconds(phones)
    x, y = [], []
    for i, j in matched(wanted, ours, fold):
        late = 1000 * (wanted[i].start - ours[j].start) / FRAME_SHIFT_MS
        if j and abs(late) < LIMIT:
            x.append(boundary_features(feats, phones, j, class_of, classes))
            y.append(late)
    return x, y


def learn(x: Sequence[np.ndarray], y: Sequence[float], class_of: dict[str, str], classes: list[str], seed: int = 0
          ) -> Correction:
    """Trees from the examples of all utterances."""
    forest = ExtraTreesRegressor(TREES, min_samples_leaf=LEAF, max_features=0.3, random_state=seed)
    return Correction(class_of, classes, forest.fit(np.stack(x), np.array(y)))


def teach(goodness: Goodness, words: Mapping[str, Sequence[str]], feats: Mapping[str, np.ndarray], gold: Intervals,
          fold: Fold, lexicon: Weighted, phone_set: PhoneSet, on_utterance: Callable[[], object] = lambda: None
          ) -> Correction | None:
    """Align the utterances of ``words`` with a system and learn from ``gold`` how far it is off; None: no match."""
    class_of = phone_classes(phone_set, goodness.models.phones)
    classes, x, y = sorted(set(class_of.values())), [], []
    for utt, said in words.items():
        placed = place_utterance(goodness, utt, goodness.system.scores(feats[utt]), len(feats[utt]), said, lexicon)
        if placed is not None:
            more = examples(feats[utt], placed.segments, gold.get(utt, ()), fold, class_of, classes)
            x, y = x + more[0], y + more[1]
        on_utterance()
    return learn(x, y, class_of, classes) if x else None
