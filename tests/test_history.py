"""The history of runs: a line for each system that is not as it was, and a page of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.trees import SYSTEMS, make_trees, run_stage

from lexicon.errors import UserError
from pipeline.compare.history import Run, read_history, tsv_lines
from pipeline.report.runs import by_system
from stages.made import given_options, write_made


@pytest.fixture
def trees(tmp_path: Path) -> tuple[Path, Path]:
    return make_trees(tmp_path)


def compare(exp: Path, data: Path):
    return run_stage("compare", exp, data, "--systems", *SYSTEMS, "--out", str(exp / "compare.tsv"))


def test_what_has_changed_has_a_line_and_what_has_not_has_none(trees) -> None:
    exp, data = trees
    assert compare(exp, data).returncode == 0
    first = read_history(exp / "history.tsv")
    assert [(run.system, run.wer, run.free_per, run.utterances) for run in first] == [
        ("old", 42.86, 17.65, 4),
        ("new", 14.29, 5.88, 4),
    ]
    assert compare(exp, data).returncode == 0 and read_history(exp / "history.tsv") == first
    heard = exp / "new" / "decode_test" / "hyp.txt"
    as_it_was = heard.read_text()
    heard.write_text(as_it_was.replace("u2 SAT", "u2 CAT"))
    assert compare(exp, data).returncode == 0
    *before, last = read_history(exp / "history.tsv")
    assert before == first and last == first[1]._replace(date=last.date, wer=28.57)
    (_, _), (system, ((_, changes), (_, others))) = by_system([*before, last])
    assert system == "new" and [round(change, 2) for _, change in changes] == [14.28, 0, 0]
    assert [change for _, change in others] == [None] * 3
    heard.write_text(as_it_was)
    report = exp / "report"
    assert run_stage("report", exp, data, "--systems", *SYSTEMS, "--out", str(report)).returncode == 0
    assert "+14.3" in (report / "runs.html").read_text() and 'href="runs.html"' in (report / "index.html").read_text()


def test_settings_are_the_options_that_make_does_not_give_by_itself(tmp_path: Path) -> None:
    model, decode = tmp_path / "neural", tmp_path / "neural" / "decode_test"
    for folder, name, settings in (
        (
            model,
            "model.safetensors",
            "--system ctc --data d/train --dev d/dev --out e/neural --speeds 0.9 1.0 --seed 2",
        ),
        (decode, "hyp.txt", "--model e/neural --search wfst --data d/test --out e/x --beam 13"),
    ):
        folder.mkdir(exist_ok=True)
        (folder / name).write_text("")
        write_made(folder / name, "train", settings, 1, [], [])
    assert given_options(model, decode) == "--speeds 0.9 1.0 --seed 2 --beam 13"
    (decode / "hyp.txt.made").write_text("rubbish")
    assert given_options(decode, tmp_path / "nowhere") == ""


@pytest.mark.parametrize("line", ["today\tgmm\t1\t2\t3\t4\t5", "today\tgmm\tnan\t2\t3\t4\t5\t", "x"])
def test_a_damaged_history_is_one_line(tmp_path: Path, line: str) -> None:
    path = tmp_path / "history.tsv"
    run = Run("2026-01-02 03:04:05", "gmm", 1.0, 2.0, 3.0, 4, 5.0, "--seed 2")
    path.write_text("\n".join([*tsv_lines([run]), ""]))
    assert read_history(path) == [run] and read_history(tmp_path / "none") == []
    path.write_text("\n".join([*tsv_lines([run]), line, ""]))
    with pytest.raises(UserError, match=r"history.tsv:3: no run .*; remove this line"):
        read_history(path)
