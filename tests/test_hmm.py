"""Forward-backward and Viterbi against hmmlearn, and against trying every path."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from helpers.hmms import PHONES, phone_sequences, small_transitions, state_paths
from hmmlearn.hmm import CategoricalHMM

from lexicon.errors import UserError
from pipeline.hmm.graphs import SILENCE_PROB, Graph, best_path, posteriors, utterance_graph
from pipeline.hmm.topology import LOG_ZERO, Transitions, phone_topology, silence_topology

LEXICON = {"A": [(1.0, ("AH",))], "BAT": [(1.0, ("B", "AH", "T")), (0.4, ("B", "T"))], "TA": [(0.5, ("T", "AH"))]}


@pytest.fixture(params=["scaled", "exact"])
def way(request, monkeypatch) -> str:
    """Both ways of the forward-backward pass: the exact one is taken where the scaled one has no room."""
    if request.param == "exact":
        monkeypatch.setattr("pipeline.hmm.graphs.BLOCK_CELLS", 0)
    return request.param


@pytest.mark.parametrize(
    "words,length,silence",
    [
        (["A"], 1, True),
        (["A"], 4, True),
        (["BAT"], 6, False),
        (["BAT", "A"], 7, True),
        (["TA", "BAT"], 7, True),
        (["TA", "A"], 5, False),
        ([], 3, True),
    ],
)
def test_sum_maximum_and_posteriors_by_trying_all_paths(way, words, length, silence):
    rng = np.random.default_rng(length)
    transitions = small_transitions(rng)
    frames = rng.normal(size=(length, transitions.decisions.num_pdfs)) * 2
    scores, densities, said = [], [], []
    for prior, phones in phone_sequences(words, LEXICON, SILENCE_PROB if silence else 0):
        for score, pdfs, owners in state_paths(transitions, phones, length):
            scores.append(prior + score + frames[np.arange(length), pdfs].sum())
            densities.append(pdfs)
            said.append([phones[index] for index, _ in itertools.groupby(owners)])
    graph = utterance_graph(words, LEXICON, transitions, silence)
    found, total, counts = posteriors(graph, frames, graph.pdf, transitions.log_probs)
    assert total == pytest.approx(np.logaddexp.reduce(scores), abs=1e-9)
    share = np.exp(np.array(scores) - total)
    expected = np.zeros((length, transitions.decisions.num_pdfs))
    for weight, pdfs in zip(share, densities):
        expected[np.arange(length), pdfs] += weight
    np.testing.assert_allclose(found, expected, atol=1e-9)
    assert counts.sum() == pytest.approx(length, abs=1e-9)  # each frame is left once, the last through an exit
    path, best = best_path(graph, frames, graph.pdf, transitions.log_probs)
    winner = int(np.argmax(scores))
    assert best == pytest.approx(scores[winner], abs=1e-9)
    assert graph.pdf[path].tolist() == densities[winner]
    assert [graph.phones[k] for k, _ in itertools.groupby(graph.instance[path].tolist())] == said[winner]


def test_transition_counts_by_trying_all_paths(way):
    transitions = small_transitions(np.random.default_rng(3))
    frames = np.random.default_rng(4).normal(size=(5, transitions.decisions.num_pdfs))
    graph = utterance_graph(["A", "A"], LEXICON, transitions, silence=False)
    _, total, counts = posteriors(graph, frames, graph.pdf, transitions.log_probs)
    first, expected = transitions.decisions.pdfs("AH")[0], np.zeros((2, 3))
    for score, pdfs, owners in state_paths(transitions, [("AH", 0), ("AH", 1)], 5):
        weight = math.exp(score + frames[np.arange(5), pdfs].sum() - total)
        for t in range(5):
            leaves = t == 4 or owners[t + 1] != owners[t]
            expected[pdfs[t] - first, 2 if leaves else pdfs[t + 1] - first] += weight
    begin = transitions.first_id["AH"]
    np.testing.assert_allclose(counts[begin : begin + 6].reshape(2, 3), expected, atol=1e-12)
    assert counts.sum() == pytest.approx(5)


def ergodic(start: np.ndarray, trans: np.ndarray) -> tuple[Graph, np.ndarray]:
    """An HMM as hmmlearn has it, without an exit, as a Graph with its log probabilities."""
    n = len(start)
    graph = Graph(
        np.arange(n),
        np.log(start),
        np.zeros(n),
        np.full(n, -1),
        np.repeat(np.arange(n), n),
        np.tile(np.arange(n), n),
        np.arange(n * n),
        np.zeros(n * n),
        np.zeros(n, int),
        [("AH", 0)],
    )
    return graph, np.log(trans).ravel()


def test_equals_hmmlearn_on_long_observations():
    rng = np.random.default_rng(5)
    start, trans, emit = rng.dirichlet(np.ones(6)), rng.dirichlet(np.ones(6), 6), rng.dirichlet(np.ones(9), 6)
    theirs = CategoricalHMM(6, init_params="")
    theirs.startprob_, theirs.transmat_, theirs.emissionprob_ = start, trans, emit
    theirs.n_features = 9
    symbols = rng.integers(0, 9, (400, 1))
    graph, log_probs = ergodic(start, trans)
    scores = np.log(emit[:, symbols[:, 0]]).T
    gamma, total, _ = posteriors(graph, scores, graph.pdf, log_probs)
    assert total == pytest.approx(theirs.score(symbols), abs=1e-8)
    np.testing.assert_allclose(gamma, theirs.predict_proba(symbols), atol=1e-9)
    path, best = best_path(graph, scores, graph.pdf, log_probs)
    their_best, their_path = theirs.decode(symbols)
    assert best == pytest.approx(their_best, abs=1e-8) and path.tolist() == their_path.tolist()


@pytest.mark.parametrize("frames", [30, 31, 59, 60, 61, 90])
def test_blocks_change_nothing(frames, monkeypatch):
    """Long utterances are gone through in blocks of frames, of which the last may be shorter."""
    rng = np.random.default_rng(6)
    transitions = small_transitions(rng)
    graph = utterance_graph(["A", "BAT", "TA"], LEXICON, transitions)
    scores, columns = rng.normal(size=(frames, len(graph.pdf))) * 3, np.arange(len(graph.pdf))
    monkeypatch.setattr("pipeline.hmm.graphs.BLOCK_CELLS", 0)  # the exact way
    monkeypatch.setattr("pipeline.hmm.graphs._block", lambda frames, states: frames)
    whole = (
        *posteriors(graph, scores, columns, transitions.log_probs),
        *best_path(graph, scores, columns, transitions.log_probs),
    )
    np.testing.assert_allclose(whole[0].sum(1), 1, atol=1e-9)
    for size in (1, 2, 7, 15, 30, 60):
        monkeypatch.setattr("pipeline.hmm.graphs._block", lambda frames, states: size)
        parts = (
            *posteriors(graph, scores, columns, transitions.log_probs),
            *best_path(graph, scores, columns, transitions.log_probs),
        )
        assert all(np.array_equal(a, b) for a, b in zip(whole, parts))


def test_a_path_that_looked_hopeless_is_found():
    """For 20 frames the first state explains everything, but who stays there cannot go on; the path that is right is
    10,000 nats behind until then. The scaled way gives it up, has nothing at the end, and the exact one is asked."""
    transitions = Transitions(PHONES, {p: silence_topology() if p == "SIL" else phone_topology() for p in PHONES})
    graph = utterance_graph(["A"], LEXICON, transitions, silence=False)
    scores = np.zeros((30, 3))
    scores[20:, 0], scores[:10, 1], scores[10:, 1], scores[:20, 2] = -1e6, -1e3, LOG_ZERO, -1e3
    arguments = graph, scores, np.arange(3), transitions.log_probs
    gamma, total, counts = posteriors(*arguments)
    path, best = best_path(*arguments)
    assert path.tolist() == gamma.argmax(1).tolist() == [0] * 9 + [1] + [2] * 20
    assert total == pytest.approx(best) and counts.sum() == pytest.approx(30)


def test_too_few_frames_is_no_path():
    transitions = Transitions(PHONES, {p: silence_topology() if p == "SIL" else phone_topology() for p in PHONES})
    graph = utterance_graph(["BAT"], LEXICON, transitions)
    scores = np.random.default_rng(7).normal(size=(5, len(graph.pdf)))  # B T alone wants six frames
    arguments = graph, scores, np.arange(len(graph.pdf)), transitions.log_probs
    gamma, total, counts = posteriors(*arguments)
    assert total < LOG_ZERO / 2 and not gamma.any() and not counts.any()
    assert best_path(*arguments)[1] < LOG_ZERO / 2


def test_scores_of_any_size_stay_finite():
    transitions = Transitions(PHONES, {p: silence_topology() if p == "SIL" else phone_topology() for p in PHONES})
    graph = utterance_graph(["BAT"], LEXICON, transitions)
    for size in (1e4, -1e4):
        scores = np.full((3000, len(graph.pdf)), size) + np.random.default_rng(8).normal(size=(3000, len(graph.pdf)))
        gamma, total, counts = posteriors(graph, scores, np.arange(len(graph.pdf)), transitions.log_probs)
        assert total == pytest.approx(3000 * size, rel=1e-2)
        np.testing.assert_allclose(gamma.sum(1), 1, atol=1e-6)
        assert counts.sum() == pytest.approx(3000, rel=1e-6)


@pytest.mark.parametrize("topology", [phone_topology(), silence_topology()])
def test_topologies_are_distributions(topology):
    assert topology.start.sum() == 1
    assert (topology.trans.sum(1) + topology.exit).tolist() == pytest.approx([1.0] * len(topology.start))


def test_transitions_become_relative_counts():
    transitions = Transitions(["SIL", "AH"], {"SIL": silence_topology(), "AH": phone_topology()})
    counts = np.zeros_like(transitions.log_probs)
    counts[transitions.transition_id("AH", 0, 0)], counts[transitions.transition_id("AH", 0, 1)] = 30, 10
    counts[transitions.transition_id("AH", 2, 2)] = 5  # its exit (transition 3) was never seen
    transitions.reestimate(counts)
    after = transitions.topologies["AH"]
    assert after.trans[0].tolist() == pytest.approx([0.75, 0.25, 0])
    assert after.trans[1].tolist() == [0, 0.75, 0.25]  # nobody was there: as before
    assert after.trans[2, 2] + after.exit[2] == pytest.approx(1) and after.exit[2] == pytest.approx(1e-4, rel=1e-3)
    assert transitions.log_probs[transitions.transition_id("AH", 0, 1)] == pytest.approx(math.log(0.25))
    assert transitions.log_probs[transitions.transition_id("AH", 0, 2)] == LOG_ZERO
    assert transitions.decisions.num_pdfs == 8 and transitions.decisions.phones_of == [("SIL",)] * 5 + [("AH",)] * 3


def test_a_word_without_pronunciation_is_named():
    transitions = small_transitions(np.random.default_rng(0))
    with pytest.raises(UserError, match='word "BOO" is not in lexicon.txt; add it'):
        utterance_graph(["A", "BOO"], LEXICON, transitions)
