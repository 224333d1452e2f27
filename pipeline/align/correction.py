"""Boundary correction: how far a system's boundaries lie from where hands put them, learnt from the sound around them.

After Stolcke et al., Highly accurate phonetic segmentation using boundary correction models and system fusion (ICASSP
2014), who correct an HMM aligner with regression trees on cepstra and phone classes: here extremely randomised trees
(Geurts et al. 2006), learnt from the training set where its phones are placed by hand. They see as well which of the
two phones each frame is nearer to, and correct in rounds, each of which learns what the one before has left, as in
cascaded regression (Dollár et al. 2010): a network's boundaries are too far off to be put right at once.
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

# Chosen on dev of the four splits of timit_sample: within 20 ms of the hands GMM 81.2 and CTC 75.5 % without regard
# to which phone is nearer; with it 82.9 and 78.5 % in one round, 84.3 and 81.2 % in three, 84.5 and 82.0 % in four.
REACH = 8  # frames of sound before and after the boundary
LONGEST = 20  # frames; how long the phones on both sides are counts up to here
LIMITS = (12.0, 8.0, 8.0, 8.0)  # frames, one for each round; further off, the system has taken one sound for another
PARTS = 3  # a round's trees are tried on a part of the utterances that they have not learnt from
TREES = 100
LEAF = 3  # boundaries in a leaf at least
MOST = 1000  # utterances to learn from: more would take hours, as all of TIMIT


@dataclass(frozen=True)
class Training:
    """An utterance whose phones were placed by a system, and by hands, with features (T, D) of the sound: normalised
    cepstra with deltas, whatever the system itself is given."""

    feats: np.ndarray
    phones: list[Segment]
    gold: Sequence[Interval]


@dataclass(frozen=True)
class View:
    """What the trees see of a boundary. ``class_of`` gives phones their class, ``classes`` are all there are; ``means``
    (D,) of each folded phone, where hands have put it; the ``variance`` (D,) around them, and their ``middle`` (D,)."""

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
        """(n,) of frames (n, D) from a phone; one that hands never placed lies in the middle of all."""
        mean = self.means.get(SILENCE if label in SILENT else self.fold.get(label, label), self.middle)
        return ((feats - mean) ** 2 / self.variance).mean(axis=1)


@dataclass(frozen=True)
class Correction:
    """A forest for each round, that tells from a `View` how many frames later a boundary should be. ``front_end`` makes
    the features that the trees see."""

    view: View
    front_end: FrontEnd
    forests: list[ExtraTreesRegressor] = field(default_factory=list)

    def correct(self, feats: np.ndarray, phones: Sequence[Segment]) -> list[Segment]:
        """The phones of an utterance with features (T, D), each beginning where hands would have put it, to the nearest
        frame; pauses, and the first of all, begin where they did unless a phone needs the frame."""
        for forest in self.forests:
            phones = _moved(self.view, forest, feats, phones)
        return list(phones)


def _moved(view: View, forest: ExtraTreesRegressor, feats: np.ndarray, phones: Sequence[Segment]) -> list[Segment]:
    starts = np.array([phone.start for phone in phones])
    moved = [i for i, phone in enumerate(phones) if i and phone.label not in SILENT]
    if moved:
        starts[moved] += np.rint(forest.predict(np.stack([view.of(feats, phones, i) for i in moved]))).astype(int)
    order = np.arange(len(phones))
    starts = np.maximum.accumulate(np.maximum(starts, starts[0]) - order) + order  # each lasts a frame at least
    ends = np.append(starts[1:], phones[-1].end)
    ends = np.minimum.accumulate((ends - order)[::-1])[::-1] + order
    starts = np.append(starts[0], ends[:-1])
    return [replace(phone, start=int(a), end=int(b)) for phone, a, b in zip(phones, starts, ends)]


def phone_classes(phone_set: PhoneSet, phones: Iterable[str]) -> dict[str, str]:
    """Manner of articulation and voice, which tell most of what a boundary sounds like."""
    voiceless = {phone for phone in phone_set if not phone_set[phone].voiced}
    return {phone: manner_in(phone_set, phone) + (" voiceless" if phone in voiceless else "") for phone in phones}


def view_of(taught: Sequence[Training], fold: Fold, class_of: Mapping[str, str]) -> View:
    """Hear what the phones sound like where hands have put them."""
    frames: dict[str, list[np.ndarray]] = {}
    for utterance in taught:
        for phone in join_closures(utterance.gold):
            start, end = seconds_to_frame(phone.start), seconds_to_frame(phone.end)
            frames.setdefault(fold.get(phone.label, phone.label), []).append(utterance.feats[start:end])
    joined = {phone: np.concatenate(parts) for phone, parts in frames.items() if sum(map(len, parts))}
    means = {phone: x.mean(axis=0) for phone, x in joined.items()}
    variance = np.concatenate([x - means[phone] for phone, x in joined.items()]).var(axis=0)
    middle = np.mean(list(means.values()), axis=0)
    return View(class_of, sorted(set(class_of.values())), fold, means, np.maximum(variance, 1e-8), middle)


def examples(view: View, utterance: Training, limit: float) -> tuple[list[np.ndarray], list[float]]:
    """Views of the starts of phones that hands have placed as well, and how many frames later these begin; those
    ``limit`` frames off or more are left out."""
    wanted, ours = join_closures(utterance.gold), in_seconds(utterance.phones)
    x, y = [], []
    for i, j in matched(wanted, ours, view.fold):
        late = 1000 * (wanted[i].start - ours[j].start) / FRAME_SHIFT_MS
        if j and abs(late) < limit:
            x.append(view.of(utterance.feats, utterance.phones, j))
            y.append(late)
    return x, y


def learn(
    taught: Sequence[Training],
    fold: Fold,
    class_of: Mapping[str, str],
    front_end: FrontEnd,
    seed: int = 0,
    jobs: int = 1,
) -> Correction:
    """A forest for each round. The next learns from boundaries as trees have moved them that did not know them: those
    that did would leave nothing to learn. There are fewer rounds where nothing matches what hands have placed."""
    correction = Correction(view_of(taught, fold, class_of), front_end)
    view = correction.view
    for limit in LIMITS:
        found = [examples(view, utterance, limit) for utterance in taught]
        if not any(x for x, _ in found):
            break
        others = [[pairs for i, pairs in enumerate(found) if i % PARTS != part] for part in range(PARTS)]
        forest, *forests = each(lambda pairs: _forest(pairs, seed), [found, *others], jobs)
        correction.forests.append(forest)
        taught = list(each(lambda i: _tried(view, forests[i % PARTS], taught[i]), range(len(taught)), jobs))
    return correction


def _tried(view: View, forest: ExtraTreesRegressor | None, utterance: Training) -> Training:
    """The utterance as a round leaves it whose trees have learnt from those of the other parts."""
    if forest is None:
        return utterance
    return replace(utterance, phones=_moved(view, forest, utterance.feats, utterance.phones))


def _forest(found: Sequence[tuple[list[np.ndarray], list[float]]], seed: int) -> ExtraTreesRegressor | None:
    """Trees that have learnt from views and how late they are; None where there are none."""
    from sklearn.ensemble import ExtraTreesRegressor  # slow to import, and few corpora have hand-placed phones

    x, y = ([value for pair in found for value in pair[side]] for side in (0, 1))
    if not x:
        return None
    forest = ExtraTreesRegressor(TREES, min_samples_leaf=LEAF, max_features=0.3, random_state=seed)
    return forest.fit(np.stack(x), np.array(y))


def to_learn_from(words: Mapping[str, Sequence[str]], gold: Intervals) -> dict[str, Sequence[str]]:
    """The words of utterances whose phones were placed by hand, MOST at most, from all parts of the set."""
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

    taught = []
    for utt, placed in zip(words, each(place, words, jobs)):
        if placed is not None:
            taught.append(Training(sound[utt], placed.segments, gold[utt]))
        on_utterance()
    if not taught:
        return None
    classes = phone_classes(phone_set, goodness.models.phones)
    correction = learn(taught, fold, classes, sound.front_end, jobs=jobs)
    return correction if correction.forests else None


def sound_of(train: Path) -> FrontEnd | None:
    """What a correction hears that is learnt from data directory ``train``; None where no phones are placed by hand."""
    return front_end_for(train, FrontEndSettings()) if read_gold(train, "phones") else None


def correction_from_gold(train: Path, goodness: Goodness, lang: Lang, jobs: int = 1) -> Correction | None:
    """The correction that a system learns from the gold phones of data directory ``train``; None where it has none, or
    none that match."""
    gold, front_end = read_gold(train, "phones"), sound_of(train)
    if front_end is None:
        return None
    feats, sound = read_feats(train, goodness.system.directory), Features(train, front_end)
    words = to_learn_from({u.id: u.words for u in feats.of(read_datadir(train))}, gold)
    with tqdm(total=len(words), desc=f"teach {goodness.system.name}", unit="utt", disable=None) as bar:
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
