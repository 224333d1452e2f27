"""Densities that depend on the phones beside a phone, by a hand-made tree, against trying every path."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np
import pytest
from helpers.features import as_it_is
from helpers.graphs import (
    DELTA,
    EVERYTHING,
    LEXICON,
    best_by_sentence,
    check_word_search,
    grammar,
    lattice_of,
    score_of,
    try_all_hmm,
)
from helpers.hmms import PHONES, TREE, phone_sequences, small_transitions, state_paths, tree_density
from helpers.models import model_of
from hmmlearn.hmm import GMMHMM
from scipy.special import logsumexp

from lexicon.errors import UserError
from lexicon.ngram import estimate
from pipeline.align.gop import phone_models
from pipeline.base.arrays import read_arrays, write_arrays
from pipeline.classifier.labels import gold_states
from pipeline.hmm.decisions import EDGE, Decisions, Question, monophones
from pipeline.hmm.em import Schedule, train
from pipeline.hmm.gmm import load_gmm
from pipeline.hmm.graphs import SILENCE_PROB, best_path, posteriors, utterance_graph
from pipeline.hmm.topology import Transitions
from pipeline.search.graph import AnswerGraphs, linear_graph, phone_loop
from pipeline.search.posteriors import log_phone_posteriors, phone_labels
from pipeline.search.system import System
from pipeline.search.topology import hmm_topology
from pipeline.search.wfst import Beams, SearchGraph, best_segments, search
from pipeline.times.clock import frame_to_seconds
from pipeline.times.intervals import Interval

CONTEXTS = [EDGE, *PHONES]


def test_the_tree_says_what_it_says_by_hand():
    assert (TREE.width, TREE.num_pdfs, TREE.plain) == (3, 11, False)
    for left, phone, right in itertools.product(CONTEXTS, PHONES, CONTEXTS):
        assert TREE.pdfs(phone, left, right) == tuple(tree_density(left, phone, right, state) for state in (0, 1))
    assert TREE.phones_of[6] == TREE.phones_of[9] == ("B", "T") and TREE.phones_of[10] == ("T",)
    assert TREE.pdfs_of("AH") == [2, 3, 4, 7, 8] and TREE.state_of("AH", 8) == 1
    assert TREE.pdfs("AH", "a cough") == TREE.pdfs("AH", EDGE)
    groups = TREE.groups("AH", {"B", "SIL", "T"}, {"T", "SIL", "", "B"})
    assert [(g.pdfs, sorted(g.lefts), sorted(g.rights)) for g in groups] == [
        ((2, 4), ["B", "T"], ["", "SIL"]),
        ((2, 8), ["B", "T"], ["B"]),
        ((2, 3), ["B", "T"], ["T"]),
        ((7, 4), ["SIL"], ["", "SIL"]),
        ((7, 8), ["SIL"], ["B"]),
        ((7, 3), ["SIL"], ["T"]),
    ]


def test_monophones_are_the_tree_without_questions():
    decisions = monophones({"SIL": 5, "AH": 3})
    assert (decisions.width, decisions.num_pdfs, decisions.plain) == (1, 8, True)
    assert decisions.pdfs("AH") == decisions.pdfs("AH", "SIL", "AH") == (5, 6, 7)
    assert decisions.phones_of == [("SIL",)] * 5 + [("AH",)] * 3
    assert not Decisions({"A": [1], "B": [0]}, [0, 1]).plain  # numbered otherwise


@pytest.mark.parametrize(
    "roots,nodes",
    [
        ({"A": (0,)}, [Question("left", {"A"}, 0, 1), 0]),
        ({"A": (0,)}, [Question("left", {"A"}, 1, 2), 0]),
        ({"A": (0,)}, [1]),
        ({"A": (0,)}, [Question("phone", {"A"}, 1, 2), 0, 1]),
    ],
    ids=["circle", "no such node", "no density 0", "a density that no phone reads"],
)
def test_what_is_no_tree(roots, nodes):
    with pytest.raises(ValueError):
        Decisions(roots, nodes)


def test_a_tree_is_for_the_phones_and_states_that_it_was_made_for():
    with pytest.raises(ValueError, match="other phones, or other numbers of states"):
        small_transitions(np.random.default_rng(0), monophones({"SIL": 5, "AH": 3, "B": 3, "T": 3}))


@pytest.mark.parametrize(
    "words,length,silence",
    [(["A"], 4, True), (["BAT", "A"], 6, False), (["A", "BAT"], 7, True), (["TA", "AT"], 7, True), ([], 3, True)],
)
def test_utterance_graphs_by_trying_all_paths(words, length, silence):
    """Sum, maximum and posteriors of paths whose densities are looked up phone by phone, with pauses or without."""
    rng = np.random.default_rng(length)
    transitions = small_transitions(rng, TREE)
    frames = rng.normal(size=(length, TREE.num_pdfs)) * 2
    scores, densities, said = [], [], []
    for prior, phones in phone_sequences(words, LEXICON, SILENCE_PROB if silence else 0):
        for score, pdfs, owners in state_paths(transitions, phones, length, tree_density):
            scores.append(prior + score + frames[np.arange(length), pdfs].sum())
            densities.append(pdfs)
            said.append([phones[index] for index, _ in itertools.groupby(owners)])
    graph = utterance_graph(words, LEXICON, transitions, silence)
    found, total, counts = posteriors(graph, frames, graph.pdf, transitions.log_probs)
    assert total == pytest.approx(np.logaddexp.reduce(scores), abs=1e-9)
    expected = np.zeros_like(frames)
    for weight, pdfs in zip(np.exp(np.array(scores) - total), densities):
        expected[np.arange(length), pdfs] += weight
    np.testing.assert_allclose(found, expected, atol=1e-9)
    assert counts.sum() == pytest.approx(length, abs=1e-9)
    path, best = best_path(graph, frames, graph.pdf, transitions.log_probs)
    winner = int(np.argmax(scores))
    assert best == pytest.approx(scores[winner], abs=1e-9) and graph.pdf[path].tolist() == densities[winner]
    assert [graph.phones[k] for k, _ in itertools.groupby(graph.instance[path].tolist())] == said[winner]


def random_tree(rng: np.random.Generator) -> Decisions:
    """Any questions, about anything, in any order; some roots are shared."""
    nodes: list[Question | int] = []

    def node(depth: int) -> int:
        here = len(nodes)
        nodes.append(here)  # a leaf; densities are numbered below
        if depth and rng.random() < 0.8:
            about = str(rng.choice(["left", "right", "left", "right", "phone", "state"]))
            choices = [0, 1] if about == "state" else CONTEXTS
            among = {one for one in choices if rng.random() < 0.5}
            nodes[here] = Question(about, among, node(depth - 1), node(depth - 1))
        return here

    firsts = [node(3) for _ in range(5)]
    roots = {phone: tuple(rng.choice(firsts, 2).tolist()) for phone in PHONES}
    read = {walk(roots, nodes, *one) for one in itertools.product(CONTEXTS, PHONES, CONTEXTS, (0, 1))}
    number = {leaf: int(n) for leaf, n in zip(sorted(read), rng.permutation(len(read)))}
    return Decisions(roots, [n if isinstance(n, Question) else number.get(n, 0) for n in nodes])


def walk(roots: dict, nodes: list, left: str, phone: str, right: str, state: int) -> int:
    """The density of one state, question by question."""
    node = nodes[roots[phone][state]]
    while isinstance(node, Question):
        known = {"left": left, "phone": phone, "right": right, "state": state}[node.about]
        node = nodes[node.yes if known in node.among else node.no]
    return node


@pytest.mark.parametrize("seed", range(8))
def test_any_tree_gives_the_sums_and_sentences_that_trying_everything_gives(seed):
    rng = np.random.default_rng(seed)
    tree = random_tree(rng)
    transitions = small_transitions(rng, tree)
    frames = rng.normal(size=(4, tree.num_pdfs)).astype(np.float32) * 2

    def density(*one) -> int:
        return walk(tree.roots, tree.nodes, *one)

    for words in (["TA"], ["A", "BAT"], ["A", "A", "TA"]):
        graph = utterance_graph(words, LEXICON, transitions)
        _, total, _ = posteriors(graph, frames, graph.pdf, transitions.log_probs)
        scores = [
            prior + score + frames[np.arange(4), pdfs].sum(dtype=float)
            for prior, phones in phone_sequences(words, LEXICON, SILENCE_PROB)
            for score, pdfs, _ in state_paths(transitions, phones, 4, density)
        ]
        assert total == pytest.approx(np.logaddexp.reduce(scores), abs=1e-5)
    lm = grammar(LEXICON)
    every = try_all_hmm(transitions, LEXICON, lm, frames, 0.7, 0.3, 0.5, 4, density)
    found = best_by_sentence(lattice_of(hmm_topology(transitions), LEXICON, lm, frames, 0.7, 0.3, 0.5))
    assert found.keys() == every.keys()
    assert all(found[said] == pytest.approx(score, abs=DELTA) for said, (score, _) in every.items())


def test_phones_are_there_once_for_each_context_that_makes_a_difference():
    """T AH: before T a pause or the edge (the same), after AH as well: one copy of each. In AH T AH T is the same
    whatever follows; the first AH stands before T."""
    transitions = small_transitions(np.random.default_rng(0), TREE)
    assert utterance_graph(["TA"], LEXICON, transitions).phones == [("SIL", -1), ("T", 0), ("AH", 0), ("SIL", -1)]
    two = utterance_graph(["A", "TA"], LEXICON, transitions).phones
    assert [phone for phone, _ in two] == ["SIL", "AH", "AH", "SIL", "T", "T", "AH", "SIL"]


@pytest.mark.parametrize("seed,scale,pause,word_score", [(0, 1.0, 0.5, 0.0), (1, 0.3, 0.2, 1.5), (2, 2.0, 0.5, -2.0)])
def test_word_search_finds_what_trying_everything_finds(seed, scale, pause, word_score):
    rng = np.random.default_rng(seed)
    transitions = small_transitions(rng, TREE)
    scores = rng.normal(size=(5, TREE.num_pdfs)).astype(np.float32) * 3
    lm = grammar(LEXICON)
    every = try_all_hmm(transitions, LEXICON, lm, scores, scale, pause, word_score, 5, tree_density)
    lattice = lattice_of(hmm_topology(transitions), LEXICON, lm, scores, scale, pause, word_score)
    winner = check_word_search(lattice, every)
    topology, known = hmm_topology(transitions), sorted(LEXICON)
    answers = AnswerGraphs(topology, LEXICON, lm, known, pause, word_score)
    for sentence in (winner, ("A", "TA")):
        graph = SearchGraph(answers.graph([{word} for word in sentence]), topology, known)
        alone = search(graph, scores, scale, EVERYTHING, "u", "gmm", "words", 10.0, word_score=word_score)
        assert score_of(alone) == pytest.approx(every[sentence][0], abs=DELTA)


@pytest.mark.parametrize("seed", range(3))
def test_free_search_finds_what_trying_everything_finds(seed):
    rng = np.random.default_rng(10 + seed)
    transitions = small_transitions(rng, TREE)
    scores = rng.normal(size=(5, TREE.num_pdfs)).astype(np.float32) * 2
    topology = hmm_topology(transitions)
    lexicon, words = phone_loop(topology)
    assert words == ["AH", "B", "T"]  # no word of "phones in context" reaches grammar, lattice or alignment
    lm = estimate([["B", "AH", "T"], ["AH", "T"], ["T", "AH", "B", "T"]], 2)
    every = try_all_hmm(transitions, lexicon, lm, scores, 0.7, 0.1, 0.3, 5, tree_density)
    lattice = lattice_of(topology, lexicon, lm, scores, 0.7, 0.1, 0.3)
    winner = max(every, key=lambda said: every[said][0])
    assert score_of(lattice) == pytest.approx(every[winner][0], abs=DELTA)
    assert [segment.label for segment in best_segments(lattice)[0]] == every[winner][1]
    found = best_by_sentence(lattice)
    assert found.keys() == every.keys() and set(lattice.label) == set(PHONES)
    assert all(found[said] == pytest.approx(score, abs=DELTA) for said, (score, _) in every.items())


def test_both_searches_place_a_text_alike():
    """The utterance graph, exactly, and the graph of the text, with a beam: the same path."""
    words, rng = ["BAT", "A", "TA", "AT"], np.random.default_rng(7)
    transitions = small_transitions(rng, TREE)
    frames = rng.normal(size=(40, TREE.num_pdfs)).astype(np.float32) * 3
    graph = utterance_graph(words, LEXICON, transitions)
    path, best = best_path(graph, frames, graph.pdf, transitions.log_probs)
    topology = hmm_topology(transitions)
    line = SearchGraph(linear_graph(topology, LEXICON, words, SILENCE_PROB), topology, list("0123"))
    lattice = search(line, frames, 1.0, Beams(1000.0, 0.1), "u", "gmm", "text", 10.0)
    assert score_of(lattice) == pytest.approx(best, abs=1e-2)
    segments, _, said = best_segments(lattice)
    owners = graph.instance[path]
    starts = [0, *(np.flatnonzero(np.diff(owners)) + 1).tolist()]
    assert [(s.label, s.start) for s in segments] == [(graph.phones[owners[t]][0], t) for t in starts]
    assert said == list("0123")


def test_goodness_takes_each_phone_in_the_context_that_suits_it_best():
    transitions = small_transitions(np.random.default_rng(0), TREE)
    models = phone_models(hmm_topology(transitions), PHONES)
    scores = np.random.default_rng(1).normal(size=(4, TREE.num_pdfs)) * 3
    for phone, found in zip(PHONES, models.likelihoods(scores)):
        best = max(
            score + scores[np.arange(4), pdfs].sum()
            for left, right in itertools.product(CONTEXTS, CONTEXTS)
            for score, pdfs, _ in state_paths(
                transitions, [(phone, 0)], 4, lambda _, phone, __, state: tree_density(left, phone, right, state)
            )
        )
        assert found == pytest.approx(best), phone


def test_a_density_of_two_phones_says_half_for_each():
    topology = hmm_topology(small_transitions(np.random.default_rng(0), TREE))
    system = System("toy", Path("toy"), as_it_is(TREE.num_pdfs), lambda feats: feats, topology, 1, 0.5, 0.1)
    scores = np.random.default_rng(2).normal(size=(6, TREE.num_pdfs))
    assert phone_labels(system) == ["SIL", "AH", "B", "T"]
    found = np.exp(log_phone_posteriors(system, scores))
    shares = np.exp(0.5 * scores - logsumexp(0.5 * scores, axis=1, keepdims=True))
    assert found[:, 2] == pytest.approx(shares[:, 5] + (shares[:, 6] + shares[:, 9]) / 2)
    assert found[:, 3] == pytest.approx(shares[:, 10] + (shares[:, 6] + shares[:, 9]) / 2)
    assert found.sum(1) == pytest.approx(1)


def test_hand_labels_have_the_densities_of_their_neighbours():
    """T AH B without a pause between T and AH, in the gold labels' names: the closure of T belongs to it."""
    transitions = small_transitions(np.random.default_rng(0), TREE)
    at = [float(frame_to_seconds(frame)) for frame in range(20)]
    gold = [
        Interval(at[0], at[2], "h#"),
        Interval(at[2], at[4], "tcl"),
        Interval(at[4], at[6], "t"),
        Interval(at[6], at[10], "ah"),
        Interval(at[10], at[12], "b"),
    ]
    fold = {"t": "T", "ah": "AH", "b": "B", "h#": "SIL"}
    assert gold_states(gold, transitions, fold, 12).tolist() == [0, 1, 10, 10, 9, 9, 2, 2, 8, 8, 6, 9]


@pytest.mark.parametrize("sizes", [[1, 2, 3, 4, 1, 2, 3, 4, 5, 2, 1], [1] * 11])
def test_a_model_in_context_is_saved_and_loaded(tmp_path, sizes):
    model = model_of(TREE, sizes)
    model.save(tmp_path / "model.safetensors")
    again = load_gmm(tmp_path / "model.safetensors")
    for name in ("bounds", "weights", "means", "variances", "floor"):
        assert np.array_equal(getattr(model, name), getattr(again, name)), name
    np.testing.assert_allclose(again.transitions.log_probs, model.transitions.log_probs, rtol=1e-14, atol=1e-14)
    mine, its = model.transitions.decisions, again.transitions.decisions
    assert (mine.roots, mine.nodes) == (its.roots, its.nodes)


def test_monophones_with_any_number_of_gaussians_are_saved_and_loaded(tmp_path):
    model = model_of(monophones(dict.fromkeys(PHONES, 2)), [1, 2, 3, 3, 2, 2, 5, 1])
    model.save(tmp_path / "model.safetensors")
    again = load_gmm(tmp_path / "model.safetensors")
    x = np.random.default_rng(3).normal(size=(9, 3))
    assert np.array_equal(model.log_likelihood(x), again.log_likelihood(x)) and again.transitions.decisions.plain


def test_hmmlearn_has_a_phone_in_context():
    model = model_of(TREE, [1, 2, 3, 4, 1, 2, 3, 4, 5, 2, 1])
    theirs = model.to_hmmlearn("AH", "B", "T")  # densities 2 and 3, of three Gaussians and of four
    assert isinstance(theirs, GMMHMM) and theirs.weights_.shape == (2, 4) and theirs.weights_[0, 3] == 0
    x = np.random.default_rng(4).normal(size=(20, 3))
    with np.errstate(divide="ignore"):
        assert theirs._compute_log_likelihood(x) == pytest.approx(model.log_likelihood(x, np.array([2, 3])))


@pytest.mark.parametrize(
    "name,change",
    [
        ("sizes", lambda x: x[:-1]),
        ("sizes", lambda x: x * 0),
        ("sizes", lambda x: x * 2**40),
        ("sizes", lambda x: x * np.nan),
        ("weights", lambda x: x * 0.5),
        ("means", lambda x: x[:-1]),
        ("covars", lambda x: -x),
        ("roots", lambda x: x + 99),
        ("roots", lambda x: x[1:]),
        ("roots", lambda x: x.astype(float)),
        ("nodes", lambda x: x[:, ::-1]),
        ("nodes", lambda x: np.abs(x)),
        ("nodes", lambda x: x[:0]),
        ("nodes", lambda x: np.where(x == 10, 10**9, x)),
        ("among", lambda x: x[1:]),
        ("among", lambda x: np.ones((len(x), 99), np.uint8)),
    ],
)
def test_a_damaged_model_is_refused(tmp_path, name, change):
    path = tmp_path / "model.safetensors"
    model_of(TREE, [1, 2, 3, 4, 1, 2, 3, 4, 5, 2, 1]).save(path)
    arrays, names = read_arrays(path)
    write_arrays(path, arrays | {name: change(arrays[name])}, names)
    with pytest.raises(UserError) as caught:
        load_gmm(path)
    assert str(caught.value).startswith(f"{path}: ") and "run: make gmm" in str(caught.value)


def test_a_tree_of_more_phones_than_memory_has_room_for_is_refused():
    phones = [f"p{i}" for i in range(2000)]
    with pytest.raises(ValueError, match="2000 phones are too many"):
        Decisions(dict.fromkeys(phones, (0,)), [Question("left", {"p1"}, 1, 2), 0, 1])


def draw(rng: np.random.Generator, transitions: Transitions, words: list[str], means: np.ndarray) -> np.ndarray:
    """Frames of the words, said without pauses, drawn state by state."""
    phones = [phone for word in words for phone in LEXICON[word][0][1]]
    frames = []
    for left, phone, right in zip(["", *phones], phones, [*phones[1:], ""]):
        topology = transitions.topologies[phone]
        state = rng.choice(2, p=topology.start)
        while state < 2:
            frames.append(means[tree_density(left, phone, right, int(state))] + rng.normal(size=means.shape[1]))
            state = rng.choice(3, p=[*topology.trans[state], topology.exit[state]])
    return np.array(frames)


def test_training_finds_the_densities_of_the_tree_that_drew_the_frames():
    """Baum-Welch in context, from means far off; then Gaussians are added where the data carry them."""
    rng = np.random.default_rng(12)
    truth = model_of(TREE, [1] * 11, seed=5)
    truth.means *= 3
    feats, graphs = {}, {}
    for n in range(200):
        words = rng.choice(sorted(LEXICON), rng.integers(1, 4)).tolist()
        feats[f"u{n:03}"] = draw(rng, truth.transitions, words, truth.means)
        graphs[f"u{n:03}"] = utterance_graph(words, LEXICON, truth.transitions, silence=False)
    lengths = {utt: len(x) for utt, x in feats.items()}
    model = model_of(TREE, [1] * 11, seed=5)
    model.means = truth.means + rng.normal(size=truth.means.shape)
    stats = train(model, graphs, feats, lengths, Schedule(10, 0, 0, 1, 1.0))
    seen = stats.counts > 30
    assert seen.sum() == 9 and not seen[:2].any()  # all but the two of silence
    assert np.abs(model.means[seen] - truth.means[seen]).max() < 0.4
    train(model, graphs, feats, lengths, Schedule(1, 2, 1, 4, 40.0))
    sizes = np.diff(model.bounds)
    assert sizes.max() == 4 and len(set(sizes[2:].tolist())) > 1 and math.isclose(model.weights.sum(), 11)
