"""Words of any script, with the joiners of Persian and Indic ones, are the same in every file that holds words; what
`make data` takes every later stage takes, and what it refuses it names."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from lexicon.errors import UserError
from lexicon.files import write_lines
from lexicon.lang import build_lang, load_lang
from lexicon.text import read_text, unfit
from pipeline.align.alignments import Alignments, PlacedPhone, PlacedUtterance, write_alignment
from pipeline.base.edits import pair_up
from pipeline.compare.score import alignment_picture
from pipeline.datadir import Utterance, read_datadir, write_datadir
from pipeline.lattice import Lattice, read_json_lattice, read_slf, write_json_lattice, write_slf
from pipeline.search.confidence import Confidences
from pipeline.search.decode import Hypothesis, read_nbest
from pipeline.times.ctm import write_ctm
from pipeline.times.intervals import Interval, read_ctm
from pipeline.times.segments import Segment
from pipeline.times.textgrid import read_textgrid, write_textgrid
from stages.decode import write_hypotheses

WORDS = (
    "می\u200cروم",
    "क्\u200dष",
    "co\u00adop",
    "Ελλη\u0301",
    "😀",
    'say"so',
    "it's",
    "a\\b",
    "<b>",
    "50%",
    "x=1",
    "!NULL",
    "e\u200d",
    "\u2060w",
    "\ue000",
    "中文",
    "\u0627\u064e",
)
NO_WORDS = ("", "a b", "a\u00a0b", "a\u2028b", "a\nb", "\x1b[2J", "a\x00", "a\x85b", "\udce9", "a\x7f")
PHONES = ("A", "B\u200d", "ʈ͡ʂ")


def segments(labels: tuple[str, ...]) -> list[Segment]:
    return [Segment(label, 10 * i, 10 * i + 10, i) for i, label in enumerate(labels)]


def test_what_a_word_is():
    assert not any(unfit(word) for word in (*WORDS, *PHONES)) and all(unfit(word) for word in NO_WORDS)


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    soundfile.write(tmp_path / "a.wav", np.zeros(800), 8000)
    for name in ("train", "dev", "test"):
        write_datadir(tmp_path / "data" / name, [Utterance("ف\u200cu", "s\u200d", tmp_path / "a.wav", WORDS, 800)])
    return tmp_path


def test_data_and_lexicon(corpus):
    (utterance,) = read_datadir(corpus / "data/test")
    assert (utterance.id, utterance.speaker, utterance.words) == ("ف\u200cu", "s\u200d", WORDS)
    assert read_text(corpus / "data/test/text") == {"ف\u200cu": WORDS}
    (corpus / "phones.txt").write_text("".join(f"{phone} a vowel\n" for phone in PHONES), encoding="utf-8")
    (corpus / "data/lexicon.txt").write_text(
        "".join(f"{word} {' '.join(PHONES)}\n" for word in WORDS), encoding="utf-8"
    )
    build_lang(corpus / "data", corpus / "lang", phones=corpus / "phones.txt")
    lang = load_lang(corpus / "lang")
    assert set(lang.words) == set(WORDS) and set(PHONES) < set(lang.phones)


def test_ctm_textgrid_and_alignment(tmp_path):
    placed = segments(WORDS)
    write_ctm(tmp_path / "w.ctm", [("u\u200c", placed, ())])
    assert [i.label for i in read_ctm(tmp_path / "w.ctm")["u\u200c"]] == list(WORDS)
    write_textgrid(tmp_path / "u.TextGrid", {"words": placed, "p": segments(PHONES)}, 200)
    found = {
        name: [i.label for i in tier if i.label] for name, tier in read_textgrid(tmp_path / "u.TextGrid").tiers.items()
    }
    assert found == {"words": list(WORDS), "p": list(PHONES)}
    utterance = PlacedUtterance(
        200, [PlacedPhone(s, -1.0, 0.5, -0.5) for s in segments(PHONES)], [(s, 0.5) for s in placed]
    )
    write_alignment(tmp_path / "alignment.json", {"u\u200c": utterance}.items(), ["short"])
    assert Alignments(tmp_path / "alignment.json", ["short", "u\u200c"]) == {"u\u200c": utterance}
    with pytest.raises(
        UserError, match="alignment.json: 1 of 3 utterances are not there .*; remove .*alignment.json and run"
    ):
        Alignments(tmp_path / "alignment.json", ["short", "u\u200c", "v"])


def test_hypotheses(tmp_path):
    heard = {"u": Hypothesis(segments(WORDS), segments(PHONES), nbest=[(-1.0, WORDS)])}
    write_hypotheses(tmp_path, heard, heard, Confidences())
    assert read_text(tmp_path / "hyp.txt") == {"u": WORDS} and read_text(tmp_path / "free.txt") == {"u": PHONES}
    assert read_nbest(tmp_path / "nbest.jsonl") == {"u": [(-1.0, WORDS)]}


def test_lattices(tmp_path):
    size = len(WORDS)
    lattice = Lattice(
        "u",
        "gmm",
        "words",
        10.0,
        size,
        1.0,
        0.0,
        np.arange(size + 1, dtype=np.int32),
        np.arange(size),
        np.arange(1, size + 1),
        list(WORDS),
        list(WORDS),
        np.zeros(size),
        np.zeros(size),
        np.ones(size),
    )
    write_slf(lattice, tmp_path / "u.slf")
    write_json_lattice(lattice, tmp_path / "u.json")
    for again in (read_slf(tmp_path / "u.slf"), read_json_lattice(tmp_path / "u.json")):
        assert again.label == again.word == list(WORDS)


def test_pictures(tmp_path):
    picture = alignment_picture(pair_up(WORDS, WORDS[::-1]), 10_000)
    assert all(word in picture for word in WORDS)
    write_lines(tmp_path / "wer.txt", [picture])  # it can be written


@pytest.mark.parametrize(
    "changed, says",
    [
        ({"id": "a\x1b[2J"}, r'id "a.*" has U\+001B in it'),
        ({"id": "a\udce9"}, r"has U\+DCE9 in it"),
        ({"id": "a/b"}, "would lead to another folder"),
        ({"id": "a" * 201}, "longer than 200 bytes"),
        ({"speaker": "s\x07"}, r'speaker ".*" has U\+0007'),
        ({"speaker": "a b"}, 'speaker "a b" has white space in it'),
        ({"words": ("A", "B\x9f")}, r'word ".*" has U\+009F in it.*; correct the transcript'),
        ({"wav": Path("/x/a\x1b.wav")}, r'path ".*" has U\+001B'),
        ({"wav": Path("/x/a.wav ")}, "begins or ends with white"),
        ({"wav": Path("/x/a.wav |")}, "looks like a command"),
        ({"wav": Path("/x/a.ark:12")}, "looks like a command, or like a"),
    ],
)
def test_what_no_later_stage_would_take_is_refused_with_its_file(tmp_path, changed, says):
    whole = {"id": "u", "speaker": "s", "wav": tmp_path / "a.wav", "words": ("A",), "num_samples": 800} | changed
    with pytest.raises(UserError, match=says) as caught:
        write_datadir(tmp_path / "train", [Utterance(**whole)])
    assert str(caught.value).startswith(str(UserError(whole["wav"]))) and "\n" not in str(caught.value)
    assert not (tmp_path / "train").exists()


def test_hand_placed_labels_that_could_not_be_read_back(tmp_path):
    utterance = Utterance("u", "s", tmp_path / "a.wav", ("A",), 800)
    for label in ("a b", "\x1b", ""):
        with pytest.raises(UserError, match='train: u: gold label ".*" at 0.5 s .*; correct the label'):
            write_datadir(tmp_path / "train", [utterance], {"phones": {"u": [Interval(0.5, 0.6, label)]}})
