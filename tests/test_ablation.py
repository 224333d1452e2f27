"""The table of trainings with one setting changed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.neural.ablation import (
    AS_IT_IS,
    CHANGES,
    OUTCOME,
    Outcome,
    Row,
    keep_outcome,
    known_outcome,
    readable_lines,
    tsv_lines,
)
from pipeline.systems import ctc
from stages.ablate import changed

ROWS = [
    Row(AS_IT_IS, Outcome(14.2, 80, 78, 401.26)),
    Row("noise=0", Outcome(15.05, 50, 40, 250.0)),
    Row("subsampling=16", None),
]


def test_the_tables_say_how_far_each_is_from_what_is_not_changed():
    assert tsv_lines(ROWS, "PER") == [
        "changed\tdev PER\tdifference\tepochs\tbest epoch\tseconds",
        "as it is\t14.20\t\t80\t78\t401.3",
        "noise=0\t15.05\t+0.85\t50\t40\t250.0",
        "subsampling=16\t\t\t\t\t",
    ]
    lines = readable_lines("neural", ROWS, "CER")
    assert "dev CER %" in lines[2] and "+0.85" in lines[5] and "401 s" in lines[4] and "too few rows" in lines[6]
    alone = readable_lines("neural", [Row(AS_IT_IS, None), ROWS[1]], "PER")
    assert "+" not in alone[-1]


def test_an_outcome_is_known_if_it_was_told_the_same_and_is_whole(tmp_path: Path):
    told, outcome = {"settings": {"noise": 0.0, "encoder": "tdnn"}, "data": "1f"}, Outcome(15.05, 50, 40, 250.0)
    assert known_outcome(tmp_path, told) is None
    keep_outcome(tmp_path, told, outcome)
    assert known_outcome(tmp_path, told) == outcome
    assert known_outcome(tmp_path, {**told, "data": "2f"}) is None
    whole = json.loads((tmp_path / OUTCOME).read_text())
    for damaged in (
        "",
        "[]",
        json.dumps({**whole, "outcome": {"dev": 1}}),
        json.dumps({**whole, "outcome": {**whole["outcome"], "dev": "15"}}),
        json.dumps({**whole, "outcome": {**whole["outcome"], "seconds": float("nan")}}),
    ):
        (tmp_path / OUTCOME).write_text(damaged)
        assert known_outcome(tmp_path, told) is None


@pytest.mark.parametrize("change", CHANGES)
def test_every_change_that_is_made_unasked_is_one(change: str):
    assert changed(ctc.Settings(), change.split(",")) != ctc.Settings()


def test_a_setting_of_several_values_takes_what_follows_without_a_name():
    assert changed(ctc.Settings(), ["speeds=0.9", "1.0", "1.1", "noise=0"]) == replace(
        ctc.Settings(), speeds=("0.9", "1.0", "1.1"), noise=0.0
    )
