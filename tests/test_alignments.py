"""Alignments of a set: spikes made into phones, the file, its CTM and TextGrid, peaks, and the table of boundaries."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from helpers.features import as_it_is
from praatio import textgrid

from lexicon.phones import INVENTORY
from pipeline.align.alignments import (
    Alignments,
    PlacedPhone,
    PlacedUtterance,
    alignments_in,
    has_spikes,
    place_utterance,
    uncorrected_ctm,
    write_alignment,
)
from pipeline.align.boundaries import Boundaries, class_rows, class_table
from pipeline.align.forced_alignment import Path as Placing
from pipeline.align.forced_alignment import spread
from pipeline.align.gop import Goodness
from pipeline.align.peaks import peaks
from pipeline.hmm.em import Schedule, train
from pipeline.hmm.gmm import flat_start
from pipeline.hmm.graphs import utterance_graph
from pipeline.hmm.viterbi import align
from pipeline.search.system import System
from pipeline.search.topology import ctc_topology, hmm_topology
from pipeline.times.intervals import read_ctm
from pipeline.times.segments import Segment, word_segments
from stages.boundaries import for_others


def test_blanks_are_shared_out_between_spikes():
    """Of 8 blanks 7 go to the first phone; of 40, 4 go to the second and 12 to the first, and 24 are a pause."""
    path = Placing(
        [
            Segment("<blk>", 0, 10),
            Segment("T", 10, 13, 0),
            Segment("<blk>", 13, 21),
            Segment("UW", 21, 24, 0),
            Segment("<blk>", 24, 64),
            Segment("T", 64, 67, 1),
            Segment("<blk>", 67, 70),
        ],
        [0.9, 0.8, 0.9, 0.7, 0.9, 0.6, 0.9],
        [0.75, 0.6],
    )
    found = spread(path)
    assert found.phones == [
        Segment("<blk>", 0, 6),
        Segment("T", 6, 20, 0),
        Segment("UW", 20, 36, 0),
        Segment("<blk>", 36, 60),
        Segment("T", 60, 70, 1),
    ]
    assert found.phone_confidence == [0.9, 0.8, 0.7, 0.9, 0.6] and found.word_confidence == [0.75, 0.6]
    assert found.spikes == [(0, 10), (10, 13), (21, 24), (24, 64), (64, 67)]


def test_a_path_without_blanks_stays():
    path = Placing([Segment("SIL", 0, 4), Segment("T", 4, 9, 0)], [0.5, 0.5], [0.5])
    assert spread(path).phones == path.phones


def test_a_network_that_knows(tmp_path, capsys):
    """Spikes at known rows, blank elsewhere; the file is read back as it was, the TextGrid as praatio reads it."""
    tokens, step = ["<blk>", "T", "UW"], 3
    scores = np.full((12, 3), np.log(0.02))
    scores[:, 0] = np.log(0.96)
    for row, token in ((2, 1), (5, 2), (9, 1)):
        scores[row] = np.log(0.02)
        scores[row, token] = np.log(0.96)
    system = System("neural", Path("neural"), as_it_is(), lambda feats: feats, ctc_topology(tokens), step, 0.5, 0.8)
    goodness, lexicon = Goodness(system), {"TWO": [(1.0, ("T", "UW"))], "T": [(1.0, ("T",))]}
    found = place_utterance(goodness, "u", scores, 36, ("TWO", "T"), lexicon)
    spoken = [phone for phone in found.phones if phone.segment.word >= 0]
    assert [(p.segment.label, p.spike) for p in spoken] == [("T", (5, 8)), ("UW", (14, 17)), ("T", (26, 29))]
    assert [word.label for word, _ in found.words] == ["TWO", "T"] and all(p.gop == 0 for p in found.phones)
    assert found.segments[0].start == 0 and found.segments[-1].end == 36
    assert all(a.end == b.start for a, b in zip(found.segments, found.segments[1:]))
    write_alignment(tmp_path / "alignment.json", {"u": found}.items())
    back = Alignments(tmp_path / "alignment.json")["u"]
    assert back.segments == found.segments and [p.spike for p in back.phones] == [p.spike for p in found.phones]
    capsys.readouterr()
    for_others(tmp_path, {"neural": {"u": dataclasses.replace(back, num_frames=34)}, "other": {"u": found}}, INVENTORY)
    assert capsys.readouterr().out == ""  # praatio prints a line where a tier is longer than the grid
    grid = textgrid.openTextgrid(str(tmp_path / "u.TextGrid"), includeEmptyIntervals=False)
    assert list(grid.tierNames) == [
        f"{name} {what}" for name in ("neural", "other") for what in ("words", "phones", "ipa")
    ]
    assert [one.label for one in grid.getTier("other ipa").entries if one.label not in ("SIL", "<blk>")] == [
        "t",
        "u",
        "t",
    ]
    words = grid.getTier("neural words").entries
    assert [(w.label, round(w.start, 4)) for w in words] == [
        ("TWO", 0.0175),
        ("T", 0.2575),
    ]  # at frames 5 - 4 and 26 - 1
    first, second = (tmp_path / "neural.words.ctm").read_text().splitlines()
    assert first.startswith("u 1 0.0175 0.2400 TWO ") and second.startswith("u 1 0.2575 ")
    assert float(first.split()[-1]) == pytest.approx(found.words[0][1], abs=6e-4)
    assert [i.label for i in read_ctm(tmp_path / "other.phones.ctm")["u"]] == [s.label for s in found.segments]
    silent = [dataclasses.replace(phone, spike=None) for phone in found.phones]
    assert has_spikes({"u": back}) and not has_spikes({"u": dataclasses.replace(found, phones=silent)})
    assert place_utterance(goodness, "u", scores[:2], 6, ("TWO", "T"), lexicon) is None


def test_a_network_places_a_text_in_two_ways(tmp_path):
    prior = np.array([2.0, 0.0])
    topology = ctc_topology(["<blk>", "T"])
    network = System(
        "net", tmp_path, as_it_is(2), lambda x: x - prior, topology, 1, 0.5, 0.8, lambda x: x, ["<blk>", "T"]
    )
    found = {aligner.name: aligner.scores(np.ones((1, 2))).tolist() for aligner in network.aligners.values()}
    assert found == {"net": [[-1, 1]], "net.raw": [[1, 1]]}
    assert list(dataclasses.replace(network, posteriors=None).aligners) == [""]
    folder = tmp_path / "net/ali_test"
    folder.mkdir(parents=True)
    assert alignments_in(folder) == {"net": folder / "alignment.json"}
    for ending in network.aligners:
        write_alignment(folder / f"alignment{ending}.json", {})
    found = alignments_in(folder)
    assert list(found) == ["net", "net.raw"] and found["net.raw"] == folder / "alignment.raw.json"
    assert uncorrected_ctm(found["net.raw"]) == folder / "uncorrected.raw.ctm"


def test_every_aligner_of_the_gmm_says_the_same(speech):
    """Kaldi's search through the words' graph finds the path that our own Viterbi finds, frame by frame."""
    everything = np.concatenate(list(speech.feats.values())).astype(np.float64)
    model = flat_start(speech.phones, everything.mean(0), everything.var(0))
    graphs = {utt: utterance_graph(words, speech.lexicon, model.transitions) for utt, words in speech.words.items()}
    train(model, graphs, speech.feats, speech.lengths, Schedule(4, 0, 0, 1, 10.0))
    topology = hmm_topology(model.transitions)
    goodness = Goodness(System("gmm", Path("gmm"), as_it_is(), model.log_likelihood, topology, 1, 0.28, 0.1))
    for utt, alignment in align(model, graphs, speech.feats, speech.lengths):
        found = place_utterance(
            goodness,
            utt,
            model.log_likelihood(speech.feats[utt]),
            speech.lengths[utt],
            speech.words[utt],
            speech.lexicon,
        )
        assert found.segments == alignment.phones, utt
        assert [word for word, _ in found.words] == word_segments(alignment.phones, speech.words[utt])
        assert all(phone.gop <= 0 <= phone.confidence <= 1 for phone in found.phones)


def test_peaks_by_hand():
    """Two phones of 10 frames; spikes of two frames in the middle of the first, and just after the second."""
    hmm = [Segment("T", 0, 10, 0), Segment("UW", 10, 20, 0)]
    words = [(Segment("TWO", 0, 20, 0), 1.0)]
    of = PlacedUtterance(20, [PlacedPhone(segment, 0, 1, 0) for segment in hmm], words)
    network = dataclasses.replace(
        of, phones=[dataclasses.replace(phone, spike=spike) for phone, spike in zip(of.phones, [(4, 6), (20, 22)])]
    )
    found = peaks({"u": network}, {"u": of})
    assert found.blank_share == pytest.approx(0.8) and found.spike_frames == 2
    assert found.position == pytest.approx((0.5 + 1.1) / 2) and found.deviation == pytest.approx(0.3)
    assert found.inside == pytest.approx(0.5)


def test_boundaries_by_class():
    found = Boundaries(np.array([0.01, -0.03, 0.0]), 4, ["T", "T", "AA"])
    rows = class_rows({("gold", "gmm"): found}, INVENTORY)
    assert [row[:5] for row in rows] == [
        ["gold", "gmm", "all", "3", "4"],
        ["gold", "gmm", "vowel", "1", "1"],
        ["gold", "gmm", "stop", "2", "2"],
    ]
    assert rows[2][5:] == ["-10.0", "20.0", "20.0", "50.0", "50.0", "50.0", "100.0"]
    assert class_table({"gmm": found}, INVENTORY) == ["     vowel  stop", "gmm  100.0  50.0"]
