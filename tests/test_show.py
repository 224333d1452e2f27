"""What the stages show of one utterance: pictures worked out by hand, and pages of a small corpus."""
from __future__ import annotations

import numpy as np
import pytest

from lexicon.ngram import estimate
from lexicon.text import width_of
from pipeline.intervals import Interval
from pipeline.show import words
from pipeline.show.chart import COLUMNS, PLOT, Ruler, fit, level, rulers, shades, table, waveform, wrap


# ---- charts

def test_what_a_terminal_shows_is_measured_in_its_columns() -> None:
    assert width_of("kʰa\u0303t") == 4 and width_of("日本") == 4 and width_of("क्या") == 3
    assert fit("日本語", 5) == "日本…" and fit("abc", 3) == "abc" and width_of(fit("日本語", 4)) <= 4


def test_a_long_word_goes_on_in_the_next_line_and_nothing_is_lost() -> None:
    lines = wrap("path", ["x" * 150, "end"])
    assert lines == ["path       " + "x" * 89, " " * 11 + "x" * 61 + " end"]


def test_columns_of_a_table_stand_under_each_other() -> None:
    assert table(["<word", "n"], [["A", "1"], ["日", "12"]]) == ["  word   n", "  A      1", "  日    12"]


def test_a_short_time_is_one_ruler_and_a_long_one_several_of_one_kind() -> None:
    assert rulers(0.0, 0.5) == [Ruler(0.0, 0.01, 50)]
    assert [(round(r.per_column, 3), r.columns) for r in rulers(0.0, 3.56)] == [(0.04, 89)]
    several = rulers(0.0, 15.0)
    assert len({round(r.per_column, 6) for r in several}) == 1 and all(r.columns <= PLOT for r in several)
    assert sum(r.columns for r in several) * several[0].per_column == pytest.approx(15.0, abs=0.04)
    assert all(b.start == pytest.approx(a.start + a.columns * a.per_column) for a, b in zip(several, several[1:]))
    # Rows of a network that takes every third frame are columns of 30 ms, or of a multiple of it.
    assert [(round(r.per_column, 3), r.columns) for r in rulers(0.0, 3.0, 30)] == [(0.03, 50), (0.03, 50)]


def test_names_stand_where_they_begin_and_make_way_for_the_next() -> None:
    ruler = Ruler(0.0, 0.01, 20)
    spans = [Interval(0.0, 0.03, "AH"), Interval(0.03, 0.05, "SIL"), Interval(0.05, 0.2, "T")]
    assert ruler.names(spans, "phones") == ["phones     │AH│S│T"]
    assert ruler.names(spans, "phones", 2) == ["phones     │AH  │T", "              │SIL"]
    assert ruler.axis() == "           │0.0      │0.1 s"
    later = Ruler(0.05, 0.01, 10)
    assert later.names(spans) == ["           │T"]


def test_a_sine_fills_its_rows_and_silence_is_one_line() -> None:
    ruler = Ruler(0.0, 0.01, 10)
    samples = np.sin(2 * np.pi * 400 * np.arange(800) / 8000).astype(np.float32)  # two periods in each half column
    assert waveform(samples, 8000, ruler, 1.0, rows=2) == ["⣿" * 10, "⣿" * 10]
    assert waveform(samples / 2, 8000, ruler, 1.0, rows=2) == ["⣤" * 10, "⠛" * 10]
    assert waveform(np.zeros(800, np.float32), 8000, ruler, 1.0, rows=2) == ["⠀" * 10, "⠉" * 10]


def test_shades_and_levels() -> None:
    assert shades(np.array([[0.0, 0.19, 0.2, 0.5, 0.99, 1.0, np.nan]])) == ["  ░▒██ "]
    assert level(0.5) == "█████·····" and level(1.2) == "██████████" and level(-1.0) == "··········"


def test_pooling_keeps_the_mean_or_the_peak() -> None:
    ruler = Ruler(0.0, 0.02, 2)
    values, times = np.array([[0.0, 1.0, 0.5, 0.5]]), np.array([0.005, 0.015, 0.025, 0.035])
    assert ruler.pool(values, times).tolist() == [[0.5, 0.5]] and ruler.pool(values, times, peaks=True).tolist() == [[1.0, 0.5]]


# ---- words

def test_the_n_gram_a_probability_stands_on() -> None:
    lm = estimate([("A", "B"), ("A", "B"), ("B", "C")], 2, ["D"])
    assert words._ground(lm, ("A",), "B") == "bigram A B"
    assert words._ground(lm, ("A",), "C") == "unigram C; A C unseen"
    assert words._ground(lm, ("<s>",), "X").startswith("never: not in the vocabulary")
