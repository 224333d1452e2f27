"""Counts worked by hand, intervals and tests against exact answers and against kaldialign's own bootstrap."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import kaldialign
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.base.edits import GAP, pair_up
from pipeline.compare.score import Counts, align_all, alignment_picture, confusion_counts, count, kaldi_line, total
from pipeline.compare.significance import REPLICATIONS, error_rate, in_words, paired_test, resampling_units
from pipeline.datadir import Utterance, write_datadir
from pipeline.datadir.sets import read_spoken

words = st.lists(st.sampled_from("abc"), max_size=7)


def test_kaldi_line_is_kaldis() -> None:
    assert kaldi_line(Counts(358, 330, 2020, 20138)) == "%WER 13.45 [ 2708 / 20138, 358 ins, 330 del, 2020 sub ]"
    assert kaldi_line(Counts(0, 0, 0, 12), "PER") == "%PER 0.00 [ 0 / 12, 0 ins, 0 del, 0 sub ]"


@pytest.mark.parametrize(
    "reference, hypothesis, expected",
    [
        ("", "", Counts(0, 0, 0, 0)),
        ("", "a b", Counts(2, 0, 0, 0)),
        ("a b", "", Counts(0, 2, 0, 2)),
        ("the cat sat", "the cat sat", Counts(0, 0, 0, 3)),
        ("the cat sat", "cat sat", Counts(0, 1, 0, 3)),
        ("the cat sat", "the black cat sat", Counts(1, 0, 0, 3)),
        ("the cat sat", "the dog sat", Counts(0, 0, 1, 3)),
        ("k ae t", "g ae t s", Counts(1, 0, 1, 3)),
    ],
)
def test_counts_by_hand(reference: str, hypothesis: str, expected: Counts) -> None:
    assert count(pair_up(reference.split(), hypothesis.split())) == expected


def levenshtein(a: list[str], b: list[str]) -> int:
    """The textbook recursion, as an independent answer."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, start=1):
        corner, row[0] = row[0], i
        for j, y in enumerate(b, start=1):
            corner, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, corner + (x != y))
    return row[-1]


@given(words, words)
def test_alignment_is_minimal_and_keeps_both_sides(reference: list[str], hypothesis: list[str]) -> None:
    pairs = pair_up(reference, hypothesis)
    assert [ref for ref, _ in pairs if ref != GAP] == reference
    assert [hyp for _, hyp in pairs if hyp != GAP] == hypothesis
    assert count(pairs).errors == levenshtein(reference, hypothesis)


def test_rate_is_pooled_not_averaged() -> None:
    alignments = align_all({"a": ["x"], "b": list("yyyyyyyyy")}, {"a": ["z"], "b": list("yyyyyyyyy")}, "hyp.txt")
    assert total(alignments).percent == 10.0


# ---- intervals


def test_equal_utterances_give_an_interval_without_width() -> None:
    rate = error_rate(np.full(7, 2), np.full(7, 8), np.arange(7))
    assert (rate.percent, rate.low, rate.high) == (25.0, 25.0, 25.0)


def test_two_utterances_one_wrong() -> None:
    # A sample of two is 0, 1 or 2 times the wrong one with chances 1/4, 1/2, 1/4: the interval must hold all.
    rate = error_rate(np.array([1, 0]), np.array([1, 1]), np.arange(2))
    assert (rate.percent, rate.low, rate.high) == (50.0, 0.0, 100.0)


def test_interval_agrees_with_kaldialign() -> None:
    rng = np.random.default_rng(3)
    references = [[str(n) for n in rng.integers(0, 9, rng.integers(3, 12))] for _ in range(80)]
    hypotheses = [[w if rng.random() > 0.2 else "x" for w in ref] for ref in references]
    theirs = kaldialign.bootstrap_wer_ci(references, hypotheses)
    errors = np.array([levenshtein(r, h) for r, h in zip(references, hypotheses)])
    ours = error_rate(errors, np.array([len(r) for r in references]), np.arange(80))
    # Theirs is the mean and 1.96 standard deviations of the same samples, ours their quantiles.
    assert ours.percent == pytest.approx(100 * theirs["wer"], abs=0.2)
    assert ours.low == pytest.approx(100 * theirs["ci95min"], abs=0.5)
    assert ours.high == pytest.approx(100 * theirs["ci95max"], abs=0.5)


def test_seed_decides() -> None:
    errors, lengths, units = np.arange(20) ** 2 % 7, np.arange(20) + 31, np.arange(20)
    assert error_rate(errors, lengths, units) == error_rate(errors, lengths, units)
    assert error_rate(errors, lengths, units, seed=1) != error_rate(errors, lengths, units, seed=2)


def test_speakers_are_drawn_where_there_are_five() -> None:
    units, name = resampling_units(list("aabbccddee"))
    assert name == "speakers" and units.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    units, name = resampling_units(list("aabb"))
    assert name == "utterances" and units.tolist() == [0, 1, 2, 3]
    # Each speaker has one right and one wrong utterance, so speakers do not differ, but utterances do.
    errors, lengths = np.tile([1, 0], 5), np.ones(10)
    by_speaker = error_rate(errors, lengths, resampling_units(list("aabbccddee"))[0])
    assert by_speaker.low == by_speaker.high == 50.0
    assert error_rate(errors, lengths, np.arange(10)).low < 40


# ---- paired test


@pytest.mark.parametrize(
    "difference, exact",
    [
        ([0, 0, 0], 1.0),  # nothing to tell apart
        ([1, 0], 0.5),  # P(sum <= 0) = 1/4
        ([1, 1, 0], 2 / 27),  # P(sum <= 0) = (1/3)^3
        ([-1, -1, 0], 2 / 27),  # and the other way round
        ([1, -1], 1.0),  # 1/4, 1/2, 1/4 around zero
    ],
)
def test_paired_p_by_hand(difference: list[int], exact: float) -> None:
    second = np.full(len(difference), 2)
    test = paired_test(second + difference, second, np.full(len(difference), 10), np.arange(len(difference)))
    assert test.p == pytest.approx(exact, abs=0.02)
    assert test.difference.percent == pytest.approx(100 * sum(difference) / (10 * len(difference)))


def test_a_constant_difference_is_certain() -> None:
    test = paired_test(np.full(9, 3), np.full(9, 1), np.full(9, 10), np.arange(9))
    assert test.p == 2 / (REPLICATIONS + 1)
    assert (test.difference.low, test.difference.high) == (20.0, 20.0)


def test_pairing_sees_what_separate_intervals_hide() -> None:
    # Hard and easy utterances: the rates overlap widely, but one system always has one error less.
    errors = np.arange(30)
    first, second, lengths, units = errors + 1, errors, np.full(30, 40), np.arange(30)
    assert error_rate(first, lengths, units).low < error_rate(second, lengths, units).high
    assert paired_test(first, second, lengths, units).p < 0.001


@settings(max_examples=20)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=12))
def test_swapping_the_systems_turns_the_difference_round(errors: list[tuple[int, int]]) -> None:
    first, second = np.array(errors).T
    lengths, units = np.full(len(errors), 6), np.arange(len(errors))
    there, back = paired_test(first, second, lengths, units), paired_test(second, first, lengths, units)
    assert there.p == back.p
    assert there.difference.low == pytest.approx(-back.difference.high)


def test_sentences() -> None:
    def sentence(difference: list[int]) -> str:
        zero = np.zeros(len(difference), dtype=int)
        test = paired_test(np.array(difference), zero, zero + 10, np.arange(len(difference)))
        return in_words(test, "gmm", "frames", "free PER")

    assert sentence([1] * 5) == "frames better than gmm on free PER by 10.0 [10.0, 10.0] points (p < 0.001)"
    assert sentence([-1] * 5) == "gmm better than frames on free PER by 10.0 [10.0, 10.0] points (p < 0.001)"
    assert sentence([1, -1]).startswith("no difference shown between gmm and frames on free PER (p = ")
    assert sentence([0, 0]) == "gmm and frames make the same number of errors in every utterance on free PER"


# ---- confusions, pictures, files


def test_confusions_by_hand() -> None:
    alignments = [pair_up("K AE T".split(), "K EH T S".split()), pair_up("AE".split(), [])]
    counts = confusion_counts(alignments, ["AE", "EH", "K", "S", "T"])
    expected = np.zeros((6, 6), dtype=int)
    expected[2, 2] = expected[4, 4] = expected[0, 1] = 1  # K, T right; AE heard as EH
    expected[5, 3] = expected[0, 5] = 1  # S added; AE missed
    assert (counts == expected).all()


def test_picture() -> None:
    pairs = pair_up("CALL FORWARD ON BUSY".split(), "CALL FORWARDS ON THE".split())
    assert alignment_picture(pairs) == (
        "REF: CALL FORWARD  ON BUSY\nHYP: CALL FORWARDS ON THE\n          S           S"
    )
    assert alignment_picture(pair_up(["A"], ["A", "BB"])) == "REF: A **\nHYP: A BB\n       I"
    assert alignment_picture(pair_up(["A", "BB"], ["A"])) == "REF: A BB\nHYP: A **\n       D"
    assert alignment_picture(pair_up(["日本", "x"], ["日", "x"])) == "REF: 日本 x\nHYP: 日   x\n     S"
    assert alignment_picture([]) == "REF:\nHYP:"


def test_picture_goes_on_below() -> None:
    picture = alignment_picture(pair_up(["WORD"] * 50, ["WORD"] * 50), columns=60)
    assert max(map(len, picture.splitlines())) <= 60 and picture.count("WORD") == 100


def test_neither_pauses_nor_blanks_are_scored(tmp_path: Path) -> None:
    path = tmp_path / "free.txt"
    path.write_text("a SIL K <blk> AE SIL\nb <blk>\n", encoding="utf-8")
    assert read_spoken(path) == {"a": ("K", "AE"), "b": ()}


# ---- the stage


@pytest.fixture
def decode(tmp_path: Path) -> Path:
    (tmp_path / "a.wav").write_bytes(b"sound")
    write_datadir(
        tmp_path / "test",
        [
            Utterance("u1", "s", tmp_path / "a.wav", ("THE", "CAT"), 8000),
            Utterance("u2", "s", tmp_path / "a.wav", ("SAT",), 8000),
        ],
    )
    decode = tmp_path / "decode_test"
    decode.mkdir()
    (tmp_path / "lang").mkdir()
    phones = ["<eps>", "SIL", *"AE AH DH EH K S T".split()]
    (tmp_path / "lang" / "phones.txt").write_text("".join(f"{phone} {at}\n" for at, phone in enumerate(phones)))
    (tmp_path / "ref.txt").write_text("u1 SIL DH AH K AE T SIL\nu2 S AE T\n")
    (decode / "hyp.txt").write_text("u1 THE\nu2 SAT DOWN\n")
    (decode / "phones.txt").write_text("u1 SIL DH AH SIL\nu2 S AE T SIL\n")
    (decode / "free.txt").write_text("u1 DH SIL AH K EH T\nu2 S S AE T\n")
    return decode


def score(decode: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "stages.score",
            "--decode",
            str(decode),
            "--data",
            str(decode.parent / "test"),
            "--ref-phones",
            str(decode.parent / "ref.txt"),
        ],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parent.parent,
    )


def test_stage_writes_all_three(decode: Path) -> None:
    result = score(decode)
    assert result.returncode == 0, result.stderr
    assert result.stdout == f"score: {decode}: WER 66.67 %, PER 37.50 %, free PER 25.00 %\n"
    assert (decode / "wer.txt").read_text() == (
        "%WER 66.67 [ 2 / 3, 1 ins, 1 del, 0 sub ]\n"
        "\nu1  1 of 2\nREF: THE CAT\nHYP: THE ***\n         D\n"
        "\nu2  1 of 1\nREF: SAT ****\nHYP: SAT DOWN\n         I\n"
    )
    assert (decode / "per.txt").read_text().startswith("%PER 37.50 [ 3 / 8, 0 ins, 3 del, 0 sub ]\n")
    assert (decode / "free_per.txt").read_text().startswith("%PER 25.00 [ 2 / 8, 1 ins, 0 del, 1 sub ]\n")


def test_stage_names_the_missing_utterance(decode: Path) -> None:
    (decode / "hyp.txt").write_text("u1 THE\n")
    result = score(decode)
    assert result.returncode == 1 and not (decode / "wer.txt").exists()
    assert result.stderr == (
        f'score: {decode / "hyp.txt"}: 1 of 2 utterances are not there (first: "u2"); '
        f"remove {decode / 'hyp.txt'} and run make again\n"
    )
