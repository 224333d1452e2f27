"""ROVER: the paper's example by hand, votes with confidences, and tuning."""

from __future__ import annotations

from pathlib import Path

import pytest

from lexicon.errors import UserError
from pipeline.search.rover import Vote, network, read_said, tune_vote, voted


def said(labels: str, confidence: float = 0.5) -> list[tuple[str, float]]:
    return [(label, confidence) for label in labels.split()]


def test_the_papers_network_and_its_vote():
    """Three outputs (Fiscus 1997, section 2.1): the network has a slot before the first b and two after d."""
    slots = network([said("a b c d"), said("b z d e"), said("b c d e f")])
    labels = [[label or "@" for label, _ in slot] for slot in slots]
    assert labels == [
        ["a", "@", "@"],
        ["b", "b", "b"],
        ["c", "z", "c"],
        ["d", "d", "d"],
        ["@", "e", "e"],
        ["@", "@", "f"],
    ]
    assert voted(slots, Vote(1.0, 0.0)) == ["b", "c", "d", "e"]  # the most votes
    assert voted(slots, Vote(0.0, 0.0)) == ["a", "b", "c", "d", "e", "f"]  # nothing is never believed
    assert voted(slots, Vote(0.0, 1.0)) == ["b", "c", "d"]  # always


def test_confidence_against_number():
    """Two unsure systems say B, a sure one A: of A 0.2 / 3 + 0.8 * 0.9 = 0.787, of B 0.4 / 3 + 0.8 * 0.4 = 0.453; with
    alpha 0.9 it is 0.39 against 0.64."""
    slots = network([said("A", 0.9), said("B", 0.3), said("B", 0.5)])
    assert voted(slots, Vote(0.2, 0.0)) == ["A"] and voted(slots, Vote(0.9, 0.0)) == ["B"]


def test_of_equals_the_first_system_counts_and_silence_is_a_vote_for_nothing():
    assert voted(network([said("A"), said("B")]), Vote(1.0, 0.0)) == ["A"]
    assert voted(network([said("A"), said(""), said("")]), Vote(1.0, 0.0)) == []
    assert voted(network([said(""), said("")]), Vote(1.0, 0.0)) == [] == voted(network([]), Vote(1.0, 0.0))


@pytest.mark.parametrize("strings", [("a b c",) * 3, ("a a b", "a b", "a a a b"), ("x y", "y x", "x y")])
def test_every_string_is_in_its_network(strings: tuple[str, ...]):
    slots = network([said(labels) for labels in strings])
    for number, labels in enumerate(strings):
        assert [slot[number][0] for slot in slots if slot[number][0]] == labels.split()
    assert all(len(slot) == len(strings) for slot in slots)


def test_dev_says_whether_numbers_or_confidence_count():
    systems = [{"u": said("A C", 0.9)}, {"u": said("B C", 0.2)}, {"u": said("B D", 0.2)}]
    for right, alpha in ((["A", "C"], 0.0), (["B", "C"], 1.0)):
        tried = tune_vote(systems, {"u": right})
        best = min(tried, key=tried.__getitem__)
        assert tried[best] == 0 and abs(best.alpha - alpha) <= 0.7


def test_what_has_no_confidence_is_one_line(tmp_path: Path):
    path = tmp_path / "words.ctm"
    path.write_text("u 1 0.0 0.1 A 0.5\nu 1 0.1 0.1 SIL 1.0\nu 1 0.2 0.1 B 1.000\n")
    assert read_said(path) == {"u": [("A", 0.5), ("B", 1.0)]}
    for bad in ("u 1 0.0 0.1 A", "u 1 0.0 0.1 A nan", "u 1 0.0 0.1 A 2", ""):
        path.write_text(f"u 1 0.0 0.1 A 0.5\n{bad}\n")
        with pytest.raises(UserError, match="words.ctm:2: .*make decode"):
            read_said(path)
