"""Phone models against hmmlearn: as objects, as files that numpy and hmmlearn alone can use, and step by step."""

from __future__ import annotations

import numpy as np
import pytest
from hmmlearn.hmm import GMMHMM
from safetensors.numpy import load_file
from scipy.stats import multivariate_normal

from pipeline.hmm.em import accumulate, maximise
from pipeline.hmm.gmm import GmmHmm, batches, flat_start, load_gmm
from pipeline.hmm.graphs import Graph, best_path, posteriors, utterance_graph
from pipeline.hmm.topology import PhoneTopology


def random_model(phones: list[str], mixes: list[int], dim: int, seed: int = 0) -> GmmHmm:
    """Phone models with random Gaussians, ``mixes`` of them in each state of each phone."""
    rng = np.random.default_rng(seed)
    model = flat_start(phones, np.zeros(dim), np.ones(dim))
    sizes = [mix for phone, mix in zip(phones, mixes) for _ in range(model.transitions.num_states(phone))]
    model.bounds = np.cumsum([0, *sizes])
    model.weights = np.concatenate([rng.dirichlet(np.full(size, 3.0)) for size in sizes])
    model.means = rng.normal(size=(sum(sizes), dim)) * 2
    model.variances = rng.uniform(0.3, 2, (sum(sizes), dim))
    for phone in phones:
        old = model.transitions.topologies[phone]
        stay = rng.uniform(0.5, 1.5, old.trans.shape) * old.trans
        leave = rng.uniform(0.5, 1.5, len(old.exit)) * old.exit
        total = stay.sum(1) + leave
        model.transitions.set(phone, PhoneTopology(old.start, stay / total[:, None], leave / total))
    return model


def staying_inside(model: GmmHmm, phone: str) -> tuple[Graph, np.ndarray]:
    """The phone as hmmlearn sees it: no exit, rows of transitions that sum to one, any state may be the last."""
    theirs, n = model.to_hmmlearn(phone), model.transitions.num_states(phone)
    first = model.transitions.decisions.pdfs(phone)[0]
    with np.errstate(divide="ignore"):
        start, trans = np.maximum(np.log(theirs.startprob_), -1e30), np.maximum(np.log(theirs.transmat_), -1e30)
    graph = Graph(
        first + np.arange(n),
        start,
        np.zeros(n),
        np.full(n, -1),
        np.repeat(np.arange(n), n),
        np.tile(np.arange(n), n),
        np.arange(n * n),
        np.zeros(n * n),
        np.zeros(n, int),
        [(phone, 0)],
    )
    return graph, trans.ravel()


def test_densities_equal_scipys():
    model = random_model(["SIL", "AH"], [2, 3], 4)
    x = np.random.default_rng(1).normal(size=(7, 4)) * 3
    expected = np.zeros((7, 8))
    for pdf in range(8):
        for row in range(model.bounds[pdf], model.bounds[pdf + 1]):
            expected[:, pdf] += model.weights[row] * multivariate_normal.pdf(
                x, model.means[row], np.diag(model.variances[row])
            )
    np.testing.assert_allclose(model.log_likelihood(x), np.log(expected), atol=1e-10)
    np.testing.assert_allclose(model.log_likelihood(x, np.array([6, 0])), np.log(expected[:, [6, 0]]), atol=1e-10)
    assert model.num_parameters == 2 * (5 * 2 + 3 * 3) * 4 + 19 + (4 + 3 * 4 + 2) + 6


def test_a_gaussian_of_weight_zero_adds_nothing():
    model = random_model(["AH"], [2], 3)
    alone = model.log_likelihood(np.ones((2, 3)), np.array([1]))
    model.weights[2:4] = 1, 0
    lone = random_model(["AH"], [2], 3)
    lone.weights[2:4] = 1, 1e-300
    found = model.log_likelihood(np.ones((2, 3)), np.array([1]))
    np.testing.assert_allclose(found, lone.log_likelihood(np.ones((2, 3)), np.array([1])))
    assert not np.array_equal(found, alone) and np.isfinite(found).all()


@pytest.mark.parametrize("phone", ["SIL", "AH", "B"])
def test_hmmlearn_scores_and_decodes_the_same(phone):
    model = random_model(["SIL", "AH", "B"], [4, 3, 1], 5)
    theirs = model.to_hmmlearn(phone)
    assert isinstance(theirs, GMMHMM)
    x = np.random.default_rng(2).normal(size=(40, 5)) * 2
    graph, log_probs = staying_inside(model, phone)
    arguments = graph, model.log_likelihood(x, graph.pdf), np.arange(len(graph.pdf)), log_probs
    gamma, total, _ = posteriors(*arguments)
    assert theirs.score(x) == pytest.approx(total, abs=1e-8)
    np.testing.assert_allclose(theirs.predict_proba(x), gamma, atol=1e-9)
    path, best = best_path(*arguments)
    score, states = theirs.decode(x)
    assert score == pytest.approx(best, abs=1e-8) and states.tolist() == path.tolist()


def test_hmmlearn_samples_from_a_phone():
    model = random_model(["AH"], [2], 3)
    x, states = model.to_hmmlearn("AH").sample(4000, random_state=0)
    assert x.shape == (4000, 3) and (np.diff(states) >= 0).all() and states[-1] == 2  # left to right; the last absorbs
    last = x[states == 2]
    expected = model.weights[4:6] @ model.means[4:6]
    np.testing.assert_allclose(last.mean(0), expected, atol=0.15)


def test_saved_and_loaded(tmp_path):
    model = random_model(["SIL", "AH", "ZH"], [4, 1, 3], 6)
    model.save(tmp_path / "model.safetensors")
    again = load_gmm(tmp_path / "model.safetensors")
    for name in ("bounds", "weights", "means", "variances", "floor"):
        assert np.array_equal(getattr(model, name), getattr(again, name)), name
    assert again.transitions.phones == model.transitions.phones
    # The file holds hmmlearn's rows, conditioned on staying: undoing that may cost the last bit.
    np.testing.assert_allclose(again.transitions.log_probs, model.transitions.log_probs, rtol=1e-14, atol=1e-14)
    again.save(tmp_path / "again.safetensors")
    x = np.random.default_rng(3).normal(size=(30, 6))
    assert np.array_equal(model.log_likelihood(x), load_gmm(tmp_path / "again.safetensors").log_likelihood(x))
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["again.safetensors", "model.safetensors"]


def test_safetensors_and_hmmlearn_alone_can_use_the_file(tmp_path):
    model = random_model(["SIL", "AH"], [2, 3], 4)
    model.save(tmp_path / "model.safetensors")
    arrays = load_file(tmp_path / "model.safetensors")
    n, mix, _ = arrays["AH.means"].shape
    theirs = GMMHMM(n_components=n, n_mix=mix, covariance_type="diag")
    theirs.startprob_, theirs.transmat_ = arrays["AH.startprob"], arrays["AH.transmat"]
    theirs.weights_, theirs.means_, theirs.covars_ = arrays["AH.weights"], arrays["AH.means"], arrays["AH.covars"]
    x = np.random.default_rng(4).normal(size=(25, 4))
    assert theirs.score(x) == model.to_hmmlearn("AH").score(x)
    assert theirs.sample(10, random_state=1)[0].shape == (10, 4)


def test_one_mixture_step_equals_hmmlearns():
    """Weights, means and transitions of one EM step with three Gaussians a state.

    hmmlearn's variances are deviations from the old means where maximum likelihood (and ours) takes the new ones, so
    the two agree at a fixed point only: there they are compared, at the end.
    """
    rng = np.random.default_rng(5)
    model = random_model(["SIL"], [3], 4)
    model.floor[:] = 0
    trans = rng.dirichlet(np.ones(5), 5)
    model.transitions.set("SIL", PhoneTopology(np.full(5, 0.2), trans, np.zeros(5)))
    theirs = model.to_hmmlearn("SIL")
    theirs.n_iter, theirs.params, theirs.covars_prior, theirs.covars_weight = 1, "tmcw", -1.5, 0.0
    utterances = {str(n): rng.normal(size=(n, 4)) * 2 for n in (60, 110, 160)}
    identity = [model.transitions.transition_id("SIL", i, j) for i in range(5) for j in range(5)]
    graph = Graph(
        np.arange(5),
        np.log(np.full(5, 0.2)),
        np.zeros(5),
        np.full(5, -1),
        np.repeat(np.arange(5), 5),
        np.tile(np.arange(5), 5),
        np.array(identity),
        np.zeros(25),
        np.zeros(5, int),
        [("SIL", -1)],
    )
    lengths = {utt: len(x) for utt, x in utterances.items()}
    x = np.concatenate(list(utterances.values()))
    before = theirs.score(x, list(lengths.values()))
    stats = accumulate(model, dict.fromkeys(utterances, graph), utterances, [list(utterances)])
    maximise(model, stats)
    theirs.fit(x, list(lengths.values()))
    assert stats.log_likelihood == pytest.approx(before, abs=1e-8) and stats.counts.min() > 1
    np.testing.assert_allclose(model.weights.reshape(5, 3), theirs.weights_, atol=1e-10)
    np.testing.assert_allclose(model.means.reshape(5, 3, 4), theirs.means_, atol=1e-10)
    np.testing.assert_allclose(model.transitions.topologies["SIL"].trans, theirs.transmat_, atol=1e-10)
    for _ in range(250):
        maximise(model, accumulate(model, dict.fromkeys(utterances, graph), utterances, [list(utterances)]))
    converged = model.to_hmmlearn("SIL")
    converged.n_iter, converged.params, converged.covars_prior, converged.covars_weight = 1, "c", -1.5, 0.0
    converged.fit(x, list(lengths.values()))
    np.testing.assert_allclose(model.variances.reshape(5, 3, 4), converged.covars_, rtol=1e-3)


def test_batches_hold_every_utterance_once(monkeypatch):
    monkeypatch.setattr("pipeline.hmm.gmm.BATCH_CELLS", 2000)
    transitions = flat_start(["SIL", "AH"], np.zeros(1), np.ones(1)).transitions
    graph = utterance_graph(["A"], {"A": [(1.0, ("AH",))]}, transitions)  # 13 states
    lengths = {f"u{n}": n for n in (3, 50, 20, 20, 70, 500)} | {"v20": 20}
    found = list(batches(list(lengths), dict.fromkeys(lengths, graph), lengths))
    assert sorted(utt for batch in found for utt in batch) == sorted(lengths)
    assert found[0] == ["u500"]  # too large for any company
    for batch in found[1:]:
        assert sum(lengths[utt] for utt in batch) * 13 <= 2000
