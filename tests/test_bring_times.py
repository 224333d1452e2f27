"""Time-aligned text from other tools: TextGrids of several speakers and forms, label files, gold phones of Kaldi."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import pytest
import soundfile
from bring import RATE, folder_of, noise
from praatio import textgrid

from lexicon.errors import UserError
from lexicon.fold import fold_of, unknown_labels
from lexicon.nonspeech import is_nonspeech
from lexicon.written import Written
from pipeline.classifier.labels import phone_of
from pipeline.corpora import own
from pipeline.corpora.label_file import read_labels
from pipeline.corpora.prepared import Prepared
from pipeline.corpora.transcript import words_of_file
from pipeline.datadir import read_datadir, write_datadir
from pipeline.datadir.check import Check
from pipeline.sound.audio import AudioInfo
from pipeline.times.clock import frame_to_seconds
from pipeline.times.segments import Segment
from pipeline.times.textgrid import read_textgrid, write_textgrid
from stages import align_text, prepare_data, score

Entry = tuple[float, float, str]
HEAD = 'File type = "ooTextFile"\nObject class = "TextGrid"\n\n'


def grid(tiers: Mapping[str, Sequence[Entry]], end: float = 1.0, start: float = 0.0) -> str:
    """A TextGrid in the short form, of intervals."""
    lines = [f"{start}", f"{end}", "<exists>", f"{len(tiers)}"]
    for name, entries in tiers.items():
        lines += ['"IntervalTier"', f'"{name}"', f"{start}", f"{end}", f"{len(entries)}"]
        lines += [f'{a}\n{b}\n"{label}"' for a, b, label in entries]
    return HEAD + "\n".join(lines) + "\n"


class Heard(NamedTuple):
    """An utterance of the recording x as it was read, times to the millisecond."""

    speaker: str
    cut: tuple[float, float] | None
    words: str
    gold_words: list[Entry]
    gold_phones: list[Entry]


def prepared_with(folder: Path, seconds: float, files: Mapping[str, str | bytes]) -> Prepared:
    """Twelve plain recordings, and x.wav with these files (by suffix) beside it."""
    folder_of(folder, ["yes"])
    soundfile.write(folder / "x.wav", noise(seconds, 99), RATE)
    for suffix, content in files.items():
        (folder / f"x{suffix}").write_bytes(content if isinstance(content, bytes) else content.encode())
    return own.prepare(folder).prepared


def heard(prepared: Prepared, tmp_path: Path) -> list[Heard]:
    """What is read of x, in order of ids, and `make check` has nothing against what is written of it."""
    assert prepared.unreadable == []
    gold = {name: {utt: getattr(placed, name) for utt, placed in prepared.gold.items()} for name in ("phones", "words")}
    found = []
    for name, members in prepared.sets.items():
        write_datadir(tmp_path / "written" / name, members, gold)
        assert [str(problem) for problem in Check(tmp_path / "written" / name).problems() if not problem.remark] == []
        assert [u.words for u in read_datadir(tmp_path / "written" / name)] == [u.words for u in members]
        found += [u for u in members if u.wav.stem == "x"]
    whole = all(u.cut is None or u.cut == (0, soundfile.info(u.wav).duration) for u in found)

    def times(intervals):
        return [(round(i.start, 3), round(i.end, 3), i.label) for i in intervals]

    return [
        Heard(
            u.speaker,
            None if whole else tuple(round(t, 3) for t in u.cut),
            " ".join(u.words),
            times(gold["words"].get(u.id, ())),
            times(gold["phones"].get(u.id, ())),
        )
        for u in sorted(found, key=lambda u: u.id)
    ]


# TextGrids: what is right

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
    assert heard(prepared, tmp_path) == expected


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
        (found,) = heard(
            prepared_with(tmp_path / f"{number}/mine", seconds, {".TextGrid": text}), tmp_path / f"{number}"
        )
        assert (found.cut, found.words, found.gold_words) == (cut, "YES", gold)


# TextGrids: what is refused, by the file's name

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


# Label files (a second of sound has 8000 samples)

ARCTIC = "separator ;\nnfields 1\n#\n0.1 125 pau\n0.4 125 hh\n0.8 125 ay\n1.0 125 pau\n"
LABELS = {  # files beside x.wav: words, gold words, gold phones
    "HTK words": (
        {".lab": "0 2300000 sil\n2300000 5000000 good\n5000000 9000000 day\n"},
        "GOOD DAY",
        [(0.23, 0.5, "GOOD"), (0.5, 0.9, "DAY")],
        [],
    ),
    "HTK phones, and a text": (
        {".lab": "0 2000000 sil\n2000000 6000000 hh\n6000000 10000000 ay\n", ".txt": "Hi."},
        "HI",
        [],
        [(0, 0.2, "SIL"), (0.2, 0.6, "hh"), (0.6, 1, "ay")],
    ),
    "HVite's triphones and scores": (
        {
            ".lab": "0 2000000 sil -92.5\n2000000 6000000 sil-hh+ay -120.25\n6000000 9900000 hh-ay+sil -1.0e2\n",
            ".txt": "hi",
        },
        "HI",
        [],
        [(0, 0.2, "SIL"), (0.2, 0.6, "hh"), (0.6, 0.99, "ay")],
    ),
    "TIMIT": (
        {
            ".txt": "0 8000 She had it.\n",
            ".wrd": "800 3200 she\n3200 4800 had\n4800 7600 it\n",
            ".phn": "0 800 h#\n800 2400 sh\n2400 3200 iy\n3200 4000 hv\n4000 4400 ae\n4400 4800 dcl\n4800 6000 ih\n"
            "6000 7200 tcl\n7200 7600 t\n7600 8000 h#\n",
        },
        "SHE HAD IT",
        [(0.1, 0.4, "SHE"), (0.4, 0.6, "HAD"), (0.6, 0.95, "IT")],
        [
            (0, 0.1, "SIL"),
            (0.1, 0.3, "sh"),
            (0.3, 0.4, "iy"),
            (0.4, 0.5, "hv"),
            (0.5, 0.55, "ae"),
            (0.55, 0.6, "dcl"),
            (0.6, 0.75, "ih"),
            (0.75, 0.9, "tcl"),
            (0.9, 0.95, "t"),
            (0.95, 1, "SIL"),
        ],
    ),
    "samples as .txt": (
        {".txt": "800 4000 yes\n4000 7900 madam\n"},
        "YES MADAM",
        [(0.1, 0.5, "YES"), (0.5, 0.988, "MADAM")],
        [],
    ),
    "Audacity, few labels": (
        {".txt": "0.100000\t0.150000\tyes\n0.700000\t0.760000\tno\n"},
        "YES NO",
        [(0.1, 0.15, "YES"), (0.7, 0.76, "NO")],
        [],
    ),
    "Audacity, one sentence, with frequencies": (
        {".txt": "0.100000\t0.900000\tgood day\n\\\t100.0\t4000.0\n"},
        "GOOD DAY",
        [],
        [],
    ),
    "Audacity with decimal commas": (
        {".txt": "0,100000\t0,500000\tgood\n0,500000\t0,900000\tday\n"},
        "GOOD DAY",
        [(0.1, 0.5, "GOOD"), (0.5, 0.9, "DAY")],
        [],
    ),
    "seconds, with spaces": (
        {".lab": "0.00 0.40 good\n0.40 1.00 day\n"},
        "GOOD DAY",
        [(0, 0.4, "GOOD"), (0.4, 1, "DAY")],
        [],
    ),
    "ESPS, as Festival and ARCTIC have it": (
        {".lab": ARCTIC, ".txt": "hi"},
        "HI",
        [],
        [(0, 0.1, "SIL"), (0.1, 0.4, "hh"), (0.4, 0.8, "ay"), (0.8, 1, "SIL")],
    ),
    "IPA phones": (
        {".lab": "0 3000000 t͡ʃ\n3000000 10000000 ˈɛ̃\n", ".txt": "chin"},
        "CHIN",
        [],
        [(0, 0.3, "t͡ʃ"), (0.3, 1, "ˈɛ̃")],
    ),
    "phones by their suffix": (
        {".phn": "0 3000 6\n3000 8000 aI_^\n", ".txt": "eye"},
        "EYE",
        [],
        [(0, 0.375, "6"), (0.375, 1, "aI_^")],
    ),
    "one word": ({".lab": "0 10000000 yes\n"}, "YES", [(0, 1, "YES")], []),
    "digits as labels": (
        {".lab": "0 4000000 one\n4000000 10000000 2\n"},
        "ONE TWO",
        [(0, 0.4, "ONE"), (0.4, 1, "TWO")],
        [],
    ),
    "text that begins with numbers": ({".txt": "12 34 people"}, "TWELVE THIRTY FOUR PEOPLE", [], []),
    "decimal numbers in a text": (
        {".txt": "2.5 3.5 million people\n"},
        "TWO POINT FIVE THREE POINT FIVE MILLION PEOPLE",
        [],
        [],
    ),
    "years": (
        {".txt": "1914 1918 war"},
        "ONE THOUSAND NINE HUNDRED FOURTEEN ONE THOUSAND NINE HUNDRED EIGHTEEN WAR",
        [],
        [],
    ),
    "digits alone": ({".txt": "0 1 2\n1 2 3\n"}, "ZERO ONE TWO ONE TWO THREE", [], []),
    "times in brackets": (
        {".txt": "[00:00.000 --> 00:00.400]  yes\n[00:00.400 --> 00:01.000]  no\n"},
        "YES NO",
        [],
        [],
    ),
    "one line with a clock time": ({".txt": "9:30 yes\n"}, "NINE THIRTY YES", [], []),
    "one line like a dialogue's": ({".txt": "Remember: yes"}, "REMEMBER YES", [], []),
    "one time in several lines": ({".txt": "2.5 million\npeople\n"}, "TWO POINT FIVE MILLION PEOPLE", [], []),
    "lines of text, one of which begins with numbers": ({".txt": "yes\n1 2 three\n"}, "YES ONE TWO THREE", [], []),
}


@pytest.mark.parametrize("files,words,gold_words,gold_phones", LABELS.values(), ids=LABELS)
def test_label_files_are_gold_and_text_is_text(tmp_path, files, words, gold_words, gold_phones):
    (found,) = heard(prepared_with(tmp_path / "mine", 1, files), tmp_path)
    assert found == ("mine", None, words, gold_words, gold_phones)


UNFIT = {
    "HTK of a longer sound": (".lab", "0 9000000 good\n9000000 20000000 day\n"),
    "one label of a longer sound": (".lab", "0 20000000 yes\n"),
    "TIMIT of a longer sound": (".txt", "0 46797 She had your dark suit.\n"),
    "seconds of a longer sound": (".txt", "0.0 3.5 good\n3.5 7.25 day\n"),
    "Audacity, overlapping": (".txt", "0.1\t0.5\tgood\n0.4\t0.9\tday\n"),
    "Audacity, a negative time": (".txt", "-0.2\t0.5\tgood\n0.5\t0.9\tday\n"),
    "Audacity, a point": (".txt", "0.1\t0.1\tgood\n0.5\t0.9\tday\n"),
    "most lines have times": (".lab", "0 2000000 sil\n2000000 5000000 good\n5000000 day\n9000000 10000000 sil\n"),
    "small numbers in several lines": (".txt", "12 34 people\n56 78 cats\n"),
    "subtitles": (".txt", "1\n00:00:00,000 --> 00:00:01,000\ngood day\n"),
    "a table with a header": (".txt", "start\tend\ttext\n0\t400\tgood\n400\t1000\tday\n"),
    "CTM": (".txt", "x 1 0.10 0.25 yes\nx 1 0.50 0.25 no\n"),
    "one line of CTM": (".txt", "x 1 0.10 0.25 yes\n"),
    "STM": (".txt", "x 1 ann 0.00 1.00 <o> yes no\n"),
    "CSV": (".txt", "start,end,word\n0.100,0.350,yes\n0.5,0.7,no\n"),
    "a start and how long": (".txt", "0.1 0.3 yes\n0.5 0.3 no\n"),
    "labels first": (".txt", "yes 0.1 0.4\nno 0.5 0.8\n"),
    "starts": (".txt", "0.1 yes\n0.5 no\n"),
    "clock times": (".txt", "0:00\nyes\n0:01\nno\n"),
    "SBV": (".txt", "0:00:00.000,0:00:00.400\nyes\n\n0:00:00.500,0:00:00.900\nno\n"),
    "a TextGrid": (".txt", grid({"words": [(0, 1, "yes")]})),
    "WebVTT": (".txt", "WEBVTT\n\nyes\n"),
    "RTF": (".txt", "{\\rtf1\\ansi\\f0 yes}"),
    "XML": (".txt", '<?xml version="1.0"?>\n<p>yes</p>\n'),
    "HTML": (".txt", "<html><title>x</title>yes</html>"),
    "JSON": (".txt", '{"text": "yes"}'),
    "CHAT": (".txt", "@Begin\n*A:\tyes\n"),
    "a master label file": (".lab", '#!MLF!#\n"*/x.lab"\nyes\n.\n'),
    "a dialogue": (".txt", "ANN: yes\nSpeaker 2: no\n"),
    ".phn that is none": (".phn", "h# sh iy h#\n"),
    "phones alone": (".lab", "0 2000000 sil\n2000000 6000000 hh\n6000000 10000000 ay\n"),
}


@pytest.mark.parametrize("suffix,content", UNFIT.values(), ids=UNFIT)
def test_label_files_that_do_not_fit_are_refused(tmp_path, suffix, content):
    ((name, error),) = prepared_with(tmp_path / "mine", 1, {suffix: content}).unreadable
    assert name == "x" and f"x{suffix}:" in error and "; " in error


@pytest.mark.parametrize(
    "labels,rate,other",
    [
        ("0 8000 h#\n8000 16000 aa\n", 48000, 16000),
        ("0 8000 h#\n8000 16000 aa\n", 22050, 16000),
        ("800 4000 yes\n4000 7200 no\n", 16000, 8000),
        ("0 8000 h#\n8000 16000 aa\n", 16000, None),
        ("0 8000 yes\n8000 15000 no\n", 24000, None),
        ("800 4000 yes\n4000 7200 no\n7200 16000 sil\n", 16000, None),
    ],
)
def test_samples_of_another_rate_are_named(tmp_path, labels, rate, other):
    """One second of sound, resampled after it was labelled."""
    (tmp_path / "x.wrd").write_text(labels)
    if other is None:
        assert read_labels(tmp_path / "x.wrd", AudioInfo(rate, rate, 1))[1].start == int(labels.split()[3]) / rate
    else:
        with pytest.raises(UserError, match=rf"x.wrd:2: sample .* but at {other} Hz the labels would end with"):
            read_labels(tmp_path / "x.wrd", AudioInfo(rate, rate, 1))


def test_the_name_of_the_recording_is_not_said(tmp_path):
    (tmp_path / "ann-01.txt").write_text("ann-01 yes")
    with pytest.raises(UserError, match=r'ann-01.txt:1: begins with the name of the recording, "ann-01"'):
        words_of_file(tmp_path / "ann-01.txt", Written())
    for name, text in (("yes", "yes no"), ("10", "10 words"), ("ann-01", "ann-01")):
        (tmp_path / f"{name}.txt").write_text(text)
        assert words_of_file(tmp_path / f"{name}.txt", Written())


# Gold phones


@pytest.mark.parametrize(
    "labels,fold",
    [
        ("HH_B AH0_I L_I OW1_E AY_S SIL SPN_S", {"HH_B": "HH", "AH0_I": "AH", "L_I": "L", "OW1_E": "OW", "AY_S": "AY"}),
        ("ah0 AY1 B", {"ah0": "AH", "AY1": "AY"}),
        ("t͡ʃ_B ˈa_I b_E", {"t͡ʃ_B": "t͡ʃ", "ˈa_I": "a", "b_E": "b"}),  # IPA keeps its small letters
        ("ˈa b d ø", {"ˈa": "a"}),
        ("a_B b d ø", {}),  # X-SAMPA's extra low tone
        ("NOTE_B blah_I", {"NOTE_B": "NOTE", "blah_I": "blah"}),
    ],
)
def test_stress_case_and_positions_are_folded(labels, fold):
    assert fold_of(labels.split()) == fold


def test_timits_labels_fold_as_lee_and_hon_did():
    fold = fold_of("h# sh iy hv ae dcl d ax-h q".split())
    assert [fold[label] for label in "hv dcl ax-h q ix zh".split()] == ["HH", "SIL", "AH", "SIL", "IH", "SH"]


@pytest.mark.parametrize(
    "labels,phones,unknown",
    [
        ("HH_B AH_I sil SIL", (), {}),
        ("foo_bar HH foo_bar", (), {"foo_bar": 2}),
        ("ɛ̃ t͡ʃ blah", (), {"blah": 1}),
        ("2 9 a", ("2", "9", "E"), {"a": 1}),
    ],
)
def test_labels_that_are_no_phones_are_counted(labels, phones, unknown):
    labels = labels.replace("sil", "SIL").split()
    assert unknown_labels(labels, fold_of(labels, phones), phones) == unknown


@pytest.mark.parametrize(
    "label,expected",
    [
        ("<unk>", True),
        ("[laughter] <cough>", True),
        ("(cough)", False),
        ("{SL}", True),
        ("SPN_S", True),
        (" ", True),
        ("h#", True),
        ("[laughter] hello [noise]", False),
        ("a", False),
        ("silence", False),
        ("<s", False),
    ],
)
def test_what_is_no_speech(label, expected):
    assert is_nonspeech(label) is expected


def test_labels_of_no_known_notation_are_not_taken_for_the_words_of_a_text(tmp_path):
    files = {".lab": "0 3000000 Q_6\n3000000 10000000 aI_^\n", ".txt": "eye"}
    ((_, error),) = prepared_with(tmp_path / "mine", 1, files).unreadable
    assert "x.lab: " in error and "x.phn" in error


def test_positions_teach_the_phones_they_are_of():
    transitions = SimpleNamespace(first_pdf={"SIL": 0, "HH": 5, "b": 8})
    labels = ["HH_B", "SIL", "AH_I"]
    assert [phone_of(label, transitions, fold_of(labels)) for label in labels] == ["HH", "SIL", None]
    assert phone_of("b", transitions, fold_of(["ˈa", "b", "ø"])) == "b"


def kaldi(folder: Path, ctm: str, name: str = "phones.ctm") -> Path:
    """Twelve utterances u00 ... of a second in a Kaldi data directory, with this gold."""
    folder_of(folder / "wav", ["yes"])
    ids = [f"u{number:02}" for number in range(12)]
    (folder / "wav.scp").write_text("".join(f"{utt} {folder}/wav/{utt}.wav\n" for utt in ids))
    (folder / "text").write_text("".join(f"{utt} yes\n" for utt in ids))
    (folder / "utt2spk").write_text("".join(f"{utt} {utt}\n" for utt in ids))
    (folder / name).write_text(ctm)
    return folder


def test_kaldis_gold_has_one_silence_and_no_positions(tmp_path):
    folder = kaldi(
        tmp_path / "k", "u00 1 0 0.5 SIL\nu00 1 0.5 0.25 Y_B\nu00 1 0.75 0.125 EH1_E\nu00 1 0.875 0.1 SPN_S\n"
    )
    (folder / "words.ctm").write_text("u00 1 0 0.5 <eps>\nu00 1 0.5 0.5 yes\nu01 1 0 1 [noise]\n")
    prepared = own.prepare(folder).prepared
    assert [i.label for i in prepared.gold["u00"].phones] == ["SIL", "Y_B", "EH1_E", "SIL"]
    assert [i.label for i in prepared.gold["u00"].words] == ["yes"] and "u01" not in prepared.gold
    assert prepared.fold == {"Y_B": "Y", "EH1_E": "EH"}


@pytest.mark.parametrize("end", [1.02, 1.5])
def test_make_check_and_make_data_agree_about_gold_beyond_the_end(tmp_path, end):
    folder = kaldi(tmp_path / "k", f"u00 1 0.5 {end - 0.5:g} Y\n")
    errors = [problem for problem in Check(folder).problems() if not problem.remark]
    unreadable = own.prepare(folder).prepared.unreadable
    assert len(errors) == len(unreadable) == (end > 1.05)
    assert all(name == "u00" for name, _ in unreadable)


def test_make_data_and_make_score_count_labels_that_are_no_phones(tmp_path, capsys):
    ctm = "".join(
        f"u{u:02} 1 {i / 4} 0.25 {label}\n" for u in range(12) for i, label in enumerate(["sil", "foo", "S", "b_r"])
    )
    folder, out = kaldi(tmp_path / "k", ctm), tmp_path / "data" / "k"
    prepare_data.main(Namespace(corpus="k", corpus_dir=str(folder), out=out, split=None, lexicon=None, allow_missing=0))
    said = capsys.readouterr().out
    assert "24 of 36 phones placed by hand are unknown (foo 12, b_r 12)" in said
    (out / "lang").mkdir()
    (out / "lang" / "phones.txt").write_text("<eps> 0\nSIL 1\nEH 2\nS 3\nY 4\n")
    test = [u.id for u in read_datadir(out / "test")]
    decode = tmp_path / "decode"
    decode.mkdir()
    for name, labels in (
        ("hyp.txt", "yes"),
        ("phones.txt", "Y EH S"),
        ("free.txt", "S"),
        ("reference.txt", "foo S b_r"),
    ):
        (decode / name).write_text("".join(f"{utt} {labels}\n" for utt in test))
    _, line = score.main(Namespace(decode=decode, data=out / "test", ref_phones=decode / "reference.txt"))
    assert f"{2 * len(test)} of {3 * len(test)} reference phones" in line and "foo" in line


def test_unreadable_files_do_not_hide_from_make_data(tmp_path):
    folder = folder_of(tmp_path / "mine", ["yes"])
    (folder / "u03.TextGrid").write_text(grid({"words": [(0, 5, "yes")]}, 5))
    with pytest.raises(UserError, match=r"u03\.TextGrid"):
        prepare_data.main(
            Namespace(
                corpus="m", corpus_dir=str(folder), out=tmp_path / "d/m", split=None, lexicon=None, allow_missing=0
            )
        )


# TEXTFILE of `make align`

SPOKEN = {
    "text.txt": "yes, [cough] no",
    "htk.lab": "0 4000000 yes\n4000000 8000000 no\n8000000 10000000 sil\n",
    "audacity.txt": "0.000\t0.500\tyes\n0.500\t1.000\tno\n",
    "words.wrd": "0 4000 yes\n4000 8000 no\n",
    "one.TextGrid": grid({"words": [(0, 0.4, "yes"), (0.4, 0.8, "no"), (0.8, 1, "sil")], "word class": [(0, 1, "a")]}),
    "two.TextGrid": grid(
        {"bob - words": [(0, 0.4, ""), (0.4, 1, "no")], "ann - words": [(0, 0.4, "yes"), (0.4, 1, "")]}
    ),
}


@pytest.mark.parametrize("name", SPOKEN)
def test_the_words_of_a_file_with_times_are_its_words(name, tmp_path):
    soundfile.write(tmp_path / "x.wav", noise(), RATE)
    (tmp_path / name).write_text(SPOKEN[name], encoding="utf-8")
    asked = Namespace(text="", text_file=str(tmp_path / name), wav=str(tmp_path / "x.wav"))
    assert align_text.given_words(asked, Written({"YES": [], "NO": []}, english=True)) == ["YES", "NO"]
    again = Namespace(text=f"@{tmp_path / name}", text_file="", wav=asked.wav)
    assert align_text.given_words(again, Written({"YES": [], "NO": []}, english=True)) == ["YES", "NO"]
