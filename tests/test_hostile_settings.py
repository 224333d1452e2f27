"""No value of a setting is run by make or the shell, whatever the target: all targets, all settings, for real."""

from __future__ import annotations

import pytest
from attacks.hostile import Matrix
from attacks.sandbox import Sandbox
from helpers.targets import TARGETS


@pytest.fixture(scope="module")
def matrix(tmp_path_factory) -> Matrix:
    return Matrix(Sandbox(tmp_path_factory.mktemp("matrix") / "root", real=False))


def test_these_are_all_targets(matrix):
    assert sorted(matrix.targets) == sorted(TARGETS) and len(matrix.settings) > 30


@pytest.mark.parametrize("target", TARGETS)
def test_every_setting_of_every_target(matrix, target):
    faults = matrix.faults(target)
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("target", ["help"])
def test_each_odd_character_by_itself(matrix, target):
    faults = matrix.single(target)
    assert not faults, "\n".join(faults)
