"""Boundary correction: trees that predict from the sound how far a system's boundaries are from the gold boundaries.

After Stolcke et al., Highly accurate phonetic segmentation using boundary correction models and system fusion (ICASSP
2014), who correct an HMM aligner with regression trees on cepstra and phone classes: here extremely randomised trees
(Geurts et al. 2006), trained on the gold phones of the training set. A further feature is which of the two phones each
frame is nearer to. There are several rounds, each trained on the errors that the one before has left, as in cascaded
regression (Dollár et al. 2010), because a network's boundaries are too far off to be corrected at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from tqdm import tqdm

from lexicon.dictionary import Weighted
from lexicon.fold import Fold, read_fold
from lexicon.lang import Lang
from lexicon.phone_sets import phone_set_of
from lexicon.phones import SILENCE, SILENT, PhoneSet, manner_in
from pipeline.align.alignments import PlacedUtterance, in_seconds, place_utterance
from pipeline.align.boundaries import join_closures, matched
from pipeline.align.gop import Goodness
from pipeline.base.parallel import each
from pipeline.datadir import read_datadir
from pipeline.datadir.feats import Features, front_end_for, read_feats
from pipeline.datadir.sets import read_gold
from pipeline.sound.front_end import FrontEnd, FrontEndSettings
from pipeline.sound.mfcc import NUM_CEPS
from pipeline.times.clock import FRAME_SHIFT_MS, seconds_to_frame
from pipeline.times.intervals import Interval, Intervals
from pipeline.times.segments import Segment

if TYPE_CHECKING:
    from sklearn.ensemble import ExtraTreesRegressor

# Chosen on dev of the four splits of timit_sample: within 20 ms of the gold boundaries GMM 81.2 and CTC 75.5 % without
# the distances to the two phones; with them 82.9 and 78.5 % in one round, 84.3 and 81.2 % in three, 84.5 and 82.0 % in
# four.
REACH = 8  # frames of sound before and after the boundary
LONGEST = 20  # frames; longer phones on either side count as so long
LIMITS = (12.0, 8.0, 8.0, 8.0)  # frames, one for each round; boundaries further off are mistaken for another sound
PARTS = 3  # for the next round, the trees that move a part of the utterances are trained on the others
TREES = 100
LEAF = 3  # boundaries in a leaf at least
MOST = 1000  # training utterances; all of TIMIT would take hours


@dataclass(frozen=True)
class Training:
    """An utterance with phones as a system placed them and gold phones, with features (T, D) of the sound: normalised
    cepstra with deltas, whatever the system itself is given."""

    feats: np.ndarray
    phones: list[Segment]
    gold: Sequence[Interval]


@dataclass(frozen=True)
class BoundaryFeatures:
    """The features of a boundary. ``class_of`` gives phones their class, ``classes`` are all there are; ``means`` (D,)
    of each folded phone in the gold phones; the ``variance`` (D,) around them, and their ``middle`` (D,)."""

    class_of: Mapping[str, str]
    classes: Sequence[str]
    fold: Fold
    means: Mapping[str, np.ndarray]
    variance: np.ndarray
    middle: np.ndarray

    def of(self, feats: np.ndarray, phones: Sequence[Segment], index: int) -> np.ndarray:
        """The start of a phone, float32: the static cepstra of REACH frames on both sides; how much nearer each of
        these frames is to the phone before than to the one that begins (in variances, a coefficient); the deltas at
        the boundary, the classes of both phones, and how long they are."""
        before, phone = phones[index - 1], phones[index]
        near = feats[np.clip(np.arange(phone.start - REACH, phone.start + REACH), 0, len(feats) - 1)]
        sides = np.zeros((2, len(self.classes)))
        for side, label in zip(sides, (before.label, phone.label)):
            if self.class_of.get(label) in self.classes:
                side[self.classes.index(self.class_of[label])] = 1
        lengths = [min(LONGEST, segment.end - segment.start) for segment in (before, phone)]
        deltas = feats[min(phone.start, len(feats) - 1), NUM_CEPS : 2 * NUM_CEPS]
        nearer = self._distance(near, phone.label) - self._distance(near, before.label)
        return np.concatenate([near[:, :NUM_CEPS].ravel(), nearer, deltas, sides.ravel(), lengths]).astype(np.float32)

    def _distance(self, feats: np.ndarray, label: str) -> np.ndarray:
        """(n,) of frames (n, D) from a phone; one without gold phones is in the middle of all."""
        mean = self.means.get(SILENCE if label in SILENT else self.fold.get(label, label), self.middle)
        return ((feats - mean) ** 2 / self.variance).mean(axis=1)


@dataclass(frozen=True)
class Correction:
    """A forest for each round, which predicts from `BoundaryFeatures` how many frames later a boundary should be.
    ``front_end`` makes the features that the trees see."""

    features: BoundaryFeatures
    front_end: FrontEnd
    forests: list[ExtraTreesRegressor] = field(default_factory=list)

    def correct(self, feats: np.ndarray, phones: Sequence[Segment]) -> list[Segment]:
        """The phones of an utterance with features (T, D), with corrected starts, to the nearest frame; pauses, and the
        first of all, keep their starts unless a phone needs the frame."""
        for forest in self.forests:
            phones = _moved(self.features, forest, feats, phones)
        return list(phones)


def _moved(
    features: BoundaryFeatures, forest: ExtraTreesRegressor, feats: np.ndarray, phones: Sequence[Segment]
) -> list[Segment]:
    starts = np.array([phone.start for phone in phones])
    moved = [i for i, phone in enumerate(phones) if i and phone.label not in SILENT]
    if moved:
        starts[moved] += np.rint(forest.predict(np.stack([features.of(feats, phones, i) for i in moved]))).astype(int)
    order = np.arange(len(phones))
    starts = np.maximum.accumulate(np.maximum(starts, starts[0]) - order) + order  # each lasts a frame at least
    ends = np.append(starts[1:], phones[-1].end)
    ends = np.minimum.accumulate((ends - order)[::-1])[::-1] + order
    starts = np.append(starts[0], ends[:-1])
    return [replace(phone, start=int(a), end=int(b)) for phone, a, b in zip(phones, starts, ends)]


def phone_classes(phone_set: PhoneSet, phones: Iterable[str]) -> dict[str, str]:
    """Manner of articulation and voicing, on which the sound of a boundary depends most."""
    voiceless = {phone for phone in phone_set if not phone_set[phone].voiced}
    return {phone: manner_in(phone_set, phone) + (" voiceless" if phone in voiceless else "") for phone in phones}


def boundary_features(training: Sequence[Training], fold: Fold, class_of: Mapping[str, str]) -> BoundaryFeatures:
    """Means and variance of the phones, from the gold phones."""
    frames: dict[str, list[np.ndarray]] = {}
    for utterance in training:
        for phone in join_closures(utterance.gold):
            start, end = seconds_to_frame(phone.start), seconds_to_frame(phone.end)
            frames.setdefault(fold.get(phone.label, phone.label), []).append(utterance.feats[start:end])
    joined = {phone: np.concatenate(parts) for phone, parts in frames.items() if sum(map(len, parts))}
    means = {phone: x.mean(axis=0) for phone, x in joined.items()}
    variance = np.concatenate([x - means[phone] for phone, x in joined.items()]).var(axis=0)
    middle = np.mean(list(means.values()), axis=0)
    return BoundaryFeatures(class_of, sorted(set(class_of.values())), fold, means, np.maximum(variance, 1e-8), middle)


def examples(features: BoundaryFeatures, utterance: Training, limit: float) -> tuple[list[np.ndarray], list[float]]:
    """Features of the starts of phones that match a gold phone, and how many frames later that begins; those ``limit``
    frames off or more are left out."""
    wanted, ours = join_closures(utterance.gold), in_seconds(utterance.phones)
    x, y = [], []
    for i, j in matched(wanted, ours, features.fold):
        late = 1000 * (wanted[i].start - ours[j].start) / FRAME_SHIFT_MS
        if j and abs(late) < limit:
            x.append(features.of(utterance.feats, utterance.phones, j))
            y.append(late)
    return x, y


def learn(
    training: Sequence[Training],
    fold: Fold,
    class_of: Mapping[str, str],
    front_end: FrontEnd,
    seed: int = 0,
    jobs: int = 1,
) -> Correction:
    """A forest for each round. The next round is trained on boundaries that were moved by trees trained on other
    utterances, for a forest leaves too few errors in its own training data. There are fewer rounds where no phone
    matches a gold phone."""
    correction = Correction(boundary_features(training, fold, class_of), front_end)
    features = correction.features
    for limit in LIMITS:
        found = [examples(features, utterance, limit) for utterance in training]
        if not any(x for x, _ in found):
            break
        others = [[pairs for i, pairs in enumerate(found) if i % PARTS != part] for part in range(PARTS)]
        forest, *forests = each(lambda pairs: _forest(pairs, seed), [found, *others], jobs)
        correction.forests.append(forest)
        training = list(
            each(lambda i: _moved_by_others(features, forests[i % PARTS], training[i]), range(len(training)), jobs)
        )
    return correction


def _moved_by_others(features: BoundaryFeatures, forest: ExtraTreesRegressor | None, utterance: Training) -> Training:
    """The utterance with its boundaries moved by trees that were trained on the other parts."""
    if forest is None:
        return utterance
    return replace(utterance, phones=_moved(features, forest, utterance.feats, utterance.phones))


def _forest(found: Sequence[tuple[list[np.ndarray], list[float]]], seed: int) -> ExtraTreesRegressor | None:
    """Trees trained on features and how much later the boundaries should be; None without any."""
    from sklearn.ensemble import ExtraTreesRegressor  # slow to import, and few corpora have gold phones

    x, y = ([value for pair in found for value in pair[side]] for side in (0, 1))
    if not x:
        return None
    forest = ExtraTreesRegressor(TREES, min_samples_leaf=LEAF, max_features=0.3, random_state=seed)
    return forest.fit(np.stack(x), np.array(y))


def with_gold_phones(words: Mapping[str, Sequence[str]], gold: Intervals) -> dict[str, Sequence[str]]:
    """The words of utterances with gold phones, MOST at most, from all parts of the set."""
    known = sorted(utt for utt in words if gold.get(utt))
    return {utt: words[utt] for utt in known[:: -(-len(known) // MOST) or 1]}


def train_correction(
    goodness: Goodness,
    words: Mapping[str, Sequence[str]],
    feats: Mapping[str, np.ndarray],
    sound: Features,
    gold: Intervals,
    fold: Fold,
    lexicon: Weighted,
    phone_set: PhoneSet,
    on_utterance: Callable[[], object] = lambda: None,
    jobs: int = 1,
) -> Correction | None:
    """Align the utterances of ``words`` with a system, which is given ``feats``, and learn from ``gold`` and the
    ``sound`` how far it is off; None: no match."""

    system = goodness.system

    def place(utt: str) -> PlacedUtterance | None:
        x = feats[utt]
        return place_utterance(goodness, utt, system.scores(x), system.num_frames(x), words[utt], lexicon)

    training = []
    for utt, placed in zip(words, each(place, words, jobs, spread=True)):
        if placed is not None:
            training.append(Training(sound[utt], placed.segments, gold[utt]))
        on_utterance()
    if not training:
        return None
    classes = phone_classes(phone_set, goodness.models.phones)
    correction = learn(training, fold, classes, sound.front_end, jobs=jobs)
    return correction if correction.forests else None


def sound_of(train: Path) -> FrontEnd | None:
    """The front end of a correction that is trained on data directory ``train``; None without gold phones."""
    return front_end_for(train, FrontEndSettings()) if read_gold(train, "phones") else None


def correction_from_gold(train: Path, goodness: Goodness, lang: Lang, jobs: int = 1) -> Correction | None:
    """The correction that a system learns from the gold phones of data directory ``train``; None where it has none, or
    none that match."""
    gold, front_end = read_gold(train, "phones"), sound_of(train)
    if front_end is None:
        return None
    feats, sound = read_feats(train, goodness.system.directory), Features(train, front_end)
    words = with_gold_phones({u.id: u.words for u in feats.of(read_datadir(train))}, gold)
    with tqdm(total=len(words), desc=f"correct {goodness.system.name}", unit="utt", disable=None) as bar:
        return train_correction(
            goodness,
            words,
            feats,
            sound,
            gold,
            read_fold(train.parent),
            lang.reference_lexicon,
            phone_set_of(lang.info),
            bar.update,
            jobs,
        )
