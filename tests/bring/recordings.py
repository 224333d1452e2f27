"""Recordings with transcripts in folders, lhotse manifests of them, and stages run on them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import soundfile
from lhotse import Recording, RecordingSet, SupervisionSegment, SupervisionSet

from bring import RATE, noise

PROJECT = Path(__file__).resolve().parents[2]


def stage(name: str, *options: str | Path) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", f"stages.{name}", *map(str, options)], cwd=PROJECT, text=True, capture_output=True
    )


def record(path: Path, text: str | None, seconds: float = 1.0, seed: int = 0) -> None:
    """A recording and, unless None, its transcript."""
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, noise(seconds, seed), RATE)
    if text is not None:
        path.with_suffix(".txt").write_text(text, encoding="utf-8")


def manifests(
    folder: Path, recordings: list[Recording], supervisions: list[SupervisionSegment], name: str = ""
) -> None:
    folder.mkdir(exist_ok=True)
    RecordingSet.from_recordings(recordings).to_file(folder / f"{name}recordings.jsonl.gz")
    SupervisionSet.from_segments(supervisions).to_file(folder / f"{name}supervisions.jsonl.gz")
