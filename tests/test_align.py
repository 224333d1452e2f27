"""Forced alignment where the boundaries are known."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.hmm.em import Schedule, train
from pipeline.hmm.gmm import GmmHmm, flat_start
from pipeline.hmm.graphs import utterance_graph
from pipeline.hmm.viterbi import align, segments_of_path
from pipeline.times.segments import Segment, word_segments

LEXICON = {"TOMATO": [(1.0, ("T", "EY")), (1.0, ("T", "AA"))], "AT": [(1.0, ("AE", "T"))], "A": [(1.0, ("EY",))]}
PHONES = ["SIL", "AA", "AE", "EY", "T"]


@pytest.fixture
def model() -> GmmHmm:
    """Each density far from all others: density p near 10 p in both dimensions."""
    model = flat_start(PHONES, np.zeros(2), np.ones(2))
    model.means[:] = 10.0 * np.arange(len(model.means))[:, None]
    return model


def frames(model: GmmHmm, said: list[tuple[str, int]], seed: int = 0) -> np.ndarray:
    """(T, 2) the phones said, each for so many frames, spread over its states in order."""
    pdfs = [
        model.transitions.decisions.pdfs(phone)[0] + t * model.transitions.num_states(phone) // length
        for phone, length in said
        for t in range(length)
    ]
    return model.means[pdfs] + np.random.default_rng(seed).normal(size=(len(pdfs), 2))


def align_one(model: GmmHmm, words: tuple[str, ...], feats: np.ndarray):
    graph = utterance_graph(words, LEXICON, model.transitions)
    ((_, alignment),) = align(model, {"u": graph}, {"u": feats}, {"u": len(feats)})
    return alignment


def test_boundaries_words_and_pauses(model):
    found = align_one(
        model, ("TOMATO", "AT"), frames(model, [("SIL", 20), ("T", 5), ("AA", 9), ("SIL", 12), ("AE", 6), ("T", 8)])
    )
    assert found.phones == [
        Segment("SIL", 0, 20, -1),
        Segment("T", 20, 25, 0),
        Segment("AA", 25, 34, 0),
        Segment("SIL", 34, 46, -1),
        Segment("AE", 46, 52, 1),
        Segment("T", 52, 60, 1),
    ]
    assert word_segments(found.phones, ("TOMATO", "AT")) == [Segment("TOMATO", 20, 34, 0), Segment("AT", 46, 60, 1)]
    assert found.pdfs.dtype == np.int32 and len(found.pdfs) == 60
    phones_of = model.transitions.decisions.phones_of
    assert [phones_of[p][0] for p in found.pdfs] == [s.label for s in found.phones for _ in range(s.start, s.end)]


@pytest.mark.parametrize("vowel", ["EY", "AA"])
def test_the_variant_that_was_said_is_chosen(model, vowel):
    found = align_one(model, ("TOMATO",), frames(model, [("T", 6), (vowel, 7)]))
    assert [(s.label, s.start, s.end) for s in found.phones] == [("T", 0, 6), (vowel, 6, 13)]


def test_silence_is_optional_everywhere(model):
    for pauses in ([0, 0, 0], [9, 0, 0], [0, 9, 0], [0, 0, 9], [9, 9, 9]):
        first, middle, last = ([("SIL", n)] if n else [] for n in pauses)
        said = [*first, ("EY", 5), *middle, ("AE", 5), ("T", 5), *last]
        assert [(s.label, s.end - s.start) for s in align_one(model, ("A", "AT"), frames(model, said)).phones] == said


def test_the_same_phone_twice_has_a_boundary(model):
    found = align_one(model, ("AT", "TOMATO"), frames(model, [("AE", 4), ("T", 6), ("T", 7), ("EY", 4)]))
    assert [(s.label, s.start, s.end, s.word) for s in found.phones] == [
        ("AE", 0, 4, 0),
        ("T", 4, 10, 0),
        ("T", 10, 17, 1),
        ("EY", 17, 21, 1),
    ]


def test_known_places_in_joined_real_speech(speech):
    """Prompts joined end to end: each of its words falls into the part that it came from."""
    everything = np.concatenate(list(speech.feats.values())).astype(np.float64)
    model = flat_start(speech.phones, everything.mean(0), everything.var(0))
    graphs = {utt: utterance_graph(words, speech.lexicon, model.transitions) for utt, words in speech.words.items()}
    train(model, graphs, speech.feats, speech.lengths, Schedule(8, 0, 0, 1, 10.0))
    parts = list(speech.words)[3:9]
    words = tuple(word for utt in parts for word in speech.words[utt])
    feats = np.concatenate([speech.feats[utt] for utt in parts])
    graph = utterance_graph(words, speech.lexicon, model.transitions)
    ((_, found),) = align(model, {"u": graph}, {"u": feats}, {"u": len(feats)})
    placed = word_segments(found.phones, words)
    assert [segment.label for segment in placed] == list(words)
    ends = np.cumsum([len(speech.feats[utt]) for utt in parts])
    owner = [part for part, utt in enumerate(parts) for _ in speech.words[utt]]
    centres = [(segment.start + segment.end) // 2 for segment in placed]
    assert np.searchsorted(ends, centres, side="right").tolist() == owner
    assert found.log_likelihood < 0


def test_too_short_speech_has_no_alignment(model):
    assert align_one(model, ("AT",), frames(model, [("AE", 3), ("T", 2)])) is None
    assert align_one(model, ("AT",), frames(model, [("AE", 3), ("T", 3)])) is not None


def test_order(model):
    words = {"b": ("A",), "a": ("AT",), "c": ("AT", "A")}
    feats = {utt: frames(model, [("AE", n), ("T", n), ("EY", n)]) for utt, n in (("a", 5), ("b", 9), ("c", 7))}
    graphs = {utt: utterance_graph(words[utt], LEXICON, model.transitions) for utt in words}
    done = dict(align(model, graphs, feats, ["b", "c", "a"]))
    assert list(done) == ["b", "c", "a"]
    for utt, alignment in done.items():
        assert len(alignment.pdfs) == len(feats[utt]) and alignment.phones[-1].end == len(feats[utt])


def test_a_path_is_cut_where_the_phone_changes(model):
    graph = utterance_graph(("A", "A"), LEXICON, model.transitions, silence=False)
    assert segments_of_path(graph, np.array([0, 1, 2, 3, 3, 4, 5])) == [Segment("EY", 0, 3, 0), Segment("EY", 3, 7, 1)]
