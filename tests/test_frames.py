"""Frame classifiers against scikit-learn's own answers, and the hybrid's scores by hand."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from helpers.features import as_it_is, write_feats
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.neural_network import MLPClassifier

from lexicon.errors import UserError
from pipeline.base.archive import Archive, write_archive
from pipeline.classifier.candidates import Candidate, choice_table
from pipeline.classifier.labels import frame_labels
from pipeline.classifier.model import (
    CLASSIFIERS,
    FrameClassifier,
    FrameData,
    cross_entropy,
    frame_data,
    load_frame_classifier,
    log_priors,
    train_mlp,
)
from pipeline.datadir.feats import Features
from pipeline.hmm.gmm import flat_start
from pipeline.sound.front_end import splice
from pipeline.times.clock import frame_to_seconds
from pipeline.times.intervals import Interval

CONTEXT = 2


@pytest.fixture(scope="module")
def data(speech) -> dict[str, FrameData]:
    """Real frames with labels that can be learnt: which of six ranges of loudness (C0), densities 1, 3, ... 11."""
    feats = list(speech.feats.values())
    edges = np.quantile(np.concatenate(feats)[:, 0], [0.1, 0.3, 0.5, 0.7, 0.9])
    labels = [(2 * np.searchsorted(edges, x[:, 0]) + 1).astype(np.int32) for x in feats]
    return {"train": frame_data(feats[:18], labels[:18], CONTEXT), "dev": frame_data(feats[18:], labels[18:], CONTEXT)}


def classifier(trained, num_pdfs: int, labels: np.ndarray) -> FrameClassifier:
    layers, classes = trained
    return FrameClassifier(CONTEXT, layers, classes, log_priors(labels, num_pdfs))


def standardised(data: dict[str, FrameData], name: str) -> np.ndarray:
    x = data["train"].x
    return (data[name].x - x.mean(0)) / (x.std(0) + 1e-6)


def scikit(name: str, data: dict[str, FrameData]):
    """The same scikit-learn model, trained and asked without our code: the model and its log posteriors on dev."""
    train = data["train"]
    if name == "lda":
        model = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=1e-3).fit(train.x, train.y)
        return model, model.predict_log_proba(data["dev"].x)
    x = standardised(data, "train")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        if name == "logistic":  # every third frame
            model = LogisticRegression(C=0.01, max_iter=30, tol=1e-3).fit(x[::3], train.y[::3])
        else:  # the first epoch of seed 3
            model = MLPClassifier((16, 12), batch_size=256, alpha=1e-3, max_iter=1, random_state=4).fit(x, train.y)
    return model, model.predict_log_proba(standardised(data, "dev"))


@pytest.mark.parametrize("name", ["lda", "logistic", "mlp"])
def test_posteriors_are_scikit_learns(name, data, speech):
    options = {"hidden": (16, 12), "max_epochs": 1} if name == "mlp" else {}
    trained = CLASSIFIERS[name](data["train"], data["dev"], 3, lambda text: None, **options)
    model = classifier(trained, 12, data["train"].y)
    theirs, expected = scikit(name, data)
    dev_utterances = list(speech.feats.values())[18:]
    found = np.concatenate([model.log_posteriors(x) for x in dev_utterances])
    assert model.classes.tolist() == theirs.classes_.tolist() == [1, 3, 5, 7, 9, 11]
    np.testing.assert_allclose(np.exp(found), np.exp(expected), atol=2e-4)
    np.testing.assert_allclose(np.exp(found).sum(1), 1, atol=1e-5)
    assert (found.argmax(1) == expected.argmax(1)).mean() > 0.999
    shares = np.exp(expected.astype(np.float64))
    assert cross_entropy(found, model.classes, data["dev"].y) == pytest.approx(
        log_loss(data["dev"].y, shares / shares.sum(1, keepdims=True), labels=theirs.classes_), abs=2e-3
    )
    assert (
        theirs.predict(data["dev"].x if name == "lda" else standardised(data, "dev")) == model.classes[found.argmax(1)]
    ).mean() > 0.999


def test_the_perceptron_keeps_its_best_epoch_and_stops(data):
    said: list[str] = []
    trained = train_mlp(data["train"], data["dev"], 0, said.append, hidden=(16,), max_epochs=40, least_gain=0.02)
    entropies = [float(line.split()[-1]) for line in said]
    rates = [float(line.split("learning rate ")[1].split(",")[0]) for line in said]
    assert said[0].startswith("mlp: epoch 1, learning rate 0.001, dev cross-entropy")
    assert 3 < len(said) < 40 and rates[0] == 1e-3 and rates[-1] < 1e-3
    assert all(
        after == before or after == pytest.approx(before / 2, rel=0.01) for before, after in zip(rates, rates[1:])
    )
    model = FrameClassifier(0, *trained, np.zeros(12))
    assert cross_entropy(model.log_posteriors(data["dev"].x), trained[1], data["dev"].y) == pytest.approx(
        min(entropies), abs=1e-3
    )
    again = train_mlp(data["train"], data["dev"], 0, lambda line: None, hidden=(16,), max_epochs=40, least_gain=0.02)
    assert all(np.array_equal(a, b) for one, two in zip(trained[0], again[0]) for a, b in zip(one, two))


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


def test_cross_entropy_by_hand():
    log_posteriors = np.log([[0.5, 0.5], [0.25, 0.75], [0.9, 0.1]])
    assert cross_entropy(log_posteriors, np.array([1, 3]), np.array([1, 3, 3])) == pytest.approx(
        -(math.log(0.5) + math.log(0.75) + math.log(0.1)) / 3
    )
    # Densities 0, 2 and 4 are outside of the classes and do not count.
    assert cross_entropy(log_posteriors, np.array([1, 3]), np.array([2, 3, 4])) == pytest.approx(-math.log(0.75))
    assert cross_entropy(log_posteriors, np.array([1, 3]), np.array([0, 0, 1])) == pytest.approx(-math.log(0.9))


def test_priors_by_hand():
    # Counts 2, 0, 1 and one more for each: 3, 1, 2 of 6.
    assert np.exp(log_priors(np.array([0, 0, 2]), 3)).tolist() == pytest.approx([3 / 6, 1 / 6, 2 / 6])


def test_frame_data_does_not_mix_utterances():
    one, two = np.ones((3, 2), np.float32), np.full((2, 2), 5, np.float32)
    data = frame_data([one, two], [np.array([0, 1, 2]), np.array([1, 1])], 1)
    assert data.x.shape == (5, 6) and data.y.tolist() == [0, 1, 2, 1, 1]
    assert set(data.x[:3].ravel()) == {1} and set(data.x[3:].ravel()) == {5}
    assert np.array_equal(splice(one, 1), data.x[:3])


def test_saved_and_loaded(tmp_path, data, speech):
    trained = CLASSIFIERS["lda"](data["train"], data["dev"], 0, lambda text: None)
    model = classifier(trained, 12, data["train"].y)
    model.save(tmp_path / "model.safetensors")
    again = load_frame_classifier(tmp_path / "model.safetensors")
    x = next(iter(speech.feats.values()))
    assert np.array_equal(model.scaled_likelihoods(x), again.scaled_likelihoods(x))
    assert again.context == CONTEXT and again.num_parameters == model.num_parameters == 6 * (5 * 39) + 6


def test_candidates_side_by_side() -> None:
    model = FrameClassifier(0, [(np.zeros((39, 30)), np.zeros(30))], np.arange(30), np.zeros(30))
    lda, mlp = (Candidate(per, name, model, 60.0, 1.5, 2.0) for per, name in ((33.333, "lda"), (12.5, "mlp")))
    assert choice_table([lda, mlp], mlp) == [
        "classifier  dev free PER %  dev frame accuracy %  dev cross-entropy  parameters  seconds",
        "lda                  33.33                 60.00             1.5000       1,200      2.0",
        "mlp                  12.50                 60.00             1.5000       1,200      2.0  <- chosen",
    ]


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
    x, y = frame_labels(feats, Archive(tmp_path / "ali.scp"), 1, hmms, gold, {"t": "T"})
    pdfs = hmms.transitions.decisions.pdfs
    assert (x[0] == first).all() and (y[1] == 7).all() and len(y[0]) == len(first)
    assert y[0][8:14].tolist() == [pdfs("SIL")[0]] * 2 + [*pdfs("T"), pdfs("SIL")[0]]
    assert y[0][20:25].tolist() == [7] * 5
    write_archive(tmp_path / "other.scp", [("another", np.zeros(9, np.int32))])
    with pytest.raises(UserError, match="other.scp: another has no features in .*feats.scp; align the set again"):
        frame_labels(feats, Archive(tmp_path / "other.scp"), 1, hmms, {}, {})
