"""Boundaries against a hand-worked example."""

from __future__ import annotations

import pytest

from pipeline.align.boundaries import compare_boundaries, join_closures, table
from pipeline.times.intervals import Interval

FOLD = {"h#": "SIL", "tcl": "SIL", "ae": "AE", "t": "T", "k": "K", "kcl": "SIL"}


def tier(text: str) -> list[Interval]:
    """`label@seconds` items; each ends where the next begins."""
    items = [item.split("@") for item in text.split()]
    times = [float(time) for _, time in items]
    return [Interval(start, end, label) for (label, _), start, end in zip(items, times, [*times[1:], times[-1] + 0.1])]


def test_a_closure_belongs_to_its_burst_and_to_no_other():
    joined = join_closures(tier("h#@0 kcl@.1 k@.15 ae@.2 tcl@.4 h#@.5 tcl@.6 k@.7"))
    assert [(i.label, i.start) for i in joined] == [
        ("h#", 0),
        ("k", 0.1),
        ("ae", 0.2),
        ("tcl", 0.4),
        ("h#", 0.5),
        ("tcl", 0.6),
        ("k", 0.7),
    ]


def test_start_times_of_matching_phones():
    """K 10 ms late, AE 30 ms early, T recognised as D: two of three match; the pause does not count."""
    gold = {"u": tier("h#@0 kcl@.1 k@.15 ae@.2 tcl@.4 t@.45 h#@.5"), "v": tier("ae@0")}
    ours = {"u": tier("SIL@0 K@.11 AE@.17 D@.4 SIL@.5")}
    found = compare_boundaries(gold, ours, FOLD)
    assert found.errors.tolist() == pytest.approx([0.01, -0.03]) and found.total == 4
    assert found.row() == ["2 of 4", "-10.0", "20.0", "20.0", "50.0", "50.0", "50.0", "100.0"]
    assert [len(line) for line in table({"gmm": found})] == [len(table({"gmm": found})[0])] * 2


def test_an_error_of_exactly_a_limit_is_within_it():
    """0.32 - 0.30 is 20.000000000000018 ms to a computer."""
    gold = {"u": [Interval(0.30, 0.50, "AA")]}
    found = compare_boundaries(gold, {"u": [Interval(0.32, 0.50, "AA")]}, {})
    assert found.row()[-4:] == ["0.0", "100.0", "100.0", "100.0"]


def test_nothing_recognised():
    assert compare_boundaries({"u": tier("ae@0")}, {}, FOLD).row() == ["0 of 1", "-", "-", "-", "-", "-", "-", "-"]
