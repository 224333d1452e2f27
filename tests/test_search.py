"""The search: its lattices against Kaldi's decoder itself, frames covered, words placed."""

from __future__ import annotations

import kaldi_decoder
import numpy as np
import pytest
from helpers.searches import graph_of, random_scores
from scipy.special import log_softmax

from lexicon.ngram import estimate
from lexicon.phones import PHONES
from pipeline.lattice import best_path, determinize, nbest
from pipeline.search.graph import decoding_graph, phone_loop
from pipeline.search.topology import ctc_topology
from pipeline.search.wfst import Beams, Search, SearchGraph, best_segments, search
from pipeline.times.segments import Segment


def kaldis_best(
    graph: SearchGraph, scores: np.ndarray, scale: float, beams: Beams
) -> tuple[float, list[str], list[int]]:
    """Score, words and input labels of the best path as Kaldi's decoder itself gives it."""
    decoder = kaldi_decoder.LatticeSimpleDecoder(
        graph.fst, kaldi_decoder.LatticeSimpleDecoderConfig(beam=beams.beam, lattice_beam=beams.lattice_beam)
    )
    assert decoder.decode(kaldi_decoder.DecodableCtc(graph.topology.labels.widen(scale * scores)))
    found, path = decoder.get_best_path()
    assert found
    lines = [line.split() for line in path.to_str().splitlines()]
    arcs = {fields[0]: fields[1:] for fields in lines if len(fields) > 2}  # a path: one arc leaves each state
    weights = [fields[-1] for fields in lines if "," in fields[-1]]
    state, words, labels = lines[0][0], [], []
    while state in arcs:
        state, label, word = arcs[state][:3]
        labels += [int(label)] if int(label) else []
        words += [graph.words[int(word) - 1]] if int(word) else []
    return -sum(float(part) for weight in weights for part in weight.split(",")[:2]), words, labels


@pytest.mark.parametrize("kind,name", [("hmm", "words"), ("hmm", "free"), ("ctc", "words"), ("ctc", "free")])
@pytest.mark.parametrize("seed", range(3))
def test_best_path_is_the_one_kaldis_decoder_gives(kind, name, seed):
    graph, beams = graph_of(kind, name), Beams()
    scores = random_scores(graph.topology, 60, seed)
    lattice = search(graph, scores, 0.6, beams, "u", "x", name, 10.0)
    score, words, labels = kaldis_best(graph, scores, 0.6, beams)
    path = best_path(lattice)
    assert lattice.scores()[path].sum() == pytest.approx(score, abs=2e-3 + 2e-6 * abs(score))
    segments, confidence, said = best_segments(lattice)
    assert said == words
    meanings = graph.topology.labels
    columns = [meanings.column[label - 1] for label in labels]
    assert lattice.acoustic[path].sum() == pytest.approx(scores[range(60), columns].sum(), abs=1e-2)
    # Where Kaldi's path enters a phone, a segment begins; the columns between belong to that phone.
    begins = [t for t, label in enumerate(labels) if meanings.entered[label - 1]]
    assert [segment.start for segment in segments] == begins
    assert [meanings.entered[labels[t] - 1] for t in begins] == [segment.label for segment in segments]
    assert all(0 < c <= 1 for c in confidence) and len(confidence) == len(segments)


def arcs_and_costs(found: kaldi_decoder.LatticeSimpleDecoder) -> list[tuple[int, int, float]]:
    """Label, word and graph cost of each arc of Kaldi's raw lattice."""
    lines = [line.split() for line in found.get_raw_lattice()[1].to_str().splitlines()]
    costs = [[*fields, "0"] for fields in lines if len(fields) >= 4]
    return sorted((int(x[2]), int(x[3]), round(float(x[4].split(",")[0]), 3)) for x in costs)


@pytest.mark.parametrize("lattice_beam", [1.0, 6.0])
@pytest.mark.parametrize("kind,name", [("hmm", "words"), ("hmm", "free"), ("ctc", "words"), ("ctc", "free")])
def test_what_is_kept_is_what_kaldis_decoder_keeps(kind, name, lattice_beam):
    """With a beam so wide that the order in which Kaldi's goes through its tokens makes no difference."""
    graph, beams = graph_of(kind, name), Beams(1000.0, lattice_beam)
    scores = random_scores(graph.topology, 40, 8)
    kaldis = kaldi_decoder.LatticeSimpleDecoder(
        graph.fst, kaldi_decoder.LatticeSimpleDecoderConfig(beam=beams.beam, lattice_beam=lattice_beam)
    )
    assert kaldis.decode(kaldi_decoder.DecodableCtc(graph.topology.labels.widen(0.3 * scores)))
    ours = Search(graph, 0.3, beams)
    ours.step(scores)
    arcs = ours.links()[0].arc
    label, word, cost = (array[arcs].tolist() for array in (graph.arcs.label, graph.arcs.word, graph.arcs.cost))
    assert len(arcs) > 60 and sorted(zip(label, word, (round(x, 3) for x in cost))) == arcs_and_costs(kaldis)


@pytest.mark.parametrize("kind,name", [("hmm", "words"), ("ctc", "free")])
def test_rows_bit_by_bit_and_tokens_forgotten_midway_make_no_difference(kind, name, monkeypatch):
    graph, beams = graph_of(kind, name), Beams(16.0, 4.0)
    scores = random_scores(graph.topology, 300, 9)
    whole = Search(graph, 0.5, beams)
    whole.step(scores)
    expected, words = whole.links(), whole.best(end=True)
    monkeypatch.setattr("pipeline.search.wfst.MOST_TOKENS", 50)
    monkeypatch.setattr("pipeline.search.wfst.ROOM", 50)
    parts = Search(graph, 0.5, beams)
    for begin in range(0, 300, 7):
        parts.step(scores[begin : begin + 7])
        assert len(parts.best()[1]) > 0
    found = parts.links()
    assert parts.tokens.begins[301] < 0.8 * whole.tokens.begins[301]  # it did forget
    assert parts.best(end=True) == words and found[1] == expected[1]
    for a, b in zip(found[0], expected[0]):
        assert np.array_equal(a, b)


@pytest.mark.parametrize("kind,name", [("hmm", "words"), ("hmm", "free"), ("ctc", "words"), ("ctc", "free")])
def test_every_path_covers_every_frame(kind, name):
    graph = graph_of(kind, name)
    lattice = search(graph, random_scores(graph.topology, 40, 5), 0.4, Beams(), "u", "x", name, 10.0)
    assert (lattice.node_frame[0], lattice.node_frame[-1], lattice.num_frames) == (0, 40, 40)
    assert (lattice.node_frame[lattice.arc_from] < lattice.node_frame[lattice.arc_to]).all()
    assert (np.diff(lattice.node_frame) >= 0).all() and (lattice.arc_from < lattice.arc_to).all()
    # Every node but the ends has a way in and a way out, so what begins at 0 goes on to the end without a gap.
    assert set(lattice.arc_to) == set(range(1, lattice.num_nodes)) == {a + 1 for a in set(lattice.arc_from)}
    assert len(lattice.label) > 20
    for whole in (lattice, determinize(lattice, 2.0)):
        for t in range(40):
            over = (whole.node_frame[whole.arc_from] <= t) & (t < whole.node_frame[whole.arc_to])
            assert whole.posterior[over].sum() == pytest.approx(1, abs=1e-9)


def test_wider_lattices_hold_more_and_the_same_best_path():
    graph = graph_of("hmm", "words")
    scores = random_scores(graph.topology, 50, 6)
    narrow, wide = (
        determinize(search(graph, scores, 0.3, Beams(20, beam), "u", "x", "words", 10.0)) for beam in (1.0, 8.0)
    )
    assert len(narrow.label) < len(wide.label) and (narrow.beam, wide.beam) == (1.0, 8.0)
    assert best_segments(narrow)[0] == best_segments(wide)[0]


def test_rows_of_a_subsampling_network_stand_at_their_frames():
    """Row j of a network that takes each fourth frame is centred on frame 4 j, so it begins at 4 j - 2."""
    graph = graph_of("ctc", "free")
    scores = np.full((5, 4), -20, np.float32)
    scores[range(5), [0, 2, 2, 0, 1]] = 0  # blank B B blank AH
    lattice = search(graph, scores, 1.0, Beams(), "u", "neural", "free", 10.0, step=4, num_frames=19)
    assert best_segments(lattice)[0] == [
        Segment("<blk>", 0, 2),
        Segment("B", 2, 10, 0),
        Segment("<blk>", 10, 14),
        Segment("AH", 14, 19, 1),
    ]
    assert lattice.num_frames == 19 and lattice.graph == "free" and lattice.system == "neural"


def test_no_way_to_the_end_is_none():
    # Five states of silence or three of a phone: two frames are too few for anything.
    graph = graph_of("hmm", "words")
    assert search(graph, random_scores(graph.topology, 2, 0), 1.0, Beams(), "u", "x", "words", 10.0) is None
    assert search(graph, random_scores(graph.topology, 3, 0), 1.0, Beams(), "u", "x", "words", 10.0) is not None


@pytest.mark.parametrize("spoil", [lambda x: x[:, :-1], lambda x: x[0], lambda x: np.where(x > 3, np.nan, x)])
def test_scores_that_do_not_fit_never_reach_native_code(spoil):
    graph = graph_of("hmm", "words")
    with pytest.raises(ValueError, match="columns, or not finite"):
        search(graph, spoil(random_scores(graph.topology, 30, 0)), 1.0, Beams(), "u", "x", "words", 10.0)


def test_any_memory_layout_gives_the_same():
    graph = graph_of("hmm", "words")
    scores = random_scores(graph.topology, 30, 3)
    lattices = [
        search(graph, x, 0.5, Beams(), "u", "x", "words", 10.0)
        for x in (scores, np.asfortranarray(scores.astype(np.float64)), scores.repeat(2, axis=1)[:, ::2])
    ]
    assert all(np.array_equal(lattices[0].scores(), lattice.scores()) for lattice in lattices[1:])


def test_a_lattice_of_too_many_arcs_is_that_of_a_smaller_beam(monkeypatch):
    graph = graph_of("ctc", "free")
    scores = random_scores(graph.topology, 30, 7) / 2
    whole = determinize(search(graph, scores, 1.0, Beams(16, 4.0), "u", "x", "free", 10.0))
    monkeypatch.setattr("pipeline.search.wfst.MOST_ARCS", 10)
    few = determinize(search(graph, scores, 1.0, Beams(16, 4.0), "u", "x", "free", 10.0))
    assert (whole.beam, few.beam) == (4.0, 2.0) and len(few.label) < len(whole.label)
    assert best_segments(few)[0] == best_segments(whole)[0]
    expected, found = ([score for score, _ in nbest(lattice, 1000)] for lattice in (whole, few))
    near = [score for score in expected if score > expected[0] - 2.0 + 1e-3]
    assert len(near) > 20 and found[: len(near)] == pytest.approx(near, abs=2e-3)


def test_what_has_learnt_nothing_is_heard_in_no_time():
    """Any phone may be anywhere: the lattice of twenty rows has 700,000 arcs, were it kept."""
    rng = np.random.default_rng(0)
    topology = ctc_topology(["<blk>", *PHONES])
    lexicon, words = phone_loop(topology)
    lm = estimate([rng.choice(PHONES, 8).tolist() for _ in range(300)], 2)
    graph = SearchGraph(decoding_graph(topology, lexicon, lm, words, 0.1), topology, words)
    scores = log_softmax(rng.normal(0, 0.1, (60, len(PHONES) + 1)), axis=1)
    lattice = search(graph, scores, 1.0, Beams(), "u", "x", "free", 10.0)
    assert 0 < lattice.beam < Beams().lattice_beam and 60 < len(lattice.label) < 60_000
    assert best_path(determinize(lattice))
