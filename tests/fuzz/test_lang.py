"""Damaged dictionaries, language models and texts."""

from __future__ import annotations

from pathlib import Path

import pytest
from bad_inputs.damage import JSON, TEXT
from helpers.langs import BUGS_ARPA, make_lang

from fuzz.reader import Reader, check_reader, put
from lexicon.dictionary import read_lexicon
from lexicon.fold import read_fold
from lexicon.given import read_given
from lexicon.lang import load_lang
from lexicon.ngram import read_arpa
from lexicon.pauses import Pauses, write_pauses
from lexicon.phone_sets import read_phone_set
from lexicon.text import read_text

WORDS = ["BUGS 1.0 B AH G Z", "BUNNY 1.0 B AH N IY"]


def lang(folder: Path) -> None:
    made = make_lang(folder / "lang", WORDS, BUGS_ARPA)
    write_pauses(
        made.path,
        Pauses(0.5, 0.5, {(w, phones): 0.25 for w, variants in made.lexicon.items() for _, phones in variants}),
    )


def read_lang(folder: Path) -> None:
    found = load_lang(folder / "lang")
    assert found.words == sorted(found.lexicon) and "SIL" in found.phones
    assert all(
        0 < prob <= 1 and set(phones) <= set(found.phones)
        for variants in found.lexicon.values()
        for prob, phones in variants
    )


LANG_FILES = (
    "phones.txt",
    "words.txt",
    "tokens.txt",
    "lexicon.txt",
    "reference_lexicon.txt",
    "lm.arpa",
    "phone_lm.arpa",
    "silence.txt",
)


READERS = [
    Reader("text", put("text", "u1 BUGS BUNNY\nu2\n"), {"text": TEXT}, lambda folder: read_text(folder / "text")),
    Reader("fold.txt", put("fold.txt", "AH AX\nAO AA\n"), {"fold.txt": TEXT}, read_fold),
    Reader(
        "ARPA",
        put("lm.arpa", BUGS_ARPA),
        {"lm.arpa": TEXT},
        lambda folder: read_arpa(folder / "lm.arpa").score(["<s>"], "BUGS"),
    ),
    Reader(
        "extra.txt",
        put("a.txt", "BUGS B AH G Z # rabbit\n"),
        {"a.txt": TEXT},
        lambda folder: read_lexicon(folder / "a.txt"),
    ),
    Reader(
        "given lexicon",
        put("a.txt", ";;; mine\nBUGS 0.5 B AH0 G Z\nBUGS(2) B AH1 K S\nTHE DH AH\n"),
        {"a.txt": TEXT},
        lambda folder: read_given(folder / "a.txt"),
    ),
    Reader(
        "phone set",
        put("a.txt", "A a vowel\nB b voiced stop\n"),
        {"a.txt": TEXT},
        lambda folder: read_phone_set(folder / "a.txt"),
    ),
    Reader(
        "lang directory", lang, {**{f"lang/{name}": TEXT for name in LANG_FILES}, "lang/lang.json": JSON}, read_lang
    ),
]


@pytest.mark.filterwarnings("error")  # a stage would print them
@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.name)
def test_whatever_comes_is_a_valid_value_or_one_line(reader: Reader, tmp_path: Path) -> None:
    check_reader(reader, tmp_path / "f")
