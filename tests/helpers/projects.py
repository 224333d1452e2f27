"""A copy of the project with a corpus of tones, in which a test may add to what there is."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from bad_inputs.place import write_corpus

PROJECT = Path(__file__).resolve().parents[2]


def copied_project(root: Path, *systems: str) -> Path:
    """The project in the folder ``root``, with further lines before those of ``systems`` in stages/settings.mk."""
    for name in ("pipeline", "stages", "lexicon"):
        shutil.copytree(PROJECT / name, root / name)  # compiled files too
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(PROJECT / name, root)
    settings = root / "stages/settings.mk"
    text = settings.read_text()
    assert text.count("\ngmm  ") == 1
    settings.write_text(text.replace("\ngmm  ", "\n".join(["", *systems, "gmm  "])))
    write_corpus(root / "mine")
    bin_dir = root / "venv/bin"
    bin_dir.mkdir(parents=True)
    (bin_dir / "python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    (bin_dir / "python").chmod(0o755)
    shutil.copy(PROJECT / "pyproject.toml", root / "venv/.phonoscope")
    return root


def make(project: Path, *words: str) -> str:
    """What make says there of the corpus ``mine``, with small models."""
    done = subprocess.run(
        ["make", "VENV=venv", "CORPUS_DIR=mine", "NJ=2", "OOV=error", "REPORT_ARGS=--utterances 2", *words],
        cwd=project,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
