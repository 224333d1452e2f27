"""A language model of the user's: what it changes, what it equals, and what is refused."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.langs import BUGS_ARPA, make_lang

from lexicon.errors import UserError
from lexicon.lang import Lang, load_lang
from lexicon.ngram import NGram, read_arpa
from lexicon.own_lm import read_own_arpa
from pipeline.search.flashlight import FlashlightDecoder, FlashlightSettings
from pipeline.search.word_lm import import_own, word_lm

EVEN = BUGS_ARPA.replace("-3.0\t<s> BUNNY", "-0.1\t<s> BUNNY").replace("-0.1\t<s> BUGS", "-3.0\t<s> BUGS")
BINARY = Path(__file__).with_name("reference") / "bugs.binary"  # BUGS_ARPA by KenLM's build_binary 0.2.0
PROJECT = Path(__file__).resolve().parents[1]


class Arpa:
    """The n-gram of an ARPA file as a user would write it: states are histories."""

    def __init__(self, lm: NGram, words: list[str]):
        self.lm, self.words = lm, words

    def start(self, start_with_nothing: bool) -> tuple[str, ...]:
        return () if start_with_nothing else ("<s>",)

    def score(self, state: tuple[str, ...], index: int) -> tuple[tuple[str, ...], float]:
        return (*state, self.words[index])[-1:], self.lm.score(state, self.words[index]) * math.log(10)

    def finish(self, state: tuple[str, ...]) -> tuple[tuple[str, ...], float]:
        return state, self.lm.score(state, "</s>") * math.log(10)


@pytest.fixture
def bugs(tmp_path: Path) -> Lang:
    """Its own grammar wants "bunny bunny"."""
    return make_lang(tmp_path / "lang", ["BUGS 1.0 B AH G Z", "BUNNY 1.0 B AH N IY"], EVEN)


def bunny_bunny(lang: Lang) -> np.ndarray:
    """(10, V) log posteriors of "bunny bunny", whose first word is a little like "bugs"."""
    said = ["B", "AH", ("N", "G"), ("IY", "Z"), "<blk>", "B", "AH", "N", "IY", "IY"]
    matrix = np.full((len(said), len(lang.tokens)), 0.01)
    for row, tokens in zip(matrix, said):
        for token, p in zip([tokens] if isinstance(tokens, str) else tokens, (0.5, 0.4)):
            row[lang.tokens.index(token)] = p
    return np.log(matrix / matrix.sum(1, keepdims=True)).astype(np.float32)


def words_of(lang: Lang) -> tuple[str, ...]:
    return FlashlightDecoder(lang, lang.tokens).decode(bunny_bunny(lang))[0].words


def stage(tmp_path: Path, lang: Lang, lm: Path) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "stages.own_lm", "--lang", lang.path, "--lm", lm, "--out", tmp_path / "own"],
        cwd=PROJECT,
        text=True,
        capture_output=True,
    )


@pytest.mark.parametrize("kind", ["arpa", "binary"])
def test_a_file_of_the_users_turns_bunny_bunny_into_bugs_bunny(bugs: Lang, tmp_path: Path, kind: str):
    assert words_of(bugs) == ("BUNNY", "BUNNY")
    given = tmp_path / "mine.arpa"
    given.write_text(BUGS_ARPA)
    done = stage(tmp_path, bugs, given if kind == "arpa" else BINARY)
    assert not done.stderr and done.returncode == 0
    assert words_of(load_lang(tmp_path / "own")) == ("BUGS", "BUNNY")


def test_an_object_is_its_arpa_file_in_kenlm(bugs: Lang, tmp_path: Path):
    """Scores of readings to 1e-4, and each word after each other to 1e-5."""
    (bugs.path / "lm.arpa").write_text(BUGS_ARPA)
    matrix, settings = bunny_bunny(bugs), FlashlightSettings(lm_weight=0.7, word_score=-0.4)
    own = replace(bugs, own_lm=lambda words: Arpa(read_arpa(bugs.path / "lm.arpa"), words))
    by_file, by_object = (FlashlightDecoder(lang, lang.tokens, settings).decode(matrix) for lang in (bugs, own))
    assert [reading.words for reading in by_object] == [reading.words for reading in by_file]
    assert [reading.tokens for reading in by_object] == [reading.tokens for reading in by_file]
    assert [r.score for r in by_object] == pytest.approx([r.score for r in by_file], abs=1e-4)
    kenlm, python = word_lm(bugs, bugs.words), word_lm(own, bugs.words)
    for first in range(2):
        for second in range(2):
            (a, one), (b, two) = (lm.score(lm.score(lm.start(False), first)[0], second) for lm in (kenlm, python))
            assert one == pytest.approx(two, abs=1e-5)
            assert kenlm.finish(a)[1] == pytest.approx(python.finish(b)[1], abs=1e-5)


def test_words_that_the_file_lacks_are_unknown_and_others_are_left_out(tmp_path: Path):
    path = tmp_path / "lm.arpa"
    path.write_text(BUGS_ARPA)
    model = read_own_arpa(path, ["BUNNY", "CARROT"])
    assert model.vocabulary == ["BUNNY", "CARROT"] and ("BUGS", "BUNNY") not in model.logprob
    full = read_arpa(path)
    assert model.score(["BUNNY"], "CARROT") == full.score(["BUNNY"], "CARROT") == -3.0
    assert model.score(["CARROT"], "BUNNY") == full.score(["CARROT"], "BUNNY") == -2.0
    assert model.score(["<s>"], "BUNNY") == -3.0


@pytest.mark.parametrize(
    "text,message",
    [
        (b"", "mine: an empty file"),
        (None, "mine: no such file"),
        (bytes(range(256)) * 8, "mine:1: "),
        (b"hello\n", "mine:1: the file ends without"),
        (BUGS_ARPA.replace("-3.0\t<unk>\n", "").replace("1=5", "1=4").replace("BUGS", "HARE").encode(), "lacks 1 of"),
        (BUGS_ARPA.replace("ngram 2=4", "ngram 2=5").encode(), "mine: 5 2-grams announced, 4 found"),
        (BUGS_ARPA.replace("\\2-grams", "\\3-grams").encode(), "mine:13: "),
        (BUGS_ARPA.replace("-2.0\tBUGS", "nan\tBUGS").encode(), "mine:9: "),
        (BUGS_ARPA.replace("-1.0\t</s>\n", "").replace("1=5", "1=4").encode(), "no unigram </s>"),
        (b"mmap lm http://kheafield.com/code format version 5\n\0" + bytes(30), "mine: KenLM says: "),
    ],
    ids=lambda value: "" if isinstance(value, bytes) else str(value),
)
def test_a_bad_file_is_one_line(bugs: Lang, tmp_path: Path, text: bytes | None, message: str):
    if text is not None:
        (tmp_path / "mine").write_bytes(text)
    done = stage(tmp_path, bugs, tmp_path / "mine")
    assert done.returncode == 1 and done.stderr.count("\n") == 1 and message in done.stderr, done.stderr
    assert not (tmp_path / "own").exists()


OWN = """
import math
class Even:
    def __init__(self, words): self.words = words
    def start(self, nothing): return 0
    def score(self, state, index): return state + 1, -math.log(len(self.words))
    def finish(self, state): return state, 0.0
class Half(Even):
    finish = None
class Nan(Even):
    def score(self, state, index): return 0, math.nan
class Odd(Even):
    def score(self, state, index): return "no pair"
class Fails(Even):
    def score(self, state, index): return self.words[99], 0.0
one = Even(["A"])
seven = 7
"""


@pytest.mark.parametrize(
    "name,message",
    [
        ("own.py", "write module:object or file.py:object"),
        ("gone.py:Even", "gone.py: no such file"),
        ("no_such_module_at_all:Even", "ModuleNotFoundError: No module named 'no_such_module_at_all'"),
        ("own.py:Odder", 'there is no "Odder" in'),
        ("own.py:seven", "no method start()"),
        ("own.py:Half", "no method finish()"),
        ("own.py:Nan", "score() scored nan"),
        ("own.py:Odd", "score() returned 'no pair'"),
        ("own.py:Fails", "score() failed: IndexError: list index out of range"),
        ("bad.py:Even", "bad.py"),
        ("stops.py:Even", "SystemExit"),
    ],
)
def test_a_bad_object_is_one_line(bugs: Lang, tmp_path: Path, name: str, message: str):
    for file, text in (("own", OWN), ("bad", "def ("), ("stops", "raise SystemExit(0)")):
        (tmp_path / f"{file}.py").write_text(text)
    where = name if name.startswith("no_") or name == "own.py" else f"{tmp_path}/{name}"
    with pytest.raises(UserError) as error:
        words_of(replace(bugs, own_lm=import_own(where)))
    assert message in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["Even", "one"])
def test_a_class_or_an_object_of_a_file(bugs: Lang, tmp_path: Path, name: str):
    (tmp_path / "own.py").write_text(OWN)
    assert words_of(replace(bugs, own_lm=import_own(f"{tmp_path}/own.py:{name}"))) == ("BUNNY", "BUNNY")


def test_torchaudios_own_class(bugs: Lang):
    """States that torchaudio's tutorial makes: children of states, by the word."""
    from torchaudio.models.decoder import CTCDecoderLM, CTCDecoderLMState

    class Third(CTCDecoderLM):
        def start(self, start_with_nothing: bool) -> CTCDecoderLMState:
            self.root: Any = getattr(self, "root", None) or CTCDecoderLMState()
            return self.root

        def score(self, state: CTCDecoderLMState, usr_token_idx: int) -> tuple[CTCDecoderLMState, float]:
            return state.child(usr_token_idx), -5.0 if usr_token_idx else -1.0  # BUGS is likely

        def finish(self, state: CTCDecoderLMState) -> tuple[CTCDecoderLMState, float]:
            return state, 0.0

    build: Callable[[], Any] = Third
    assert words_of(replace(bugs, own_lm=build())) == ("BUGS", "BUNNY")
