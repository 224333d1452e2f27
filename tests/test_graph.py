"""Decoding graphs, searched without pruning, against trying every sentence, pronunciation, pause and path."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from helpers.graphs import (
    DELTA,
    HOMOPHONES,
    LEXICON,
    best_by_sentence,
    check_word_search,
    grammar,
    lattice_of,
    score_of,
    sentences,
    try_all_hmm,
)
from helpers.hmms import small_transitions
from helpers.langs import BUGS_ARPA

from lexicon.ngram import estimate, read_arpa
from pipeline.hmm.topology import Transitions, phone_topology, silence_topology
from pipeline.search.graph import decoding_graph, phone_loop
from pipeline.search.topology import Labels, ctc_topology, hmm_topology
from pipeline.search.wfst import best_segments


@pytest.mark.parametrize("seed,scale,pause,word_score", [(0, 1.0, 0.5, 0.0), (1, 0.3, 0.2, 1.5), (2, 2.0, 0.5, -2.0)])
def test_hmm_search_finds_what_trying_everything_finds(seed, scale, pause, word_score):
    rng = np.random.default_rng(seed)
    transitions = small_transitions(rng)
    scores = rng.normal(size=(5, transitions.decisions.num_pdfs)).astype(np.float32) * 3
    lm = grammar(LEXICON)
    every = try_all_hmm(transitions, LEXICON, lm, scores, scale, pause, word_score, longest=5)
    lattice = lattice_of(hmm_topology(transitions), LEXICON, lm, scores, scale, pause, word_score)
    check_word_search(lattice, every)


def test_free_search_finds_what_trying_everything_finds():
    for seed in range(3):
        rng = np.random.default_rng(10 + seed)
        transitions = small_transitions(rng)
        scores = rng.normal(size=(4, transitions.decisions.num_pdfs)).astype(np.float32) * 2
        topology = hmm_topology(transitions)
        lexicon, words = phone_loop(topology)
        assert words == ["AH", "B", "T"] and lexicon["B"] == [(1.0, ("B",))]
        lm = estimate([["B", "AH", "T"], ["AH", "T"], ["T", "AH", "B", "T"]], 2)
        every = try_all_hmm(transitions, lexicon, lm, scores, 0.7, 0.1, 0.3, longest=4)
        lattice = lattice_of(topology, lexicon, lm, scores, 0.7, 0.1, 0.3)
        winner = max(every, key=lambda said: every[said][0])
        segments, _, _ = best_segments(lattice)
        assert score_of(lattice) == pytest.approx(every[winner][0], abs=DELTA)
        assert [segment.label for segment in segments] == every[winner][1]


@pytest.mark.parametrize("lexicon", [LEXICON, HOMOPHONES])
@pytest.mark.parametrize("order", [1, 2, 3])
def test_ctc_search_finds_what_trying_everything_finds(lexicon, order):
    tokens = ["<blk>", "AH", "B", "T"]
    lm = grammar(lexicon, order)
    for seed in range(4):
        scores = np.log(np.random.default_rng(seed).dirichlet(np.full(4, 0.7), 6) + 1e-4).astype(np.float32)
        acoustic: dict[tuple[str, ...], float] = {}
        for path in itertools.product(range(4), repeat=6):
            phones = tuple(tokens[token] for token, _ in itertools.groupby(path) if token)
            acoustic[phones] = max(acoustic.get(phones, -math.inf), float(scores[range(6), path].sum()))
        every = {}
        for words in sentences(lexicon, 4):
            ways = [
                (1.3 * acoustic[said] + sum(math.log(p) for p, _ in variants), said)
                for variants in itertools.product(*(lexicon[word] for word in words))
                if (said := sum((phones for _, phones in variants), ())) in acoustic
            ]
            if ways:
                score, said = max(ways)
                every[words] = score + lm.score_sentence(words) * math.log(10) + 0.4 * len(words), said
        winner = max(every, key=lambda words: every[words][0])
        lattice = lattice_of(ctc_topology(tokens), lexicon, lm, scores, 1.3, 0.5, 0.4)
        segments, _, words = best_segments(lattice)
        assert score_of(lattice) == pytest.approx(every[winner][0], abs=DELTA)
        assert tuple(words) == winner
        assert tuple(s.label for s in segments if s.label != "<blk>") == every[winner][1]


def test_ctc_needs_a_blank_between_equal_phones():
    tokens, lexicon = ["<blk>", "AH", "T"], {"TT": [(1.0, ("T", "T"))], "T": [(1.0, ("T",))]}
    lm = estimate([["TT"], ["T"]], 1)

    def heard(path: str) -> tuple[list[str], list[tuple[str, int, int]]]:
        scores = np.full((len(path), 3), -20, np.float32)
        scores[range(len(path)), ["_AT".index(symbol) for symbol in path]] = 0
        segments, _, words = best_segments(lattice_of(ctc_topology(tokens), lexicon, lm, scores, 1.0, 0.5, 0.0))
        return words, [(s.label, s.start, s.end) for s in segments]

    assert heard("TTT") == (["T"], [("T", 0, 3)])
    words, segments = heard("_TT_TT_")
    assert words in (["TT"], ["T", "T"])
    assert segments == [("<blk>", 0, 1), ("T", 1, 3), ("<blk>", 3, 4), ("T", 4, 6), ("<blk>", 6, 7)]


def test_the_grammar_turns_bunny_bunny_into_bugs_bunny(tmp_path):
    """The sounds say "bunny bunny"; that it was Bugs Bunny only the language model knows, when it has weight."""
    (tmp_path / "joke.arpa").write_text(BUGS_ARPA)
    lm = read_arpa(tmp_path / "joke.arpa")
    lexicon = {"BUGS": [(1.0, ("B", "AH", "G", "Z"))], "BUNNY": [(1.0, ("B", "AH", "N", "IY"))]}
    phones = ["SIL", "AH", "B", "G", "IY", "N", "Z"]
    transitions = Transitions(phones, {p: silence_topology() if p == "SIL" else phone_topology() for p in phones})
    scores = np.full((48, transitions.decisions.num_pdfs), -8.0, np.float32)
    for index, phone in enumerate(["B", "AH", "N", "IY"] * 2):
        for state in range(3):
            rows = slice(6 * index + 2 * state, 6 * index + 2 * state + 2)
            scores[rows, transitions.decisions.pdfs(phone)[0] + state] = -1.0
            rival = {"N": "G", "IY": "Z"}.get(phone) if index < 4 else None  # nearly as good, in the first word
            if rival:
                scores[rows, transitions.decisions.pdfs(rival)[0] + state] = -1.3
    for scale, expected in ((5.0, ["BUNNY", "BUNNY"]), (1.0, ["BUGS", "BUNNY"])):
        lattice = lattice_of(hmm_topology(transitions), lexicon, lm, scores, scale, 0.5, 0.0)
        assert best_segments(lattice)[2] == expected


def test_homophones_are_told_apart_by_the_grammar():
    lexicon = {
        "EIGHT": [(1.0, ("AH", "T"))],
        "ATE": [(1.0, ("AH", "T"))],
        "BAY": [(1.0, ("B",))],
        "TEA": [(1.0, ("T",))],
    }
    lm = estimate([["BAY", "ATE", "TEA"], ["TEA", "EIGHT", "BAY"]] * 3, 2)
    tokens = ["<blk>", "AH", "B", "T"]
    for said, expected in (
        (["B", "AH", "T", "<blk>", "T"], ["BAY", "ATE", "TEA"]),
        (["T", "AH", "T", "<blk>", "B"], ["TEA", "EIGHT", "BAY"]),
    ):
        scores = np.full((5, 4), -9, np.float32)
        scores[range(5), [tokens.index(token) for token in said]] = 0
        assert best_segments(lattice_of(ctc_topology(tokens), lexicon, lm, scores, 1.0, 0.5, 0.0))[2] == expected


def test_labels_and_wide_scores():
    labels = Labels([("A",), ("B",)])
    assert [labels.inside(0), labels.entry(0, "A"), labels.inside(1), labels.entry(1, "B")] == [1, 2, 3, 4]
    wide = labels.widen(np.array([[1, 2], [3, 4]]))
    assert wide.tolist() == [[1, 1, 2, 2], [3, 3, 4, 4]] and wide.dtype == np.float32 and wide.flags["C_CONTIGUOUS"]


def test_hmm_topology_by_hand():
    transitions = Transitions(["SIL", "AH"], {"SIL": silence_topology(), "AH": phone_topology()})
    topology = hmm_topology(transitions)
    labels = topology.labels
    assert labels.readers == [("SIL",)] * 5 + [("AH",)] * 3 and topology.finals == [0]
    half = -math.log(0.25)
    assert (0, 6, labels.entry(5, "AH"), 2, 0.0) in [(a, b, i, o, round(w, 9) + 0.0) for a, b, i, o, w in topology.arcs]
    assert (8, 0, 0, 0, half) in topology.arcs and (6, 7, labels.inside(6), 0, half) in topology.arcs


def test_a_word_that_the_grammar_lacks_is_not_recognised():
    lm = estimate([["A"]], 1)
    lexicon = {"A": [(1.0, ("AH",))], "B": [(1.0, ("B",))]}
    scores = np.zeros((3, 3), np.float32)
    scores[:, 2] = 5
    assert set(
        best_by_sentence(lattice_of(ctc_topology(["<blk>", "AH", "B"]), lexicon, lm, scores, 1.0, 0.5, 0.0))
    ) == {(), ("A",), ("A", "A")}


def test_graphs_are_the_same_each_time():
    def text() -> str:
        topology = hmm_topology(small_transitions(np.random.default_rng(0)))
        return decoding_graph(topology, HOMOPHONES, grammar(HOMOPHONES), sorted(HOMOPHONES), 0.5).to_str()

    assert text() == text() != ""
