"""Label files of other tools: words and phones with times, or plain text; also as TEXTFILE of `make align`."""

from __future__ import annotations

from argparse import Namespace

import pytest
import soundfile

from bring import RATE, noise
from bring.times import grid, prepared_with, read_back
from lexicon.errors import UserError
from lexicon.written import Written
from pipeline.corpora.label_file import read_labels
from pipeline.corpora.transcript import words_of_file
from pipeline.sound.audio import AudioInfo
from stages import align_text

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
    (found,) = read_back(prepared_with(tmp_path / "mine", 1, files), tmp_path)
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
