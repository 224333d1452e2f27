"""Frame classifiers against scikit-learn's own answers, and the hybrid's scores by hand."""

from __future__ import annotations

import math
import re
import warnings
from dataclasses import dataclass

import numpy as np
import pytest
from helpers.features import as_it_is, write_feats
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import log_loss
from sklearn.neural_network import MLPClassifier

from lexicon.errors import UserError
from pipeline.base.archive import Archive, write_archive
from pipeline.classifier.calibration import calibrated, temperature
from pipeline.classifier.candidates import Candidate, choice_table
from pipeline.classifier.frames import Frames
from pipeline.classifier.labels import labelled
from pipeline.classifier.model import FrameClassifier, load_frame_classifier, log_priors
from pipeline.classifier.reduction import by_lda, by_pca, folded
from pipeline.classifier.training import CLASSIFIERS, cross_entropy, losses, standardisation
from pipeline.datadir.feats import Features
from pipeline.hmm.gmm import flat_start
from pipeline.sound.front_end import splice
from pipeline.times.clock import frame_to_seconds
from pipeline.times.intervals import Interval

CONTEXT = 2


@dataclass(frozen=True)
class Set:
    """Utterances with their labels: as the training takes them, and all at once."""

    frames: Frames
    x: np.ndarray
    y: np.ndarray


@pytest.fixture(scope="module")
def data(speech) -> dict[str, Set]:
    """Real frames with labels that can be learnt: which of six ranges of loudness (C0), densities 1, 3, ... 11."""
    edges = np.quantile(np.concatenate(list(speech.feats.values()))[:, 0], [0.1, 0.3, 0.5, 0.7, 0.9])

    def read(utt: str) -> tuple[np.ndarray, np.ndarray]:
        x = speech.feats[utt]
        return x, (2 * np.searchsorted(edges, x[:, 0]) + 1).astype(np.int32)

    def of(utterances: list[str]) -> Set:
        x, y = zip(*map(read, utterances))
        spliced = np.concatenate([splice(one, CONTEXT) for one in x])
        return Set(Frames(utterances, read, CONTEXT, 12), spliced, np.concatenate(y))

    utterances = list(speech.feats)
    return {"train": of(utterances[:18]), "dev": of(utterances[18:])}


@pytest.fixture
def in_pieces(monkeypatch):
    """So that 40 s of speech are several blocks of several pieces."""
    monkeypatch.setattr("pipeline.classifier.frames.BLOCK", 700)
    monkeypatch.setattr("pipeline.classifier.frames.PIECE", 256)


def classifier(trained, counts: np.ndarray) -> FrameClassifier:
    layers, classes = trained
    return FrameClassifier(CONTEXT, layers, classes, log_priors(counts))


def standardised(data: dict[str, Set], name: str) -> np.ndarray:
    x = data["train"].x
    return (data[name].x - x.mean(0)) / (x.std(0) + 1e-6)


def scikit(name: str, data: dict[str, Set]):
    """The same scikit-learn model, trained and asked without our code: the model and its log posteriors on dev. Of a
    perceptron it is the first epoch of seed 3."""
    train = data["train"]
    if name == "lda":
        model = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=1e-3).fit(train.x, train.y)
        return model, model.predict_log_proba(data["dev"].x)
    x, hidden = standardised(data, "train"), (16, 12) if name == "mlp" else ()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = MLPClassifier(hidden, batch_size=256, alpha=1e-3, max_iter=1, random_state=4).fit(x, train.y)
    return model, model.predict_log_proba(standardised(data, "dev"))


@pytest.mark.parametrize("name", ["lda", "logistic", "mlp"])
def test_posteriors_are_scikit_learns(name, data, speech):
    options = {"lda": {}, "logistic": {"max_epochs": 1}, "mlp": {"max_epochs": 1, "hidden": (16, 12)}}[name]
    trained = CLASSIFIERS[name](data["train"].frames, data["dev"].frames, 3, lambda *_: None, **options)
    model = classifier(trained, data["train"].frames.counts)
    theirs, expected = scikit(name, data)
    dev_utterances = list(speech.feats.values())[18:]
    found = np.concatenate([model.log_posteriors(x) for x in dev_utterances])
    assert model.classes.tolist() == theirs.classes_.tolist() == [1, 3, 5, 7, 9, 11]
    np.testing.assert_allclose(np.exp(found), np.exp(expected), atol=2e-4)
    np.testing.assert_allclose(np.exp(found).sum(1), 1, atol=1e-5)
    assert (found.argmax(1) == expected.argmax(1)).mean() > 0.999
    shares = np.exp(expected.astype(np.float64))
    assert losses(found, model.classes, data["dev"].y).mean() == pytest.approx(
        log_loss(data["dev"].y, shares / shares.sum(1, keepdims=True), labels=theirs.classes_), abs=2e-3
    )
    assert (
        theirs.predict(data["dev"].x if name == "lda" else standardised(data, "dev")) == model.classes[found.argmax(1)]
    ).mean() > 0.999


def test_a_block_is_what_scikit_learn_would_do_with_all_frames(data):
    """To the last bit: four epochs of `fit` on one array, each of which shuffles all frames with a seed of its own."""
    x = standardised(data, "train")
    said: list[float] = []
    trained = CLASSIFIERS["mlp"](
        data["train"].frames,
        data["dev"].frames,
        0,
        lambda *epoch: said.append(epoch[0]),
        hidden=(16,),
        max_epochs=4,
        least_gain=-9.0,
    )
    theirs = MLPClassifier((16,), batch_size=256, alpha=1e-3, max_iter=1, warm_start=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for seed in range(1, 5):
            theirs.set_params(random_state=seed).fit(x, data["train"].y)
    assert said == [1, 2, 3, 4]
    (_, (weight, bias)), _ = trained
    assert np.array_equal(weight, theirs.coefs_[1]) and np.array_equal(bias, theirs.intercepts_[1])


def test_the_perceptron_keeps_its_best_epoch_and_stops(data):
    said: list[tuple[float, ...]] = []
    train, dev = data["train"].frames, data["dev"].frames
    options = {"hidden": (16,), "max_epochs": 40, "least_gain": 0.02}
    trained = CLASSIFIERS["mlp"](train, dev, 0, lambda *epoch: said.append(epoch), **options)
    epochs, rates, entropies = zip(*said)
    assert epochs == tuple(range(1, len(said) + 1))
    assert 3 < len(said) < 40 and rates[0] == 1e-3 and rates[-1] < 1e-3
    assert all(
        after == before or after == pytest.approx(before / 2, rel=0.01) for before, after in zip(rates, rates[1:])
    )
    model = FrameClassifier(0, *trained, np.zeros(12))
    assert cross_entropy(model.log_posteriors, trained[1], dev) == pytest.approx(min(entropies), abs=1e-3)
    again = CLASSIFIERS["mlp"](train, dev, 0, lambda *_: None, hidden=(16,), max_epochs=40, least_gain=0.02)
    assert all(np.array_equal(a, b) for one, two in zip(trained[0], again[0]) for a, b in zip(one, two))


def test_pieces_hold_every_frame_once_with_its_own_neighbours(data, in_pieces):
    one, two = np.ones((3, 2), np.float32), np.full((2, 2), 5, np.float32)
    few = Frames(["one", "two"], {"one": (one, np.array([0, 1, 2])), "two": (two, np.array([1, 1]))}.get, 1, 4)
    ((x, y),) = few.pieces()
    assert x.shape == (5, 6) and y.tolist() == [0, 1, 2, 1, 1] and few.counts.tolist() == [1, 3, 1, 0]
    assert set(x[:3].ravel()) == {1} and set(x[3:].ravel()) == {5} and np.array_equal(splice(one, 1), x[:3])
    train = data["train"]
    for shuffle in (None, np.random.RandomState(0)):
        blocks = [list(block) for block in train.frames.blocks(shuffle)]
        x, y = (np.concatenate(column) for column in zip(*(piece for block in blocks for piece in block)))
        assert len(blocks) == -(-len(train.y) // 700) > 3 and max(len(y) for block in blocks for _, y in block) == 256
        assert not np.array_equal(x, train.x)
        found, expected = (np.lexsort(rows.T) for rows in (x, train.x))
        assert np.array_equal(x[found], train.x[expected]) and np.array_equal(y[found], train.y[expected])


@pytest.mark.parametrize("name", ["lda", "mlp"])
def test_blocks_teach_as_well_as_all_frames_at_once(name, data, monkeypatch):
    train, dev = data["train"].frames, data["dev"].frames
    options = {} if name == "lda" else {"hidden": (16,), "max_epochs": 8}
    entropies = []
    for block in (10**9, 700):
        monkeypatch.setattr("pipeline.classifier.frames.BLOCK", block)
        model = FrameClassifier(0, *CLASSIFIERS[name](train, dev, 0, lambda *_: None, **options), np.zeros(12))
        entropies.append(cross_entropy(model.log_posteriors, model.classes, dev))
    assert entropies[0] == pytest.approx(entropies[1], rel=1e-6 if name == "lda" else 0.1)


def test_standardisation(data, in_pieces):
    mean, scale = standardisation(data["train"].frames)
    x = data["train"].x.astype(np.float64)
    np.testing.assert_allclose(mean, x.mean(0), atol=1e-5)
    np.testing.assert_allclose(scale, x.std(0), rtol=1e-5)
    assert mean.dtype == scale.dtype == np.float32


def by_hand() -> FrameClassifier:
    """Two classes of four densities, no context: log odds of density 3 against 1 are the feature itself."""
    weight, bias = np.array([[0.0, 1.0]], np.float32), np.zeros(2, np.float32)
    return FrameClassifier(0, [(weight, bias)], np.array([1, 3]), np.log([0.1, 0.2, 0.3, 0.4]))


def test_scaled_likelihoods_are_posteriors_over_priors():
    scores = by_hand().scaled_likelihoods(np.array([[math.log(3)], [0.0], [100.0]]))
    assert scores.shape == (3, 4) and scores.dtype == np.float32
    assert scores[0].tolist() == pytest.approx([-20, math.log(0.25 / 0.2), -20, math.log(0.75 / 0.4)], abs=1e-5)
    assert scores[1].tolist() == pytest.approx([-20, math.log(0.5 / 0.2), -20, math.log(0.5 / 0.4)], abs=1e-5)
    assert scores[2, 1] == pytest.approx(-20 - math.log(0.2), abs=1e-5)  # e^-100 counts as e^-20
    assert by_hand().scaled_likelihoods(np.zeros((1, 1)), floor=-5.0)[0, 0] == -5


def test_layers_by_hand():
    """One hidden rectifier: relu(x0 - x1) against 0."""
    layers = [
        (np.array([[1.0], [-1.0]], np.float32), np.zeros(1, np.float32)),
        (np.array([[1.0, 0.0]], np.float32), np.array([0.0, 1.0], np.float32)),
    ]
    model = FrameClassifier(0, layers, np.array([0, 1]), np.log([0.5, 0.5]))
    posteriors = np.exp(model.log_posteriors(np.array([[3.0, 1.0], [1.0, 3.0]])))
    assert posteriors[0].tolist() == pytest.approx([math.e**2 / (math.e**2 + math.e), math.e / (math.e**2 + math.e)])
    assert posteriors[1].tolist() == pytest.approx([1 / (1 + math.e), math.e / (1 + math.e)])
    assert model.num_parameters == 2 + 1 + 2 + 2


def test_extreme_features_stay_finite():
    scores = by_hand().scaled_likelihoods(np.array([[1e30], [-1e30], [3e4]]))
    assert np.isfinite(scores).all()


def test_losses_by_hand():
    log_posteriors = np.log([[0.5, 0.5], [0.25, 0.75], [0.9, 0.1]])
    found = losses(log_posteriors, np.array([1, 3]), np.array([1, 3, 3]))
    assert found.tolist() == pytest.approx([-math.log(0.5), -math.log(0.75), -math.log(0.1)])
    # Densities 0, 2 and 4 are outside of the classes and do not count.
    assert losses(log_posteriors, np.array([1, 3]), np.array([2, 3, 4])).tolist() == pytest.approx([-math.log(0.75)])
    assert losses(log_posteriors, np.array([1, 3]), np.array([0, 0, 1])).tolist() == pytest.approx([-math.log(0.9)])


def test_priors_by_hand():
    # Counts 2, 0, 1 and one more for each: 3, 1, 2 of 6.
    assert np.exp(log_priors(np.array([2, 0, 1]))).tolist() == pytest.approx([3 / 6, 1 / 6, 2 / 6])


def test_a_long_utterance_is_scored_piece_by_piece(data, speech, monkeypatch):
    trained = CLASSIFIERS["lda"](data["train"].frames, data["dev"].frames, 0, lambda *_: None)
    model, x = classifier(trained, data["train"].frames.counts), next(iter(speech.feats.values()))
    whole = model.log_posteriors(x)
    monkeypatch.setattr("pipeline.classifier.model.PIECE", 10)
    np.testing.assert_allclose(model.log_posteriors(x), whole, atol=1e-5)


def test_saved_and_loaded(tmp_path, data, speech):
    trained = CLASSIFIERS["lda"](data["train"].frames, data["dev"].frames, 0, lambda *_: None)
    model = classifier(trained, data["train"].frames.counts)
    model.save(tmp_path / "model.safetensors")
    again = load_frame_classifier(tmp_path / "model.safetensors")
    x = next(iter(speech.feats.values()))
    assert np.array_equal(model.scaled_likelihoods(x), again.scaled_likelihoods(x))
    assert again.context == CONTEXT and again.num_parameters == model.num_parameters == 6 * (5 * 39) + 6


def test_candidates_side_by_side() -> None:
    model = FrameClassifier(0, [(np.zeros((39, 30)), np.zeros(30))], np.arange(30), np.zeros(30))
    lda, mlp = (Candidate(per, name, model, 60.0, 1.5, 1.1, 2.0) for per, name in ((33.333, "lda"), (12.5, "mlp")))
    head, first, second = (re.split("  +", line) for line in choice_table([lda, mlp], mlp))
    assert head[1:5] == ["dev free PER %", "dev frame accuracy %", "dev cross-entropy", "temperature"]
    assert first == ["lda", "33.33", "60.00", "1.5000", "1.10", "1,200", "2.0"]
    assert second == ["mlp", "12.50", "60.00", "1.5000", "1.10", "1,200", "2.0", "<- chosen"]


def test_principal_components_are_scikit_learns(data, in_pieces):
    weight, bias = by_pca(data["train"].frames, 30)
    theirs = PCA(30, whiten=True, svd_solver="full").fit(data["train"].x.astype(np.float64))
    ours, expected = data["dev"].x @ weight + bias, theirs.transform(data["dev"].x)
    expected *= np.sign((ours * expected).sum(0))
    np.testing.assert_allclose(ours, expected, atol=0.02 * np.abs(expected).max())
    through = np.concatenate([x for x, _ in data["dev"].frames.through((weight, bias)).pieces()])
    assert sorted(through[:, 0]) == pytest.approx(sorted(ours[:, 0]), abs=1e-4)  # blocks come in their own order


def test_discriminants_first_lose_nothing_that_a_linear_classifier_needs(data):
    """Six classes with one covariance are told apart in five dimensions as well as in 195."""
    train, dev = data["train"].frames, data["dev"].frames
    first = by_lda(train, 120)
    assert first[0].shape == (195, 5)
    layers, classes = CLASSIFIERS["lda"](train.through(first), dev.through(first), 0, lambda *_: None)
    model = classifier((folded(first, layers), classes), train.counts)
    theirs = LinearDiscriminantAnalysis(solver="svd").fit(data["train"].x, data["train"].y)
    found = model.of_spliced(data["dev"].x)
    assert (model.classes[found.argmax(1)] == theirs.predict(data["dev"].x)).mean() > 0.98


def test_the_temperature_makes_a_classifier_as_sure_as_it_is_right(tmp_path):
    """Of a thousand frames of each of two densities 80 % are right, and the classifier is sure of all to 99 %."""
    odds = math.log(99)
    model = FrameClassifier(
        0, [(np.array([[odds, 0.0]], np.float32), np.zeros(2, np.float32))], np.arange(2), np.ones(2)
    )
    x = np.tile(np.repeat([1.0, -1.0], [800, 200]), 2).astype(np.float32)[:, None]
    y = np.repeat([0, 1], 1000).astype(np.int32)
    x[1000:] = -x[1000:]
    dev = Frames(["u"], {"u": (x, y)}.get, 0, 2)
    found = temperature(model, dev)
    assert found == pytest.approx(odds / math.log(4), rel=0.01)
    cooler = calibrated(model, found)
    assert np.exp(cooler.log_posteriors(x)).max(1) == pytest.approx(0.8, abs=0.003)
    assert temperature(cooler, dev) == pytest.approx(1, rel=0.01)


def test_gold_phones_label_frames_where_there_are_some_and_the_alignment_elsewhere(speech, tmp_path) -> None:
    """The first utterance has gold labels: T in frames 10 to 13 and a click, which is no phone of the model, in 20 to
    25."""
    everything = np.concatenate(list(speech.feats.values())).astype(np.float64)
    hmms = flat_start(speech.phones, everything.mean(0), everything.var(0))
    (one, first), (two, second) = list(speech.feats.items())[:2]
    write_feats(tmp_path, {one: first, two: second})
    feats = Features(tmp_path, as_it_is())
    write_archive(
        tmp_path / "ali.scp", [(utt, np.full(len(x), 7, np.int32)) for utt, x in ((one, first), (two, second))]
    )
    seconds = [float(frame_to_seconds(frame)) for frame in (10, 13, 20, 25)]
    gold = {one: [Interval(*seconds[:2], "t"), Interval(*seconds[2:], "click")]}
    read = labelled(feats, Archive(tmp_path / "ali.scp"), 1, hmms, gold, {"t": "T"})
    x, y = zip(read(one), read(two))
    pdfs = hmms.transitions.decisions.pdfs
    assert (x[0] == first).all() and (y[1] == 7).all() and len(y[0]) == len(first)
    assert y[0][8:14].tolist() == [pdfs("SIL")[0]] * 2 + [*pdfs("T"), pdfs("SIL")[0]]
    assert y[0][20:25].tolist() == [7] * 5
    write_archive(tmp_path / "other.scp", [("another", np.zeros(9, np.int32))])
    with pytest.raises(UserError, match="other.scp: another has no features in .*feats.scp; align the set again"):
        labelled(feats, Archive(tmp_path / "other.scp"), 1, hmms, {}, {})
