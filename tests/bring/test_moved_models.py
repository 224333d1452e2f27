"""Models that are moved score as before."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from pipeline.systems import load_system


@pytest.mark.parametrize("name", ["gmm", "classifier", "neural"])
@pytest.mark.parametrize("moved", ["renamed", "copied", "linked"])
def test_a_moved_experiment_scores_as_before(experiment, tmp_path, monkeypatch, name, moved):
    feats = next(iter(experiment.speech.feats.values()))
    before = load_system(experiment.exp / name).scores(feats)
    there = tmp_path / "elsewhere/exp"
    shutil.copytree(experiment.exp, there)
    if moved == "renamed":
        there = there.rename(tmp_path / "exp of mine")
    if moved == "linked":
        (tmp_path / "link").symlink_to(there)
        there = tmp_path / "link"
    monkeypatch.chdir(tmp_path)
    for path in (there / name, Path(there.relative_to(tmp_path)) / name):
        np.testing.assert_array_equal(load_system(path).scores(feats), before)
