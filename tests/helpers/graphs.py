"""A small grammar, and all sentences that a graph accepts."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping

import numpy as np
import pytest

from helpers.hmms import Density, phone_sequences, state_paths
from lexicon.ngram import NGram, estimate
from pipeline.hmm.topology import Transitions
from pipeline.lattice import Lattice, best_path
from pipeline.search.graph import decoding_graph
from pipeline.search.topology import Topology
from pipeline.search.wfst import Beams, SearchGraph, best_segments, search

DELTA = 4e-3  # determinizing and minimizing round costs to 1/1024 here and there


EVERYTHING = Beams(beam=1e4, lattice_beam=1e4)


LEXICON = {
    "A": [(1.0, ("AH",))],
    "AT": [(1.0, ("AH", "T"))],
    "BAT": [(1.0, ("B", "AH", "T")), (0.4, ("B", "T"))],
    "TA": [(0.5, ("T", "AH"))],
}


HOMOPHONES = {**LEXICON, "TAH": [(1.0, ("T", "AH"))], "TT": [(1.0, ("T", "T"))]}


TEXT = [["A", "BAT"], ["A", "AT", "A"], ["BAT", "TA"], ["TA"], ["A", "BAT", "TA"], ["AT", "BAT"]]


def grammar(lexicon: dict, order: int = 2) -> NGram:
    return estimate(TEXT, order, lexicon)


def sentences(lexicon: dict, longest: int):
    for n in range(longest + 1):
        yield from itertools.product(sorted(lexicon), repeat=n)


def best_by_sentence(lattice: Lattice) -> dict[tuple[str, ...], float]:
    """The score of the best path for every word sequence in the lattice."""
    found: list[dict[tuple[str, ...], float]] = [{} for _ in range(lattice.num_nodes)]
    found[0][()] = 0.0
    for arc, score in enumerate(lattice.scores().tolist()):
        for said, so_far in found[lattice.arc_from[arc]].items():
            words = (*said, *lattice.word[arc].split())
            there = found[lattice.arc_to[arc]]
            there[words] = max(there.get(words, -math.inf), so_far + score)
    return found[-1]


def lattice_of(
    topology: Topology, lexicon: dict, lm: NGram, scores: np.ndarray, scale: float, pause: float, word_score: float
) -> Lattice | None:
    words = sorted(lexicon)
    graph = SearchGraph(decoding_graph(topology, lexicon, lm, words, pause, word_score), topology, words)
    return search(graph, scores, scale, EVERYTHING, "u", "gmm", "words", 10.0, word_score=word_score)


def score_of(lattice: Lattice) -> float:
    return float(lattice.scores()[best_path(lattice)].sum())


def try_all_hmm(
    transitions: Transitions,
    lexicon: dict,
    lm: NGram,
    scores: np.ndarray,
    scale: float,
    pause: float,
    word_score: float,
    longest: int,
    density: Density | None = None,
) -> dict[tuple[str, ...], tuple[float, list[str]]]:
    """Per sentence the best score and its phones; ``density`` as in `state_paths`."""
    results: dict[tuple[str, ...], tuple[float, list[str]]] = {}
    for words in sentences(lexicon, longest):
        prior = lm.score_sentence(words) * math.log(10) + word_score * len(words)
        for said, phones in phone_sequences(words, lexicon, pause):
            if len(phones) > len(scores):
                continue
            for path, pdfs, _ in state_paths(transitions, phones, len(scores), density):
                total = prior + said + path + scale * float(scores[np.arange(len(scores)), pdfs].sum())
                if words not in results or total > results[words][0]:
                    results[words] = total, [phone for phone, _ in phones]
    return results


def check_word_search(lattice: Lattice, every: Mapping[tuple[str, ...], tuple[float, list[str]]]) -> tuple[str, ...]:
    """The lattice of a search that pruned nothing has ``every`` sentence that trying everything finds (its score and
    phones), with its own best path, and the best of all is the best, which is returned."""
    winner = max(every, key=lambda words: every[words][0])
    segments, _, words = best_segments(lattice)
    assert score_of(lattice) == pytest.approx(every[winner][0], abs=DELTA)
    assert tuple(words) == winner and [segment.label for segment in segments] == every[winner][1]
    found = best_by_sentence(lattice)
    assert len(every) > 50
    for sentence, (score, _) in every.items():
        assert found[sentence] == pytest.approx(score, abs=DELTA), sentence
    return winner
