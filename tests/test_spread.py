"""How far error rates move by chance: rates by hand, dither by its statistics, and two seeds of a project."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.projects import copied_project, make

from lexicon.errors import UserError
from pipeline.compare.spread import read_rates, spread_rows
from stages.make_mfcc import dithered


def scored(run, system, **rates):
    folder = run / system / "decode_test"
    folder.mkdir(parents=True)
    for name, rate in rates.items():
        (folder / f"{name}.txt").write_text(f"%{name.upper()} {rate:.2f} [ 1 / 10, 0 ins, 0 del, 1 sub ]\n")


def test_mean_and_spread_by_hand(tmp_path):
    runs = [tmp_path / str(seed) for seed in (1, 2, 3)]
    for run, rate in zip(runs, (10, 12, 17)):
        scored(run, "gmm", wer=rate, per=5, free_per=2 * rate)
    [row] = spread_rows(read_rates(runs, ["gmm"]))
    assert row[:6] == ["gmm", "3", "13.00", "10.00", "17.00", "3.61"]  # sqrt((9 + 1 + 16) / 2)
    assert row[6:10] == ["5.00", "5.00", "5.00", "0.00"] and row[10:] == ["26.00", "20.00", "34.00", "7.21"]
    (runs[1] / "gmm/decode_test/wer.txt").write_text("nothing\n")
    with pytest.raises(UserError, match="wer.txt:1: 'nothing' is no error rate"):
        read_rates(runs, ["gmm"])


def test_dither_is_noise_of_so_many_steps():
    silence = np.zeros(100_000, np.float32)
    noise = dithered(silence, "u", 1.0, 1)
    assert noise.std() * 32768 == pytest.approx(1, rel=0.01) and abs(noise.mean()) * 32768 < 0.02
    np.testing.assert_array_equal(noise, dithered(silence, "u", 1.0, 1))
    assert not np.array_equal(noise, dithered(silence, "u", 1.0, 2))
    assert not np.array_equal(noise, dithered(silence, "v", 1.0, 1))
    assert dithered(silence, "u", 0.0, 1) is silence


def test_a_project_is_trained_with_each_seed(tmp_path):
    root = copied_project(tmp_path)
    given = "SYSTEMS=gmm", "PAIR=gmm gmm", "COMBINE=gmm", "GMM_ARGS=--max-mix 1 --warm-up 3 --last 1", "SEEDS=2"
    said = make(root, *given, "spread")
    lines = (root / "exp/mine/spread.tsv").read_text().splitlines()
    assert len(lines) == 2 and lines[1].startswith("gmm\t2\t") and "spread.tsv: 2 runs" in said
    first, second = ((root / f"exp/mine/spread/{n}/gmm/train.log").read_text() for n in (1, 2))
    assert first != second and "-m stages.train" not in make(root, *given, "spread")
