"""What lies above imports what lies below, and nothing else: import-linter's contracts, as pyproject.toml has them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]
PACKAGES = ("stages", "pipeline", "lexicon")
LINT = "from importlinter.cli import lint_imports_command; lint_imports_command()"


def lint(folder: Path) -> subprocess.CompletedProcess:
    """The contracts of the tree in ``folder``, whose packages come before installed ones."""
    return subprocess.run(
        [sys.executable, "-c", LINT, "--no-cache", "--no-logo"], cwd=folder, capture_output=True, text=True
    )


def test_nothing_imports_what_lies_above_it():
    result = lint(PROJECT)
    assert result.returncode == 0 and "0 broken" in result.stdout, result.stdout + result.stderr


@pytest.fixture
def copied(tmp_path) -> Path:
    for name in PACKAGES:
        shutil.copytree(PROJECT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(PROJECT / "pyproject.toml", tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("file", "line", "message"),
    [
        ("lexicon/phones.py", "import pipeline.base.archive", "lexicon.phones -> pipeline.base.archive"),
        ("pipeline/search/wfst.py", "from stages import common", "pipeline.search.wfst -> stages.common"),
        ("pipeline/base/meta.py", "import pipeline.show.place", "pipeline.base.meta -> pipeline.show.place"),
        ("pipeline/show/place.py", "import pipeline.report.page", "pipeline.show.place -> pipeline.report.page"),
        ("pipeline/attic/old.py", "", "pipeline.attic"),
    ],
    ids=["lexicon", "pipeline", "room", "beside", "new room"],
)
def test_an_import_of_what_lies_above_is_found(copied, file, line, message):
    assert lint(copied).returncode == 0
    path = copied / file
    path.parent.mkdir(exist_ok=True)
    (path.parent / "__init__.py").touch()
    with open(path, "a", encoding="utf-8") as stream:
        stream.write(f"\n\n{line}\n")
    result = lint(copied)
    assert result.returncode == 1 and message in result.stdout, result.stdout + result.stderr
