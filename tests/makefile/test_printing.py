"""What make says at the end: what a target was asked for, whether it was made just now or before."""

from __future__ import annotations

import os

import pytest

EXP = "exp/prompts"


def said(tree, *words: str) -> list[str]:
    done = tree.make("-s", *words)
    assert done.returncode == 0 and not done.stderr, done.stderr
    return done.stdout.splitlines()


def test_all_ends_with_the_first_part_of_the_comparison_and_the_report(own):
    lines = said(own)
    assert [line for line in lines if line.startswith("compare, ")] == ["compare, a", "compare, b", "compare, c"]
    assert lines[-2:] == [
        f"each pair of systems, and how well phones are placed: {EXP}/compare.txt",
        f"report: {EXP}/report/index.html",
    ]
    assert said(own, "compare") == lines[:-1]
    assert said(own, "report") == lines[-1:]


@pytest.mark.parametrize("target", ["errors", "matrix", "lattice_difference"])
def test_a_look_is_printed_again_and_says_what_the_report_lacks(own, target):
    stage = {"errors": "explain_errors"}.get(target, target)
    own.pretend(target, when=1_610_000_000)
    (own.root / EXP / "report/index.html").unlink()
    own.pretend("report", when=1_700_000_000)
    beside(own, 1_650_000_000)
    lines = said(own, target)
    assert f"{stage}, a" in lines and not any("report" in line for line in lines)
    if target == "errors":
        assert lines.count("explain_errors, b") == 4 and "explain_errors, c" not in lines
        assert f"each of them: {EXP}/gmm/decode_test/errors.txt" in lines
    made = {"errors": "neural_wfst/decode_test/errors.json", "matrix": "matrix.tsv"}.get(target, f"{target}.txt")
    (own.root / EXP / made).unlink()
    own.pretend(target, when=1_750_000_000)
    beside(own, 1_750_000_000)
    assert said(own, target)[-1] == "the report does not have it yet; run: make report"
    assert own.stages("report") == own.stages() == {"report"}


def beside(tree, when: int) -> None:
    """The time of what lies beside targets, and is none."""
    for path in ("matrix.txt", "lattice_difference.json"):
        (tree.root / EXP / path).touch()
        os.utime(tree.root / EXP / path, (when, when))


def test_what_another_stage_adds_makes_the_report_again_but_not_itself(own):
    own.pretend("matrix", when=1_610_000_000)
    beside(own, 1_610_000_000)
    assert own.stages() == own.stages("report") == {"report"}
    own.pretend("report", when=1_700_000_000)
    assert own.stages() == set()
    assert own.stages("GMM_ARGS=--max-mix 4").isdisjoint({"flat_lang", "matrix"})  # that takes long
    assert own.stages("PAIR=gmm classifier") >= {"report"}


def test_an_utterance_is_added_to_the_report(own):
    ((stage, options),) = own.planned("report", "UTT=u1 u2")
    assert stage == "report" and " ".join(options.split()).endswith(f"--out {EXP}/report $'--utt=u1 u2'")
    own.pretend("report", "UTT=u1", when=1_700_000_000)
    assert own.stages() == own.stages("report") == set()  # it stays


def test_nothing_but_stages_is_planned(own):
    own.pretend("matrix", when=1_700_000_000)
    for target in ("all", "compare", "errors", "matrix", "combine", "rescore", "report", "lattice_difference"):
        lines = own.make("-n", "-s", target).stdout.splitlines()
        assert all(" -m stages." in line for line in lines), lines
