"""A small experiment of real speech."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from helpers.features import CEPSTRA

from pipeline.sound.front_end import FrontEnd

FRONT_END = FrontEnd("mean", raw=CEPSTRA)


@dataclass(frozen=True)
class Experiment:
    """A small experiment of real speech: a trained GMM, an untrained classifier and an untrained network."""

    root: Path
    speech: object

    @property
    def exp(self) -> Path:
        return self.root / "exp"

    def wav(self, *utts: str) -> Path:
        """The utterances one after the other, with pauses between."""
        rng, path = np.random.default_rng(0), self.root / f"{'_'.join(utts)}.wav"
        parts = [part for utt in utts for part in (self.speech.samples[utt], rng.normal(0, 1e-4, 4800))]
        soundfile.write(path, np.concatenate(parts), 8000)
        return path
