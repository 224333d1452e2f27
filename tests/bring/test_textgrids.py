"""TextGrids of several speakers and forms give utterances and gold phones, or are refused by name."""

from __future__ import annotations

import pytest
from praatio import textgrid

from bring.times import HEAD, grid, prepared_with, read_back
from pipeline.times.clock import frame_to_seconds
from pipeline.times.segments import Segment
from pipeline.times.textgrid import read_textgrid, write_textgrid

TWO = {
    "ann - words": [(0, 0.2, ""), (0.2, 0.6, "hello"), (0.6, 3, "")],
    "ann - phones": [(0, 0.2, "sil"), (0.2, 0.4, "HH"), (0.4, 0.6, "AH0"), (0.6, 3, "sil")],
    "bob - words": [(0, 1.5, ""), (1.5, 2, "good"), (2, 2.4, "day"), (2.4, 3, "")],
    "bob - phones": [(1.5, 2, "G"), (2, 2.4, "D")],
}
SENTENCES = {
    "ann - words": [(0.2, 0.6, "hello"), (0.7, 0.9, "bob")],
    "ann - utterance": [(0.1, 1, "hello, Bob!"), (2, 3, "<unk>")],
    "bob - utterances": [(1.2, 2.5, "good day")],
}
GRIDS = {
    "two speakers, as MFA writes them": (
        TWO,
        3,
        [
            (
                "ann",
                (0.1, 0.7),
                "HELLO",
                [(0.1, 0.5, "HELLO")],
                [(0, 0.1, "SIL"), (0.1, 0.3, "HH"), (0.3, 0.5, "AH0"), (0.5, 0.6, "SIL")],
            ),
            ("bob", (1.4, 2.5), "GOOD DAY", [(0.1, 0.6, "GOOD"), (0.6, 1, "DAY")], [(0.1, 0.6, "G"), (0.6, 1, "D")]),
        ],
    ),
    "sentences are the segments": (
        SENTENCES,
        3,
        [
            ("ann", (0.1, 1), "HELLO BOB", [(0.1, 0.5, "HELLO"), (0.6, 0.8, "BOB")], []),
            ("bob", (1.2, 2.5), "GOOD DAY", [], []),
        ],
    ),
    "a pause of half a second ends a segment": (
        {"ann - words": [(0, 0.3, "a"), (0.79, 1, "b"), (1.5, 1.95, "c")], "bob - words": [(0, 2, "")]},
        2,
        [("ann", (0, 1.1), "A B", [(0, 0.3, "A"), (0.79, 1, "B")], []), ("ann", (1.4, 2), "C", [(0.1, 0.55, "C")], [])],
    ),
    "a speaker with a name, another without": (
        {"words": [(0, 0.4, "yes")], "bob - words": [(0.5, 1, "no")]},
        1,
        [("bob", (0.4, 1), "NO", [(0.1, 0.6, "NO")], []), ("mine", (0, 0.5), "YES", [(0, 0.4, "YES")], [])],
    ),
    "one speaker's grid names the speaker": (
        {"ann - words": [(0, 1, "yes")]},
        1,
        [("ann", None, "YES", [(0, 1, "YES")], [])],
    ),
    "word class and wordcount are no words": (
        {
            "word class": [(0, 1, "noun")],
            "wordcount": [(0, 1, "two")],
            "phone_number": [(0, 1, "five")],
            "segmentation notes": [(0, 1, "x")],
            "words": [(0, 0.5, "old"), (0.5, 1, "men")],
        },
        1,
        [("mine", None, "OLD MEN", [(0, 0.5, "OLD"), (0.5, 1, "MEN")], [])],
    ),
    "WebMAUS": (
        {
            "ORT-MAU": [(0, 1, "ja")],
            "KAN-MAU": [(0, 1, "ja:")],
            "MAU": [(0, 0.1, "<p:>"), (0.1, 0.5, "j"), (0.5, 1, "a:")],
        },
        1,
        [("mine", None, "JA", [(0, 1, "JA")], [(0, 0.1, "SIL"), (0.1, 0.5, "j"), (0.5, 1, "a:")])],
    ),
    "noises are no words": (
        {
            "words": [
                (i / 10, (i + 1) / 10, label)
                for i, label in enumerate(
                    ["<unk>", "spn", "sil", "<eps>", "sp", "", "{SL}", "[bracketed]", "yes", "!EXIT"]
                )
            ],
            "phones": [(0, 0.1, "spn"), (0.8, 0.9, "Y"), (0.9, 1, "{NS}")],
        },
        1,
        [("mine", None, "YES", [(0.8, 0.9, "YES")], [(0, 0.1, "SIL"), (0.8, 0.9, "Y"), (0.9, 1, "SIL")])],
    ),
}


@pytest.mark.parametrize("tiers,seconds,expected", GRIDS.values(), ids=GRIDS)
def test_grids_give_utterances_and_gold(tmp_path, tiers, seconds, expected):
    prepared = prepared_with(tmp_path / "mine", seconds, {".TextGrid": grid(tiers, seconds)})
    assert read_back(prepared, tmp_path) == expected


SHIFTED = {  # start and end of the grid, length of the sound: cut, start and end of the word
    "begins at 10 s, as long as the sound": (10, 11, 1, None, 0.2, 1),
    "within the sound": (2, 3, 4, (2, 3), 0.2, 1),
    "begins before 0": (-0.2, 0.8, 1, None, 0.2, 1),
    "30 ms longer": (0, 1.03, 1, None, 0.2, 1),
    "ends early": (0, 1, 2, (0, 1), 0.2, 1),
}


@pytest.mark.parametrize("start,end,seconds,cut,first,last", SHIFTED.values(), ids=SHIFTED)
def test_grids_that_begin_elsewhere_are_shifted(tmp_path, start, end, seconds, cut, first, last):
    entries = [(start, start + 0.2, ""), (start + 0.2, end, "yes")]
    for number, (tier, gold) in enumerate([("words", [(first, last, "YES")]), ("sentences", [])]):
        text = grid({tier: entries}, end, start)
        (found,) = read_back(
            prepared_with(tmp_path / f"{number}/mine", seconds, {".TextGrid": text}), tmp_path / f"{number}"
        )
        assert (found.cut, found.words, found.gold_words) == (cut, "YES", gold)


LONG = (
    HEAD
    + """xmin = 0
xmax = 1
tiers? <exists>
size = 1
item []:
    item[1]:
        class = "IntervalTier"
        name = "words"
        xmin = 0
        xmax = 1
        intervals: size = 2
        intervals[1]:
            xmin = 0
            xmax = 0.4
            text = "good"
        intervals[2]:
            xmin = 0.4
            xmax = 1
            text = "day"
"""
)
GOOD_DAY = [(0, 0.4, "good"), (0.4, 1, "day")]
POINTS = HEAD + '0\n1\n<exists>\n1\n"TextTier"\n"words"\n0\n1\n1\n0.5\n"yes"\n'
REFUSED = {
    "longer than the sound": grid({"words": [(0, 2, "yes")]}, 2),
    "begins at 10 s and longer": grid({"words": [(10, 12, "yes")]}, 12, 10),
    "a word after the end": grid({"words": [(0, 0.5, "yes"), (1.01, 1.03, "no")]}, 1.03),
    "size larger than what is there": LONG.replace("size = 2", "size = 3"),
    "size smaller than what is there": LONG.replace("size = 2", "size = 1"),
    "negative size": LONG.replace("size = 2", "size = -2"),
    "fewer tiers said than there are": grid({"words": GOOD_DAY, "x": GOOD_DAY}).replace("<exists>\n2", "<exists>\n1"),
    "cut short": LONG[:-20],
    "a negative time": LONG.replace("xmin = 0.4", "xmin = -0.4"),
    "a sign that stands alone": LONG.replace("xmax = 0.4", "xmax = - 0.4"),
    "decimal commas": LONG.replace("0.4", "0,4"),
    "points named words": POINTS,
    "binary": b"ooBinaryFile\x08TextGrid\x00\x00\x01",
    "a collection": HEAD.replace("TextGrid", "Collection") + "size = 2\n",
    "Latin-1": grid({"words": [(0, 1, "stra\u00dfe")]}).encode("latin-1"),
    "UTF-16 without its mark": grid({"words": GOOD_DAY}).encode("utf-16-le"),
    "nothing": "",
    "two tiers of one name": LONG.replace("size = 1", "size = 2", 1) + LONG[LONG.index("        class") :],
    "words twice, by other names": grid({"words": GOOD_DAY, "ORT": GOOD_DAY}),
    "only tiers of other names": grid({"word class": GOOD_DAY, "wordcount": GOOD_DAY}),
    "phones of a speaker without words": grid({"ann - words": GOOD_DAY, "bob - phones": GOOD_DAY}),
    "a word outside of the sentences": grid({"a - words": GOOD_DAY, "a - text": [(0, 0.4, "good")], "b - words": []}),
}


@pytest.mark.parametrize("content", REFUSED.values(), ids=REFUSED)
def test_grids_that_are_damaged_or_do_not_fit_are_refused(tmp_path, content):
    prepared = prepared_with(tmp_path / "mine", 1, {".TextGrid": content})
    ((name, error),) = prepared.unreadable
    assert name == "x" and "x.TextGrid: " in error and "; " in error
    assert "index out of range" not in error and "could not convert" not in error
    assert sum(map(len, prepared.sets.values())) == 12


def test_points_and_text_beside_several_speakers_are_named(tmp_path):
    ((_, error),) = prepared_with(tmp_path / "mine", 1, {".TextGrid": POINTS}).unreadable
    assert '"words"' in error and "points" in error
    ((_, error),) = prepared_with(tmp_path / "mine", 3, {".TextGrid": grid(TWO, 3), ".txt": "good day"}).unreadable
    assert "x.txt: " in error


# Forms of TextGrids

FORMS = {
    "item[1] without a space": LONG,
    "short": grid({"words": GOOD_DAY}),
    "free, with comments": '"ooTextFile" "TextGrid"\n0 1 ! from 0 to 1 s, 7 words "or" so\n<exists> 1 tier\n'
    '"IntervalTier" named "words" from 0 to 1 s, 2 intervals\n0 0.4 "good" and 0.4 1 "day"',
    "chronological": '"Praat chronological TextGrid text file"\n0 1   ! Time domain.\n2   ! Number of tiers.\n'
    '"TextTier" "tones" 0 1\n"IntervalTier" "words" 0 1\n\n2 0 0.4\n"good"\n\n1 0.2\n"H*"\n\n'
    '2 0.4 1\n"day"\n',
    "without spaces about =": LONG.replace(" = ", "="),
    "old short": grid({"words": GOOD_DAY}).replace('"ooTextFile"', '"ooTextFile short"'),
    "Windows' line ends": LONG.replace("\n", "\r\n"),
}


@pytest.mark.parametrize("content", FORMS.values(), ids=FORMS)
def test_praats_forms_are_one(tmp_path, content):
    (tmp_path / "x.TextGrid").write_bytes(content.encode())
    assert read_textgrid(tmp_path / "x.TextGrid").tiers["words"] == GOOD_DAY


@pytest.mark.parametrize("form", ["long_textgrid", "short_textgrid"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_praatio_writes_what_we_read(tmp_path, form, encoding):
    entries = [(0.125, 0.5, 'the "a" 7'), (0.5, 0.75, "two\nlines ! 3"), (0.75, 1.0, '"'), (1.25, 2.0, "xmin = -0.2")]
    made = textgrid.Textgrid(0, 3)
    made.addTier(textgrid.IntervalTier('an "old" tier', entries, 0, 3))
    made.addTier(textgrid.PointTier("words", [(0.3, "H*")], 0, 3))
    made.save(str(tmp_path / "a.TextGrid"), format=form, includeBlankSpaces=True)
    (tmp_path / "b.TextGrid").write_text((tmp_path / "a.TextGrid").read_text(), encoding=encoding)
    found = read_textgrid(tmp_path / "b.TextGrid")
    assert [i for i in found.tiers['an "old" tier'] if i.label] == entries
    assert (found.start, found.end, found.points) == (0, 3, ["words"])


def test_praatio_reads_what_we_write(tmp_path):
    segments = [Segment('say "a"', 0, 10), Segment("a\nb", 10, 32), Segment("ɛ̃", 32, 40)]
    write_textgrid(tmp_path / "u.TextGrid", {'a "tier"': segments}, 40)
    read = textgrid.openTextgrid(str(tmp_path / "u.TextGrid"), includeEmptyIntervals=False)
    entries = read.getTier('a "tier"').entries
    assert [entry.label for entry in entries] == [segment.label for segment in segments]
    assert [entry.start for entry in entries] == pytest.approx([frame_to_seconds(s.start) for s in segments])
    assert [i.label for i in read_textgrid(tmp_path / "u.TextGrid").tiers['a "tier"'] if i.label] == [
        segment.label for segment in segments
    ]
