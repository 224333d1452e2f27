"""Sweeps of a toy whose best readings are known: rates, the setting in use, beams that are too narrow, the picture."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import asdict, replace
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest
from helpers.causes import PHONES, ctc
from helpers.langs import BUGS_ARPA, make_lang, unigram_arpa

from lexicon.errors import UserError
from lexicon.lang import Lang
from lexicon.phones import spoken
from pipeline.draw.sweep_svg import sweep_svg
from pipeline.neural.paths import greedy
from pipeline.search.decode import SearchSettings, as_flashlight, word_decoder
from pipeline.search.flashlight import FlashlightSettings
from pipeline.search.sweep import (
    GREEDY,
    LEXICON_FREE,
    Dev,
    Row,
    chosen_knobs,
    grid,
    readable_lines,
    sweep,
    trials,
    tsv_lines,
    values_in_use,
)
from pipeline.search.tuning import Tuned
from pipeline.search.wfst import Beams

TOKENS = ["<blk>", *PHONES]
SYSTEM = replace(ctc(), posteriors=lambda feats: feats, tokens=TOKENS)
SETTINGS = SearchSettings(0.8, -0.5)
OPEN = replace(as_flashlight(SETTINGS), beam_size=2000, beam_size_token=7, beam_threshold=500.0)
WIDE = Beams(500.0, 2.0)


@pytest.fixture
def bugs(tmp_path: Path) -> Lang:
    lang = make_lang(tmp_path / "lang", ["BUGS 1.0 B AH G Z", "BUNNY 1.0 B AH N IY"], BUGS_ARPA)
    (lang.path / "phone_lm.arpa").write_text(unigram_arpa(dict.fromkeys(PHONES, -0.8)))
    return lang


def tuned(search: str) -> Tuned:
    return Tuned(search, SETTINGS, SETTINGS)


def dev_of(lang: Lang, search: str) -> Dev:
    """Noise in which was said what the search with its beam wide open hears."""
    rng = np.random.default_rng(3)
    scores = {f"u{i}": np.log(rng.dirichlet(np.full(len(TOKENS), 0.3), 14) + 1e-3).astype(np.float32) for i in range(8)}
    decoder = word_decoder(SYSTEM, lang, search, SETTINGS, WIDE, flashlight=OPEN)
    heard = {utt: decoder.decode(utt, x, len(x)) for utt, x in scores.items()}
    return Dev(
        scores,
        {utt: (x, len(x)) for utt, x in scores.items()},
        {utt: [word.label for word in h.words] for utt, h in heard.items()},
        {utt: spoken(phone.label for phone in h.phones) for utt, h in heard.items()},
        {},
        2.0,
    )


def rows_of(lang: Lang, search: str, wanted: tuple[str, ...] = (), jobs: int = 1) -> tuple[Dev, list[Row]]:
    dev, used = dev_of(lang, search), values_in_use(tuned(search), WIDE, OPEN)
    planned = trials(SYSTEM, lang, tuned(search), used, dev, chosen_knobs(SYSTEM, used, wanted))
    return dev, list(sweep(SYSTEM, planned, dev, jobs))


def by_knob(rows: list[Row]) -> Iterator[tuple[str, list[Row]]]:
    return ((knob, list(own)) for knob, own in groupby(rows, lambda row: row.knob))


@pytest.mark.parametrize("search", ["flashlight", "wfst"])
def test_wide_open_it_hears_what_was_said_and_narrow_it_does_not(bugs: Lang, search: str):
    dev, rows = rows_of(bugs, search)
    assert sum(map(len, dev.words.values())) > 8  # there is something to get wrong
    assert all(row.wer == row.per == 0 for row in rows if row.used)
    first = {knob: own[0] for knob, own in by_knob(rows)}
    for knob in ("beam_size", "beam_size_token", "beam_threshold") if search == "flashlight" else ("beam",):
        assert first[knob].wer > 0 and not first[knob].used


@pytest.mark.parametrize("search", ["flashlight", "wfst"])
def test_every_knob_has_its_grid_and_the_setting_in_use_once(bugs: Lang, search: str):
    _, rows = rows_of(bugs, search)
    settings = {**asdict(OPEN)} if search == "flashlight" else {**asdict(SETTINGS), **asdict(WIDE)}
    for knob, own in by_knob(rows):
        if knob in (GREEDY, LEXICON_FREE):
            assert all(math.isnan(row.wer) and not row.used for row in own)
            continue
        assert [row.value for row in own] == grid(knob, settings[knob]) and len(own) > 1
        assert [row.value for row in own if row.used] == [settings[knob]]
        assert len({(row.wer, row.per, row.rtf) for row in rows if row.used}) == 1  # it was measured once
    assert {knob for knob, _ in by_knob(rows)} == {*settings, GREEDY, LEXICON_FREE}


def test_without_words_there_is_the_per_of_the_best_path(bugs: Lang):
    dev, rows = rows_of(bugs, "wfst", (GREEDY, LEXICON_FREE))
    heard = {utt: [TOKENS[token] for token, _, _ in greedy(x)] for utt, x in dev.feats.items()}
    wrong = sum(distance(heard[utt], dev.phones[utt]) for utt in heard)
    per = 100 * wrong / sum(map(len, dev.phones.values()))
    assert [rows[0].knob, rows[1].knob, rows[1].value] == [GREEDY, LEXICON_FREE, 0.0]
    assert rows[0].per == pytest.approx(per)
    assert rows[1].per == pytest.approx(per)  # of no weight, the grammar is none


def distance(a: list[str], b: list[str]) -> int:
    """Edit distance, by its definition."""
    table = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        before, table[0] = table[0], i
        for j, y in enumerate(b, 1):
            before, table[j] = table[j], min(table[j] + 1, table[j - 1] + 1, before + (x != y))
    return table[-1]


def test_the_number_of_jobs_changes_times_alone(bugs: Lang):
    knobs = ("beam_size_token", "sil_score", GREEDY)
    one, two = ([replace(row, rtf=0.0) for row in rows_of(bugs, "flashlight", knobs, jobs)[1]] for jobs in (1, 2))
    assert repr(one) == repr(two)  # NaN is no equal of itself
    assert len(one) > 10


def test_knobs_that_there_are_not():
    used = values_in_use(tuned("wfst"), Beams(), FlashlightSettings())
    assert chosen_knobs(ctc(), used, ()) == ["acoustic_scale", "insertion_score", "beam", "lattice_beam"]
    with pytest.raises(UserError, match="--knobs beam_size greedy: unknown to this search; there are: acoustic_scale"):
        chosen_knobs(ctc(), used, ["beam_size", "beam", "greedy"])


ROWS = [
    Row("beam_size", 5, 40.0, 30.0, 0.002, False),
    Row("beam_size", 200, 10.0, 8.0, 0.01, True),
    Row("log_add", False, 10.0, 8.0, 0.01, True),
    Row("log_add", True, 9.5, 8.1, 0.02, False),
    Row(GREEDY, math.nan, math.nan, 22.25, 0.001, False),
]


def test_tables():
    assert [line.split("\t") for line in tsv_lines(ROWS)] == [
        ["knob", "value", "WER", "PER", "free PER", "RTF", "in use"],
        ["beam_size", "5", "40.00", "30.00", "", "0.00200", "no"],
        ["beam_size", "200", "10.00", "8.00", "", "0.01000", "yes"],
        ["log_add", "no", "10.00", "8.00", "", "0.01000", "yes"],
        ["log_add", "yes", "9.50", "8.10", "", "0.02000", "no"],
        ["greedy", "", "", "", "22.25", "0.00100", "no"],
    ]
    lines = readable_lines("neural", ROWS, Dev({}, {}, {"u": ("A", "B")}, {}, {}, 90.0))
    assert lines[0].startswith("neural on dev: 1 utterances, 2 words, 1.5 min") and max(map(len, lines)) <= 100
    assert [line.split() for line in lines[5:13]] == [
        ["beam_size", "5", "40.0", "30.0", "0.0020"],
        ["beam_size", "200", "*", "10.0", "8.0", "0.0100"],
        [],
        ["log_add", "no", "*", "10.0", "8.0", "0.0100"],
        ["log_add", "yes", "9.5", "8.1", "0.0200"],
        [],
        ["greedy", "22.2", "0.0010"],
        [],
    ]


def test_the_picture_has_a_line_for_each_knob_and_a_mark_for_each_value():
    picture = ET.fromstring("\n".join(sweep_svg("a <b> & c", ROWS)))
    tags = [(one.tag.rpartition("}")[2], one.get("class", "")) for one in picture.iter()]
    assert sum(name == "path" and kind.startswith("line ") for name, kind in tags) == 2 + 3  # of WER, of PER
    assert tags.count(("circle", "used")) == 2
    titles = [one.text for one in picture.iter("{http://www.w3.org/2000/svg}title")]
    assert titles[0].startswith("a <b> & c on dev") and len(titles) == 1 + 4 + 5
    assert "beam_size 5: WER 40.0 %, real-time factor 0.0020" in titles
    assert "log_add yes: PER 8.1 %, real-time factor 0.0200" in titles


def test_faster_is_further_left_and_better_further_down():
    picture = ET.fromstring("\n".join(sweep_svg("x", ROWS)))
    line = next(one for one in picture.iter() if one.get("class") == "line k0")
    (x0, y0), (x1, y1) = ([float(n) for n in point.split()] for point in line.get("d")[1:].split("L"))
    assert x0 < x1 and y0 < y1
    assert ET.fromstring("\n".join(sweep_svg("x", [replace(ROWS[0], wer=0.0, per=0.0)]))) is not None
