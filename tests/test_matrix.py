"""The matrix of systems and searches: a lang directory without grammar is one, and rates stand in the right columns."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from lexicon.lang import load_lang
from pipeline.compare.matrix import matrix_lines, readable_matrix
from pipeline.compare.results import Comparison, Result
from pipeline.datadir import Utterance

PROJECT = Path(__file__).resolve().parents[1]


def test_without_grammar_every_word_and_phone_is_equally_likely(tmp_path):
    for name in ("train", "dev", "test"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "text").write_text("u1 ONE TWO TWO\nu2 TWO\n")
    from lexicon.lang import build_lang

    build_lang(tmp_path, tmp_path / "lang")
    done = subprocess.run(
        [sys.executable, "-m", "stages.flat_lang", "--lang", tmp_path / "lang", "--out", tmp_path / "flat"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    flat, lang = load_lang(tmp_path / "flat"), load_lang(tmp_path / "lang")
    assert (flat.lexicon, flat.phones, flat.tokens) == (lang.lexicon, lang.phones, lang.tokens)
    for grammar, symbols in ((flat.lm, ["ONE", "TWO"]), (flat.phone_lm, lang.phones[1:])):
        scores = {
            grammar.score(history, symbol) for symbol in [*symbols, "</s>"] for history in (("<s>",), (symbols[0],), ())
        }
        assert len(scores) == 1 and grammar.vocabulary == symbols
    assert lang.lm.score(("<s>",), "ONE") != lang.lm.score(("TWO",), "ONE")


def system(name: str, word: str, constrained: str, free: str) -> Result:
    """One utterance of one word and four phones."""
    pairs = {"wer": [("HALO", word)], "per": list(zip("HALO", constrained)), "free_per": list(zip("HALO", free))}
    return Result(name, Path("."), Path("."), {measure: {"u": own} for measure, own in pairs.items()}, 0, 0, 0)


def test_each_rate_is_in_its_column():
    comparison = Comparison(
        Path("toy"),
        Path("exp/gmm/ali_test"),
        [Utterance("u", "s", Path("u.wav"), ("HALO",), 1)],
        {"u": tuple("HALO")},
        {},
        {},
        [system("gmm", "HALO", "HALX", "HXXX"), system("flat/gmm", "HELLO", "HAXX", "XXXX")],
    )
    head, row = (line.split("\t") for line in matrix_lines(comparison, ["gmm"]))
    found = {name: float(value) for name, value in zip(head[1:], row[1:])}
    assert row[0] == "gmm" and {name: value for name, value in found.items() if not name.endswith(("low", "high"))} == {
        "phone loop PER": 100,
        "phone bigram PER": 75,
        "lexicon PER": 50,
        "lexicon WER": 100,
        "lexicon + LM PER": 25,
        "lexicon + LM WER": 0,
    }
    lines = readable_matrix(comparison, ["gmm"])
    assert max(map(len, lines)) <= 100
    assert [line.split()[:2] for line in lines if "gmm" in line] == [["gmm", "100.0"], ["gmm", "-"]]
