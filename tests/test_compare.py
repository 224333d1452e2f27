"""The comparison of two systems on four utterances whose errors are counted by hand."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from helpers.trees import (
    ODD_ID,
    ODD_WORD,
    SYSTEMS,
    make_trees,
    run_stage,
)


def compare(exp: Path, data: Path, *systems: str) -> subprocess.CompletedProcess[str]:
    return run_stage("compare", exp, data, "--systems", *(systems or SYSTEMS), "--out", str(exp / "compare.tsv"))


@pytest.fixture
def trees(tmp_path: Path) -> tuple[Path, Path]:
    return make_trees(tmp_path)


def test_table_by_hand(trees: tuple[Path, Path]) -> None:
    exp, data = trees
    result = compare(exp, data)
    assert result.returncode == 0, result.stderr
    header, old, new = [line.split("\t") for line in (exp / "compare.tsv").read_text().splitlines()]
    assert (
        header
        == (
            "system wer wer_low wer_high per per_low per_high free_per free_per_low free_per_high "
            "train_seconds decode_rtf parameters"
        ).split()
    )
    # 7 reference words, 17 phones. old: CAT->SAT, SAT missed, a word twice; its phones K->S, S AE T missed, AH added.
    assert [old[i] for i in (0, 1, 4, 7)] == ["old", "42.86", "29.41", "17.65"]
    # new: SAT missed in u3 (three phones); free, one T too many.
    assert [new[i] for i in (0, 1, 4, 7)] == ["new", "14.29", "17.65", "5.88"]
    assert old[10:] == new[10:] == ["3.1", "0.0123", "1234"]
    for row in (old, new):
        for at in (1, 4, 7):
            assert float(row[at + 1]) <= float(row[at]) <= float(row[at + 2])


def test_readable_table(trees: tuple[Path, Path]) -> None:
    exp, data = trees
    result = compare(exp, data)
    text = (exp / "compare.txt").read_text()
    assert not result.stdout.startswith("\n") and result.stdout.count("\n") == 1  # make prints its first part
    lines = text.splitlines()
    assert lines[0] == (
        "tiny: 4 test utterances, 7 words, 1 speaker; closed vocabulary, 12.5 % of test words unseen "
        "in training, perplexity 61.2"
    )
    assert lines[2].split() == "system WER % PER % free PER % trained in RTF parameters".split()
    assert lines[4].startswith("old     42.9 [") and "17.6 [" in lines[4]
    assert lines[4].endswith("3 s  0.012       1,234")
    assert sum("on WER" in line for line in lines) == sum("on free PER" in line for line in lines) == 1
    assert lines[-1] == f"report: {exp / 'report' / 'index.html'}"
    assert result.stdout.splitlines()[-1] == "compare: 2 systems on 4 utterances, lowest WER new 14.3 %"


def test_a_recogniser_from_outside_has_a_row_of_its_own_words(trees: tuple[Path, Path]) -> None:
    """THE CAT as said, SAT left out, THE CAT SAT with a word too many, nothing of u4: 3 errors of 7 words."""
    exp, data = trees
    (data / "test/small.txt").write_text("u1 The cat.\nu3 the cat sat cat\n")
    (data / "test/small.json").write_text('{"encoder": "small"}')
    assert compare(exp, data).returncode == 0
    rows = [line.split("\t") for line in (exp / "compare.tsv").read_text().splitlines()]
    assert rows[-1][:2] == ["small's own words", "42.86"] and rows[-1][4:] == [""] * 9
    assert {len(row) for row in rows} == {13}
    assert "small's own words" in (exp / "compare.txt").read_text()
    (data / "test/small.json").write_text("{}")
    done = compare(exp, data)
    assert done.returncode == 1 and done.stderr.count("\n") == 1 and "small.json: does not say of which" in done.stderr


def test_systems_combined_have_a_row_and_are_tested_against_theirs(trees: tuple[Path, Path]) -> None:
    """THE SAT for THE CAT and nothing else wrong: 1 error of 7 words; of 17 phones one is left out."""
    exp, data = trees
    folder = exp / "combined/old.new"
    folder.mkdir(parents=True)
    (folder / "combine.json").write_text('{"systems": ["old", "new"]}')
    (folder / "hyp.txt").write_text(f"u1 THE SAT\nu2 SAT\nu3 THE CAT SAT\n{ODD_ID} {ODD_WORD}\n")
    (folder / "free.txt").write_text(f"u1 DH AH K AE T\nu2 S AE T\nu3 DH AH K AE T S AE\n{ODD_ID} AH\n")
    assert compare(exp, data).returncode == 0
    row = (exp / "compare.tsv").read_text().splitlines()[-1].split("\t")
    assert [row[i] for i in (0, 1, 4, 7)] == ["old + new", "14.29", "", "5.88"]
    text = (exp / "compare.txt").read_text()
    assert sum("old + new" in line and " on " in line for line in text.splitlines()) == 4
    (folder / "rover.txt").write_text(f"u1 THE CAT\nu2 SAT\nu3 THE CAT SAT\n{ODD_ID} {ODD_WORD}\n")
    (folder / "rover_free.txt").write_text((folder / "free.txt").read_text())
    assert compare(exp, data).returncode == 0
    row = (exp / "compare.tsv").read_text().splitlines()[-1].split("\t")
    assert [row[i] for i in (0, 1, 4, 7)] == ["old + new, ROVER", "0.00", "", "5.88"]
    assert compare(exp, data, "old").returncode == 0 and "new" not in (exp / "compare.tsv").read_text()
    (folder / "free.txt").write_text("u1 AH\n")
    done = compare(exp, data)
    assert done.returncode == 1 and "old.new/free.txt: 3 of 4 utterances are not there" in done.stderr


def test_a_system_that_was_rescored_has_a_row_of_words_alone(trees: tuple[Path, Path]) -> None:
    exp, data = trees
    folder = exp / "rescored/old"
    folder.mkdir(parents=True)
    (folder / "hyp.txt").write_text(f"u1 THE SAT\nu2 SAT\nu3 THE CAT SAT\n{ODD_ID} {ODD_WORD}\n")
    assert compare(exp, data).returncode == 0
    row = (exp / "compare.tsv").read_text().splitlines()[-1].split("\t")
    assert row[:2] == ["old, rescored", "14.29"] and row[4:] == [""] * 9
    text = (exp / "compare.txt").read_text()
    assert sum("old, rescored" in line and " on WER" in line for line in text.splitlines()) == 1
    assert compare(exp, data, "new").returncode == 0 and "old" not in (exp / "compare.tsv").read_text()
    (folder / "hyp.txt").write_text("u1 THE\n")
    done = compare(exp, data)
    assert done.returncode == 1 and "rescored/old/hyp.txt: 3 of 4 utterances are not there" in done.stderr


def test_two_runs_agree(trees: tuple[Path, Path]) -> None:
    exp, data = trees
    compare(exp, data)
    first = (exp / "compare.tsv").read_bytes()
    compare(exp, data)
    assert (exp / "compare.tsv").read_bytes() == first


@pytest.mark.parametrize(
    "missing, says",
    [
        ("old/decode_test/free.txt", "no such file; make it or correct the path"),
        ("old/decode_test/decode.json", "no such file; run the stage that writes it first"),
        ("old/meta.json", "no such file; run the stage that writes it first"),
        ("gmm/ali_test/reference.txt", "no such file; make it or correct the path"),
    ],
)
def test_a_missing_file_is_named(trees: tuple[Path, Path], missing: str, says: str) -> None:
    exp, data = trees
    (exp / missing).unlink()
    result = compare(exp, data)
    assert (result.returncode, result.stderr) == (1, f"compare: {exp / missing}: {says}\n")
    assert not (exp / "compare.tsv").exists()


def test_a_missing_value_or_system_is_named(trees: tuple[Path, Path]) -> None:
    exp, data = trees
    result = compare(exp, data, "old", "neu")
    assert result.stderr == f"compare: {exp / 'neu' / 'decode_test'}: no such decode; there is one of: new, old\n"
    assert compare(exp, data, "old", "old").stderr == (
        'compare: --systems: "old" for the second time; name each system once\n'
    )
    (exp / "old" / "meta.json").write_text('{"train_seconds": 1.0}')
    assert compare(exp, data).stderr == (
        f'compare: {exp / "old" / "meta.json"}: no "parameters"; remove it and run make again\n'
    )
