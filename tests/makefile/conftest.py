"""A finished tree, and a copy of it to change."""

from __future__ import annotations

import os
import shutil

import pytest

from makefile.tree import Tree


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> Tree:
    """Everything made; tests only ask what would be made again."""
    tree = Tree(tmp_path_factory.mktemp("project"))
    for path in tree.root.rglob("*"):
        os.utime(path, (1_500_000_000, 1_500_000_000))
    tree.pretend()
    return tree


@pytest.fixture
def own(finished, tmp_path) -> Tree:
    """A copy to touch things in."""
    shutil.copytree(finished.root, tmp_path, symlinks=True, dirs_exist_ok=True)
    tree = object.__new__(Tree)
    tree.root = tmp_path
    return tree
