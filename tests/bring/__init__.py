"""Folders of short recordings with what is said, as people bring them, and tests of what is made of them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import soundfile

from pipeline.corpora import own
from pipeline.corpora.prepared import Prepared

RATE = 8000


def noise(seconds: float = 1.0, seed: int = 0) -> np.ndarray:
    """Samples (seconds * RATE,) float32 of quiet noise; each seed gives others."""
    return np.random.default_rng(seed).normal(0, 0.1, round(seconds * RATE)).astype(np.float32)


def folder_of(folder: Path, texts: Iterable[str], suffix: str = ".txt") -> Path:
    """One-second recordings u00.wav, u01.wav, ... in ``folder``, with the texts beside them; twelve at least, the last
    text again and again."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = list(texts)
    for number in range(max(12, len(texts))):
        soundfile.write(folder / f"u{number:02}.wav", noise(seed=number), RATE)
        text = texts[min(number, len(texts) - 1)]
        (folder / f"u{number:02}{suffix}").write_text(text, encoding="utf-8")
    return folder


def said(prepared: Prepared) -> dict[str, str]:
    """The words of each utterance, in one string, by the last part of its id."""
    return {u.id.rpartition("-")[2]: " ".join(u.words) for members in prepared.sets.values() for u in members}


def words_of(folder: Path) -> dict[str, str]:
    """``said`` of a folder, as CORPUS_DIR reads it."""
    return said(own.prepare(folder).prepared)
