"""The linear probe against scikit-learn's own answers, and all measures of layers that are planted: phones as they are,
and noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, balanced_accuracy_score

from pipeline.align.boundaries import compare_boundaries
from pipeline.base.parallel import each
from pipeline.classifier.labels import UNKNOWN
from pipeline.compare.significance import error_rate, resampling_units
from pipeline.probe.abx import abx, macro_average, tokens_of
from pipeline.probe.boundaries import Segmentation, align_phones, change, one_state_phones, peaks, segmentation
from pipeline.probe.control import control_labels, known_types
from pipeline.probe.frames import FrameData, frame_data, frame_labels, triphones
from pipeline.probe.probe import Probe, hits, predicted, shared_speakers, thinned, train_probe
from pipeline.probe.units import fit_units, joint_counts, nearest_unit, pnmi
from pipeline.times.intervals import Interval

PHONES = ["AE", "IH", "K", "S", "SIL", "T"]
SHIFT = 0.02  # seconds


@dataclass(frozen=True)
class Planted:
    """Utterances by speaker: phones in seconds, labels (T,) of frames every 20 ms, and types (T,) of these."""

    gold: dict[str, list[Interval]]
    labels: dict[str, np.ndarray]
    types: dict[str, np.ndarray]
    speaker_of: dict[str, str]

    def centres(self, utt: str) -> np.ndarray:
        return SHIFT * np.arange(len(self.labels[utt]))

    def of(self, speakers: str) -> list[str]:
        return [utt for utt in self.labels if self.speaker_of[utt] in speakers]

    def frames(self, layer: dict[str, np.ndarray], speakers: str, labels: dict[str, np.ndarray]) -> FrameData:
        utts = self.of(speakers)
        return frame_data([layer[utt] for utt in utts], [labels[utt] for utt in utts], 0)


@pytest.fixture(scope="module")
def planted() -> Planted:
    """Six speakers, a to f, each 5 utterances of 20 phones at random, no two alike beside each other."""
    rng = np.random.default_rng(0)
    gold, speaker_of = {}, {}
    for speaker in "abcdef":
        for number in range(5):
            names = ["SIL"]
            while len(names) < 21:
                names.append(rng.choice([p for p in PHONES if p not in (names[-1], "SIL")]))
            ends = SHIFT * (np.cumsum(rng.integers(2, 6, size=22)) - 0.5)  # half-way between frames
            starts = np.append(0, ends[:-1])
            utt = f"{speaker}{number}"
            gold[utt] = [Interval(*map(float, times), str(p)) for *times, p in zip(starts, ends, [*names, "SIL"])]
            speaker_of[utt] = speaker
    labels, types = {}, {}
    for utt, phones in gold.items():
        centres = SHIFT * np.arange(round(phones[-1].end / SHIFT))
        labels[utt] = frame_labels(phones, centres, PHONES)
        types[utt] = triphones(phones, centres)
    return Planted(gold, labels, types, speaker_of)


@pytest.fixture(scope="module")
def one_hot(planted) -> dict[str, np.ndarray]:
    return {utt: np.eye(len(PHONES), dtype=np.float32)[labels] for utt, labels in planted.labels.items()}


@pytest.fixture(scope="module")
def noise(planted) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    return {utt: rng.normal(size=(len(labels), 8)).astype(np.float32) for utt, labels in planted.labels.items()}


def trained(planted: Planted, layer: dict[str, np.ndarray], labels: dict[str, np.ndarray] | None = None) -> Probe:
    parts = [planted.frames(layer, speakers, labels or planted.labels) for speakers in ("abcd", "e")]
    return train_probe(*parts, len(PHONES))


def accuracy(planted: Planted, layer: dict[str, np.ndarray], balanced: bool) -> float:
    probe, tested = trained(planted, layer), planted.of("f")
    right, counted = hits(
        [planted.labels[utt] for utt in tested], [predicted(probe.model, layer[utt]) for utt in tested], balanced
    )
    return right.sum() / counted.sum()


# ---- planted layers


def test_a_probe_reads_phones_that_are_there_and_none_from_noise(planted, one_hot, noise):
    most_frequent = np.bincount(np.concatenate([planted.labels[utt] for utt in planted.of("f")])).max()
    total = sum(len(planted.labels[utt]) for utt in planted.of("f"))
    assert accuracy(planted, one_hot, False) == accuracy(planted, one_hot, True) == pytest.approx(1)
    assert accuracy(planted, noise, True) == pytest.approx(1 / len(PHONES), abs=0.04)
    assert accuracy(planted, noise, False) <= most_frequent / total + 0.04


def test_units_of_phones_and_of_noise(planted, one_hot, noise):
    labels = np.concatenate([*planted.labels.values()])
    for layer, units, expected in ((one_hot, 6, 1), (noise, 6, 0)):
        x = np.concatenate([*layer.values()])
        counts = joint_counts(labels, nearest_unit(fit_units(x, units), x), len(PHONES), units)
        assert pnmi(counts) == pytest.approx(expected, abs=0.05)


@pytest.mark.parametrize("across", [False, True])
def test_abx_of_phones_and_of_noise(planted, one_hot, noise, across):
    for layer, expected in ((one_hot, 0), (noise, 0.5)):
        tokens = [
            token
            for utt, gold in planted.gold.items()
            for token in tokens_of(gold, planted.centres(utt), layer[utt], planted.speaker_of[utt])
        ]
        found = abx(tokens, across)
        assert len(found) == 10  # of five phones
        assert macro_average(found) == pytest.approx(expected, abs=0.04)


def test_boundaries_of_phones_are_found(planted, one_hot):
    probe = trained(planted, one_hot)
    transitions = one_state_phones(PHONES, [planted.labels[utt] for utt in planted.of("abcd")])
    ours, by_change = {}, Segmentation()
    for utt in planted.of("f"):
        gold, centres = planted.gold[utt], planted.centres(utt)
        said = [[phone.label] for phone in gold if phone.label != "SIL"]
        ours[utt] = align_phones(probe.model.scaled_likelihoods(one_hot[utt]), centres, said, transitions)
        found = peaks(*change(one_hot[utt], centres), 0.1)
        by_change += segmentation(found, np.array([phone.start for phone in gold[1:]]))
    gold = {utt: planted.gold[utt] for utt in ours}
    assert compare_boundaries(gold, ours, {}).row()[0] == "100 of 100"
    assert np.abs(compare_boundaries(gold, ours, {}).ms).max() <= 5.01  # half a step of the grid
    assert by_change.f1 == by_change.r_value == pytest.approx(1)


def test_a_layer_of_triphones_can_learn_anything_by_heart(planted, one_hot):
    """Its selectivity is nought, for it does the control task as well; phones alone cannot do it."""
    names = sorted(set(np.concatenate([*planted.types.values()])))
    by_heart = {
        utt: np.eye(len(names), dtype=np.float32)[np.searchsorted(names, types)] for utt, types in planted.types.items()
    }
    frequency = np.bincount(np.concatenate([planted.labels[utt] for utt in planted.of("abcd")]))
    control = {utt: control_labels(types, frequency, 0) for utt, types in planted.types.items()}
    seen = np.unique(np.concatenate([planted.types[utt] for utt in planted.of("abcd")]))
    scores = []
    for layer in (by_heart, one_hot):
        probe, tested = trained(planted, layer, control), planted.of("f")
        truth = [known_types(control[utt], planted.types[utt], seen) for utt in tested]
        right, counted = hits(truth, [predicted(probe.model, layer[utt]) for utt in tested])
        assert 0 < counted.sum() < sum(map(len, truth))
        scores.append(right.sum() / counted.sum())
    assert scores[0] == pytest.approx(1) and scores[1] < 0.5


# ---- the probe itself


@pytest.fixture(scope="module")
def half_hidden(planted, one_hot, noise) -> dict[str, np.ndarray]:
    """Phones in noise, with one dimension that never changes and one far from nought."""
    return {
        utt: np.c_[one_hot[utt] @ (2 * np.eye(6, 8)) + noise[utt], np.full(len(x), 7), 1000 + noise[utt][:, 0]].astype(
            np.float32
        )
        for utt, x in one_hot.items()
    }


def test_log_posteriors_are_scikit_learns(planted, half_hidden):
    probe = trained(planted, half_hidden)
    train, test = (planted.frames(half_hidden, speakers, planted.labels) for speakers in ("abcd", "f"))
    mean, scale = train.x.astype(float).mean(0), train.x.astype(float).std(0)
    scale[8] = 1
    theirs = LogisticRegression(C=1 / (probe.penalty * len(train.x)), max_iter=1000, tol=1e-8)
    theirs.fit((train.x - mean) / scale, train.y)
    expected = theirs.predict_log_proba((test.x - mean) / scale)
    assert probe.model.log_posteriors(test.x) == pytest.approx(expected, abs=0.05)
    prior = np.log((np.bincount(train.y) + 1) / (len(train.y) + 6))
    assert probe.model.scaled_likelihoods(test.x) == pytest.approx(expected - prior, abs=0.05)
    assert 0.4 < np.mean(predicted(probe.model, test.x) == test.y) < 1


def test_the_penalty_is_that_which_is_best_on_dev(planted, half_hidden):
    probe = trained(planted, half_hidden)
    penalties, entropies = zip(*((one.penalty, one.entropy) for one in probe.tried))
    assert list(penalties) == sorted(penalties, reverse=True) and len(penalties) > 1
    assert (
        list(entropies[:-1]) == sorted(entropies[:-1], reverse=True)
        and probe.penalty == penalties[int(np.argmin(entropies))]
    )


def test_dev_may_be_learnt_from_once_it_has_chosen(planted, half_hidden):
    """Then the probe is that of all five speakers, with the penalty that one of them has chosen."""
    parts = [planted.frames(half_hidden, speakers, planted.labels) for speakers in ("abcd", "e", "abcde")]
    probe, chosen = train_probe(*parts[:2], len(PHONES), with_dev=True), trained(planted, half_hidden)
    assert probe.tried == chosen.tried
    path = [one.penalty for one in chosen.tried if one.penalty >= chosen.penalty]
    expected = LogisticRegression(C=1 / (chosen.penalty * len(parts[2].x)), max_iter=1000, tol=1e-8)
    x = parts[2].x.astype(float)
    scale = np.where(x.std(0) > 0, x.std(0), 1)
    theirs = expected.fit((x - x.mean(0)) / scale, parts[2].y).predict_log_proba((x - x.mean(0)) / scale)
    assert len(path) > 1 and probe.model.log_posteriors(parts[2].x) == pytest.approx(theirs, abs=0.05)


def test_the_same_numbers_in_any_process(planted, half_hidden):
    one, two = each(lambda _: trained(planted, half_hidden).model.layers[0][0], range(2), jobs=2)
    assert np.array_equal(one, two) and np.array_equal(one, trained(planted, half_hidden).model.layers[0][0])


def test_a_phone_that_training_lacks_and_frames_of_none(planted, half_hidden):
    """They are left out of the fit; the model has a floor for what it never saw."""
    labels = {utt: np.where(own == 2, UNKNOWN, own) for utt, own in planted.labels.items()}
    probe = trained(planted, half_hidden, labels)
    assert probe.model.classes.tolist() == [0, 1, 3, 4, 5]
    scores = probe.model.scaled_likelihoods(half_hidden["f0"])
    assert scores.shape[1] == 6 and (scores[:, 2] == -20).all()


def test_two_phones_are_enough(planted, half_hidden):
    labels = {utt: (own == 4).astype(int) for utt, own in planted.labels.items()}
    parts = [planted.frames(half_hidden, speakers, labels) for speakers in ("abcd", "e", "f")]
    probe = train_probe(*parts[:2], 2)
    assert np.mean(predicted(probe.model, parts[2].x) == parts[2].y) > 0.9


def test_accuracies_are_scikit_learns():
    rng = np.random.default_rng(0)
    truth = [rng.choice([0, 1, 2, 4], p=[0.6, 0.2, 0.15, 0.05], size=n) for n in (50, 80, 30)]
    found = [np.where(rng.random(len(t)) < 0.7, t, rng.choice([0, 1, 2, 4], size=len(t))) for t in truth]
    joined, guessed = np.concatenate(truth), np.concatenate(found)
    truth[0], found[0] = np.append(truth[0], UNKNOWN), np.append(found[0], 3)
    right, counted = hits(truth, found)
    assert right.sum() / counted.sum() == pytest.approx(accuracy_score(joined, guessed))
    assert counted.tolist() == [50, 80, 30]
    right, counted = hits(truth, found, balanced=True)
    assert right.sum() / counted.sum() == pytest.approx(balanced_accuracy_score(joined, guessed))
    rate = error_rate(right, counted, resampling_units(list("abc"))[0])
    assert rate.low < rate.percent < rate.high


def test_many_frames_are_thinned_evenly():
    data = thinned(FrameData(np.arange(10.0)[:, None], np.array([0, -1, *range(8)])), 3)
    assert data.x.ravel().tolist() == [0, 4, 7] and data.y.tolist() == [0, 2, 5]


def test_speakers_of_two_sets_are_named():
    assert shared_speakers({"train": "abca", "dev": "db", "test": "ef"}) == {"b": ["train", "dev"]}
