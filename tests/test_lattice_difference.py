"""What only one of two lattices considered: worked by hand."""

from __future__ import annotations

import json
import math

import pytest
from helpers.lattices import lattice_of

from lexicon.phones import INVENTORY
from pipeline.lattice.difference import Considered, Tally, as_json, difference, in_order, readable, tally
from pipeline.times.clock import frame_to_seconds
from pipeline.times.intervals import Interval

# SIL, then AH, then S (0.7) or Z (0.3), each ten frames or more; and a network that says AH in a spike and Z or
# nothing.
HMM = lattice_of(
    [0, 10, 20, 40], [(0, 1, "SIL", 0.0), (1, 2, "AH", 0.0), (2, 3, "S", math.log(0.7)), (2, 3, "Z", math.log(0.3))]
)
CTC = lattice_of(
    [0, 12, 16, 28, 32, 40],
    [
        (0, 1, "<blk>", 0.0),
        (1, 2, "AH", 0.0),
        (2, 3, "<blk>", 0.0),
        (3, 4, "Z", math.log(0.6)),
        (3, 4, "<blk>", math.log(0.4)),
        (4, 5, "<blk>", 0.0),
    ],
)


def seconds(start: int, end: int, label: str) -> Interval:
    return Interval(float(frame_to_seconds(start)), float(frame_to_seconds(end)), label)


def rows(found: list[Considered]) -> list[tuple]:
    return [
        (phone.label, phone.start, phone.end, pytest.approx(phone.first), pytest.approx(phone.second), phone.by)
        for phone in found
    ]


def test_a_spike_and_a_stretch_are_one_phone_and_silence_is_none():
    assert rows(difference(HMM, CTC)) == [
        ("AH", 10, 20, 1.0, 1.0, "both"),
        ("S", 20, 40, 0.7, 0.0, "first"),
        ("Z", 20, 40, 0.3, 0.6, "both"),
    ]
    assert rows(difference(CTC, HMM)) == [
        ("AH", 10, 20, 1.0, 1.0, "both"),
        ("S", 20, 40, 0.0, 0.7, "second"),
        ("Z", 20, 40, 0.6, 0.3, "both"),
    ]


def test_classes_that_are_folded_are_one_phone():
    assert rows(difference(HMM, CTC, {"S": "Z"})) == [("AH", 10, 20, 1.0, 1.0, "both"), ("Z", 20, 40, 1.0, 0.6, "both")]


@pytest.mark.parametrize("gap,one", [(4, True), (5, False)])
def test_how_near_is_one_phone(gap, one):
    early = lattice_of([0, 10, 40], [(0, 1, "B", 0.0), (1, 2, "SIL", 0.0)])
    late = lattice_of([0, 10 + gap, 20 + gap, 40], [(0, 1, "SIL", 0.0), (1, 2, "B", 0.0), (2, 3, "SIL", 0.0)])
    found = difference(early, late)
    assert [phone.by for phone in found] == (["both"] if one else ["first", "second"])


def test_what_is_next_to_nothing_was_not_considered():
    rare = lattice_of([0, 10], [(0, 1, "B", math.log(0.995)), (0, 1, "D", math.log(0.005))])
    certain = lattice_of([0, 10], [(0, 1, "D", 0.0)])
    assert [(phone.label, phone.by) for phone in difference(rare, certain)] == [("B", "first"), ("D", "second")]


def test_the_summary_counts_right_and_wrong_by_class():
    tallies: dict[str, Tally] = {}
    reference = [seconds(0, 10, "SIL"), seconds(9, 20, "AH"), seconds(21, 40, "S"), seconds(50, 60, "K")]
    tally(difference(HMM, CTC), reference, INVENTORY, {}, tallies)
    assert {name: own.reference for name, own in in_order(tallies).items()} == {
        "vowel": 1,
        "fricative": 1,
        "stop": 1,
        "all": 3,
    }
    assert tallies["vowel"].right["both"].tolist() == pytest.approx([1, 1, 1])
    assert tallies["fricative"].right["first"].tolist() == pytest.approx([1, 0.7, 0])  # S
    assert tallies["fricative"].wrong["both"].tolist() == pytest.approx([1, 0.3, 0.6])  # Z
    assert tallies["stop"].right["neither"].tolist() == [1, 0, 0]
    lines = readable(tallies, "gmm", "neural")
    cells = {line.split()[0]: line.split()[1:] for line in lines if line.startswith("  ")}
    assert lines[2].split() == ["vowel", "1", "100.0", "0.0", "-", "0.0", "-", "0.0"]
    assert next(line.split() for line in lines if line.startswith("  all")) == (
        ["all", "3", "33.3", "33.3", "0.70", "0.0", "-", "33.3"]
    )
    assert cells["all"] == ["1", "33.3", "0.0", "-", "0.0", "-"]  # the last table
    assert max(map(len, lines)) <= 130 and json.dumps(as_json(in_order(tallies)["all"]))
