"""Words in lattices: on their first phone wherever the search emitted them, and as arcs of their own."""

from __future__ import annotations

import math

import numpy as np
import pytest
from helpers.lattices import all_paths, lattice_of
from helpers.searches import LEXICON, graph_of, random_scores, topology_of

from lexicon.ngram import NGram
from lexicon.phones import spoken
from pipeline.lattice import Lattice, best_path, determinize, expected_counts, frame_posteriors, nbest
from pipeline.lattice.words import SpellingTree, place_words, word_lattice
from pipeline.search.graph import decoding_graph
from pipeline.search.wfst import Beams, SearchGraph, best_segments, search

TREE = SpellingTree.of(LEXICON)


def said(lattice: Lattice, arcs: list[int]) -> tuple[str, ...]:
    return tuple(word for arc in arcs for word in lattice.word[arc].split())


def chain(*arcs: tuple) -> Lattice:
    """(label, word) one after the other, each ten frames."""
    return lattice_of(
        [10 * n for n in range(len(arcs) + 1)], [(n, n + 1, label, -1.0, word) for n, (label, word) in enumerate(arcs)]
    )


@pytest.mark.parametrize(
    "emitted",
    [
        [("AH", "A"), ("B", "BAT"), ("AH", ""), ("T", "")],  # at once
        [("AH", ""), ("B", "A BAT"), ("AH", ""), ("T", "")],  # a word and a half later
        [("AH", "A BAT"), ("B", ""), ("AH", ""), ("T", "")],  # before it was begun
        [("AH", "A"), ("B", ""), ("AH", ""), ("T", "BAT")],  # at its last phone
    ],
)
def test_words_go_to_their_first_phone(emitted):
    placed = place_words(chain(*emitted), TREE)
    assert placed.label == ["AH", "B", "AH", "T"] and placed.word == ["A", "BAT", "", ""]
    words = word_lattice(placed)
    assert words.label == ["A", "BAT"] and words.node_frame.tolist() == [0, 10, 40] and words.graph == "word_arcs"
    assert words.scores() == pytest.approx([-1.0, -3.0]) and words.posterior == pytest.approx([1, 1])


def test_silences_and_blanks_lie_between_words_or_within():
    placed = place_words(
        chain(("<blk>", ""), ("B", ""), ("<blk>", ""), ("T", ""), ("<blk>", "BAT"), ("AH", "A"), ("<blk>", "")), TREE
    )
    assert placed.word == ["", "BAT", "", "", "", "A", ""]
    words = word_lattice(placed)
    assert words.label == ["<blk>", "BAT", "<blk>", "A", "<blk>"] and words.word == ["", "BAT", "", "A", ""]
    assert words.node_frame.tolist() == [0, 10, 40, 50, 60, 70]
    assert word_lattice(place_words(chain(("SIL", ""), ("AH", "A"), ("SIL", "")), TREE)).label == ["SIL", "A", "SIL"]


def test_homophones_are_two_words_with_their_own_scores():
    lattice = lattice_of([0, 10, 20], [(0, 1, "T", -1.0, ""), (1, 2, "AH", -1.0, "TA"), (1, 2, "AH", -2.0, "TAH")])
    placed = place_words(lattice, TREE)
    assert sorted(zip(placed.label, placed.word)) == [("AH", ""), ("AH", ""), ("T", "TA"), ("T", "TAH")]
    words = word_lattice(placed)
    assert dict(zip(words.label, words.scores())) == pytest.approx({"TA": -2.0, "TAH": -3.0})


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("first,second", [("TA", "TAH"), ("TAH", "TA")])
def test_of_equal_homophones_phones_and_words_choose_the_first_of_the_search(late, first, second):
    """In either order of the alphabet, and wherever they are emitted."""
    arcs = [
        (0, 1, "T", -1.0, ""),
        (1, 2, "AH", -1.0, "" if late else first),
        (2, 3, "SIL", -1.0, first if late else ""),
    ]
    rival = (2, 3, "SIL", -1.0, second) if late else (1, 2, "AH", -1.0, second)
    placed = place_words(lattice_of([0, 10, 20, 30], sorted([*arcs, rival], key=lambda arc: arc[0])), TREE)
    words = word_lattice(placed)
    assert best_segments(placed)[2] == [first] and [words.label[a] for a in best_path(words)] == [first, "SIL"]
    assert expected_counts(words) == pytest.approx({"SIL": 1, "TA": 0.5, "TAH": 0.5})


@pytest.mark.parametrize("kind,rows", [("hmm", 3), ("ctc", 1)])
def test_a_search_keeps_homophones_that_the_grammar_then_treats_alike(kind, rows):
    """BAY EIGHT BAY or BAY ATE BAY: after a grammar of single words either is in the same state, and EIGHT twice as
    likely."""
    lexicon = {"ATE": [(1.0, ("AH", "T"))], "BAY": [(1.0, ("B",))], "EIGHT": [(1.0, ("AH", "T"))]}
    share = {"ATE": 1 / 3, "BAY": 1, "EIGHT": 2 / 3}
    lm = NGram(1, {("<s>",): -99.0, ("</s>",): -0.5, **{(word,): math.log10(x / 2) for word, x in share.items()}}, {})
    topology, words = topology_of(kind), sorted(lexicon)
    graph = SearchGraph(decoding_graph(topology, lexicon, lm, words, 0.5), topology, words)
    scores = np.array(
        [
            [0.0 if phone == heard else -20.0 for (phone,) in topology.labels.readers]
            for heard in ("B", "AH", "T", "B")
            for _ in range(rows)
        ]
    )
    placed = place_words(
        determinize(search(graph, scores, 1.0, Beams(), "u", "x", "words", 10.0)), SpellingTree.of(lexicon)
    )
    found = word_lattice(placed)
    assert [(said(placed, arcs), [placed.label[a] for a in arcs]) for _, arcs in nbest(placed, 9)] == [
        (("BAY", word, "BAY"), ["B", "AH", "T", "B"]) for word in ("EIGHT", "ATE")
    ]
    assert set(zip(found.label, found.posterior.round(3))) == {(word, round(x, 3)) for word, x in share.items()}
    assert found.node_frame.tolist() == [0, rows, 3 * rows, 4 * rows] and len(found.label) == 4
    np.testing.assert_allclose(frame_posteriors(placed)[1].sum(axis=0), 1, atol=1e-9)


def test_phones_that_spell_nothing_are_an_error():
    for arcs in ([("B", "BAT")], [("AH", "BAT")], [("AH", "A"), ("T", "")], [("B", "BAT"), ("SIL", ""), ("T", "")]):
        with pytest.raises(ValueError, match="spells words"):
            place_words(chain(*arcs), TREE)


@pytest.mark.parametrize("kind", ["hmm", "ctc"])
@pytest.mark.parametrize("seed", range(4))
def test_what_a_search_finds_keeps_its_strings_and_their_scores(kind, seed):
    """Against the raw lattice of the search: the best score of every word string, and the phones of the best path."""
    graph = graph_of(kind, "words")
    raw = search(graph, random_scores(graph.topology, 24, seed), 0.5, Beams(30, 3), "u", "x", "words", 10.0)
    first = determinize(raw)
    placed = place_words(first, TREE)
    words = word_lattice(placed)
    expected: dict[tuple, float] = {}
    for path in all_paths(first):
        string = said(first, path)
        expected[string] = max(expected.get(string, -np.inf), float(first.scores()[path].sum()))
    best = max(expected.values())
    found = [(spoken(words.label[a] for a in arcs), score) for score, arcs in nbest(words, 10_000)]
    assert len(found) == len(dict(found))
    assert {string for string, score in expected.items() if score > best - 3 + 1e-3} <= set(dict(found))
    for string, score in found:
        assert score == pytest.approx(expected[string], abs=5e-3)
    again = [
        (tuple((placed.label[a], placed.word[a]) for a in arcs if placed.label[a] != "<blk>"))
        for _, arcs in nbest(placed, 10_000)
    ]
    assert len(again) == len(set(again))
    assert [s.label for s in best_segments(placed)[0]] == [s.label for s in best_segments(raw)[0]]
    assert best_segments(placed)[2] == best_segments(raw)[2] == list(found[0][0])
    for lattice in (placed, words):
        np.testing.assert_allclose(frame_posteriors(lattice)[1].sum(axis=0), 1, atol=1e-9)
    # Each word stands on the first of its phones: from there to the next word they spell it.
    for segment in best_segments(placed)[0]:
        assert (segment.word == -1) == (segment.label in ("SIL", "<blk>"))
    spelled = [tuple(s.label for s in best_segments(placed)[0] if s.word == n) for n in range(len(found[0][0]))]
    assert all(phones in [variant for _, variant in LEXICON[word]] for word, phones in zip(found[0][0], spelled))
    assert [placed.word[a] for a in best_path(placed) if placed.word[a]] == list(found[0][0])
