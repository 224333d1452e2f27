"""What the stages show of one utterance: pictures worked out by hand, and pages of a small corpus."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from lexicon.errors import UserError
from lexicon.lang import build_lang, given_lexicon
from lexicon.ngram import estimate
from lexicon.text import width_of
from pipeline.datadir import Utterance, write_datadir
from pipeline.draw.chart import PLOT, Ruler, fit, level, rulers, shades, table, waveform, wrap
from pipeline.show import alignment, results, sound, words
from pipeline.show.place import PARTS, Place, find_utterance
from pipeline.times.intervals import Interval
from stages.common import PRINTED, show

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
    assert ruler.pool(values, times).tolist() == [[0.5, 0.5]]
    assert ruler.pool(values, times, peaks=True).tolist() == [[1.0, 0.5]]


# ---- words


def test_the_n_gram_a_probability_stands_on() -> None:
    lm = estimate([("A", "B"), ("A", "B"), ("B", "C")], 2, ["D"])
    assert words._ground(lm, ("A",), "B") == "bigram A B"
    assert words._ground(lm, ("A",), "C") == "unigram C; A C unseen"
    assert words._ground(lm, ("<s>",), "X").startswith("never: not in the vocabulary")


# ---- another alphabet, and words that the vocabulary lacks

RUSSIAN = {"train": "МИР ТЕБЕ", "dev": "МИР", "test": "ТЕБЕ ЗЕМЛЯ"}
LEXICON = "МИР mʲ i r\nТЕБЕ tʲ ɪ bʲ e\nТЕБЕ tʲ i bʲ e\nЗЕМЛЯ zʲ ɪ m lʲ a\n"


@pytest.fixture
def russian(tmp_path: Path) -> Place:
    """One utterance in each set, a second of a 500 Hz tone with silence around, and an open vocabulary."""
    data, wav = tmp_path / "data/mir", tmp_path / "тон.wav"
    second = np.arange(8000) / 8000
    soundfile.write(wav, 0.5 * np.sin(2 * np.pi * 500 * second) * ((second > 0.25) & (second < 0.75)), 8000)
    for part, text in RUSSIAN.items():
        write_datadir(data / part, [Utterance(f"{part}-1", "аня", wav, tuple(text.split()), 8000)])
    (data / "splits.json").write_text('{"sample_rate": 8000}')
    (data / "lexicon.txt").write_text(LEXICON)
    build_lang(data, data / "lang", vocab="open", given=given_lexicon(data))
    part, utterance = find_utterance(data, "test-1", PARTS)
    return Place(data, tmp_path / "exp/mir", data / "lang", part, utterance, "gmm", ("gmm",))


def test_words_in_another_alphabet_have_their_ipa(russian: Place) -> None:
    lines = words.lexicon(russian).lines
    assert max(map(width_of, lines)) <= 100
    rows = [line.split() for line in lines]
    assert ["ТЕБЕ", "1.00", "tʲ", "ɪ", "bʲ", "e", "/tʲɪbʲe/"] in rows
    assert ["1.00", "tʲ", "i", "bʲ", "e", "/tʲibʲe/"] in rows
    # ЗЕМЛЯ does not occur in train: with an open vocabulary nothing can recognise it.
    assert next(line for line in lines if "/zʲɪmlʲa/" in line).endswith("not in the vocabulary")
    assert next(line for line in lines if line.startswith("  ЗЕМЛЯ ") and "never" in line)


def test_a_tone_is_seen_where_it_is(russian: Place) -> None:
    lines = sound.data(russian).lines
    assert "out        samples (8000,) float32, in [-1, 1] (full scale 1), mono, 8000 Hz:" in lines
    # Half a second of a sine of half the scale: 0.5 / sqrt(2) in half of the time.
    assert any(line.startswith("level      -12.0 dBFS") for line in lines) and max(map(width_of, lines)) <= 100
    band = next(line for line in lines if line.startswith("0.5 kHz"))
    begins = next(line for line in lines if "│0.2" in line).index("│0.0")
    dark = [column - begins for column, sign in enumerate(band) if sign in "▓█"]
    # Columns of 20 ms are dark from 0.25 to 0.75 s.
    assert abs(dark[0] - 12.5) < 1 and abs(dark[-1] - 37) <= 1 and len(dark) == dark[-1] - dark[0] + 1
    assert all(not set(line) & set("▓█") for line in lines if line.startswith(("3 kHz", "4 kHz")))


def test_what_is_not_there_yet_is_said_in_a_line(russian: Place) -> None:
    with pytest.raises(UserError, match="feats.scp: no such index"):
        sound.mfcc(russian)
    with pytest.raises(UserError, match='"test-1" is not aligned by gmm'):
        alignment.align(russian)
    with pytest.raises(UserError, match="gmm: not decoded in .*; run: make"):
        results.decode(russian)


def test_an_utterance_is_found_in_whichever_set_has_it(russian: Place) -> None:
    assert find_utterance(russian.data, "train-1", PARTS)[0] == "train"
    with pytest.raises(UserError, match=r'UTT "train-2" is not in .*mir/\{test,dev,train\}/text; did you mean train-1'):
        find_utterance(russian.data, "train-2", PARTS)


# ---- alignments side by side


def aligned(name: str, *phones: tuple[str, float, float]) -> alignment.Aligned:
    pieces = [alignment.Rated(Interval(start, end, label), confidence=0.5) for label, start, end in phones]
    return alignment.Aligned(name, [alignment.Rated(Interval(0.1, 0.3, "CAT"))], pieces)


def test_starts_that_lie_far_apart_are_marked_and_strangers_named() -> None:
    first = aligned("gmm", ("SIL", 0.0, 0.1), ("K", 0.1, 0.15), ("AE", 0.15, 0.25), ("T", 0.25, 0.3))
    other = aligned("neural", ("K", 0.12, 0.2), ("EH", 0.18, 0.25), ("T", 0.23, 0.3), ("S", 0.3, 0.4))
    lines = alignment._side_by_side(first, [other], {})
    assert [line.split() for line in lines[1:4]] == [
        ["CAT", "K", "0.10", "50", "0.50", "+20", "80", "0.50"],
        ["AE", "0.15", "100", "0.50", "EH", "+30*", "70", "0.50"],
        ["T", "0.25", "50", "0.50", "-20", "70", "0.50"],
    ]
    assert lines[4] == "  neural has S at 0.30 s, which matches none of these."
    # Folded, EH and AE are one: it is not named.
    assert alignment._side_by_side(first, [other], {"EH": "AE"})[2].split()[4:] == ["+30*", "70", "0.50"]


# ---- on the screen


def test_of_many_lines_the_first_are_printed_and_all_are_written(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    lines, path = [f"line {number}" for number in range(PRINTED + 2)], tmp_path / "exp/show/u.mfcc.txt"
    show(lines, path)
    assert capsys.readouterr().out.splitlines() == [*lines[:PRINTED], f"… 2 more lines in {path}", ""]
    assert path.read_text().splitlines() == lines
    show(lines[:PRINTED], path)
    assert capsys.readouterr().out.splitlines() == [*lines[:PRINTED], ""]
