"""MFCC features as Kaldi makes them: 13 cepstra, deltas, accelerations, normalised per speaker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from lexicon.files import write_json
from pipeline.times.clock import FRAME_LENGTH_MS, FRAME_SHIFT_MS

NUM_CEPS = 13
DELTA_WINDOW = 2
FRAMES_AT_A_TIME = 10_000  # on whose way to cepstra torchaudio takes 200 MB
SETTINGS = "feats.json"
Cepstra = dict[str, list[float]]  # "mean" and "variance" of the NUM_CEPS cepstra of a set, before normalisation


def mfcc(samples: np.ndarray, sample_rate: int) -> np.ndarray:
    """Mel-frequency cepstra of one utterance.

    samples: (N,) float in [-1, 1], mono. Returns (T, 13) float32, one row per 10 ms frame, C0 first (no energy);
    frames that do not fit are left out (Kaldi's snip-edges), so T = 1 + (N - 25 ms) // 10 ms, 0 for less than 25 ms.
    Kaldi's defaults otherwise (23 mel bins, 20 Hz to Nyquist, Povey window, liftering 22), without dither so that
    two runs agree. Source: Kaldi feat/feature-mfcc.cc.
    """
    if len(samples) < sample_rate * FRAME_LENGTH_MS / 1000:
        return np.zeros((0, NUM_CEPS), np.float32)
    import torch  # slow imports, which what only reads features or frames does not need
    import torchaudio.compliance.kaldi as kaldi

    window, shift = (int(sample_rate * ms / 1000) for ms in (FRAME_LENGTH_MS, FRAME_SHIFT_MS))
    blocks = []
    for first in range(0, 1 + (len(samples) - window) // shift, FRAMES_AT_A_TIME):
        block = samples[first * shift : (first + FRAMES_AT_A_TIME - 1) * shift + window]
        wave = torch.from_numpy(np.asarray(block, np.float32) * 32768).unsqueeze(0)  # Kaldi counts in 16-bit steps
        blocks.append(
            kaldi.mfcc(
                wave,
                sample_frequency=sample_rate,
                num_ceps=NUM_CEPS,
                num_mel_bins=23,
                dither=0.0,
                use_energy=False,
                frame_length=FRAME_LENGTH_MS,
                frame_shift=FRAME_SHIFT_MS,
            ).numpy()
        )
    return np.concatenate(blocks)


def add_deltas(static: np.ndarray) -> np.ndarray:
    """Append first and second time derivatives: (T, D) -> (T, 3 D).

    Regression over ±2 frames (HTK Book, eq. 5.16). As in Kaldi (feat/feature-functions.cc) the second derivative is
    one composed filter over the frames, with the first and last frame repeated outside the utterance; taking the
    derivative of the derivative, as torchaudio does, differs near the edges.
    """
    steps = np.arange(-DELTA_WINDOW, DELTA_WINDOW + 1)
    first = steps / (steps**2).sum()
    filters = [first, np.convolve(first, first)]
    blocks = [static]
    for taps in filters:
        reach = len(taps) // 2
        padded = np.pad(static, ((reach, reach), (0, 0)), mode="edge")
        blocks.append(sum(tap * padded[i : i + len(static)] for i, tap in enumerate(taps)))
    return np.concatenate(blocks, axis=1).astype(np.float32)


class CepstralStats:
    """Running mean and variance over a speaker's frames (cepstral mean and variance normalisation)."""

    def __init__(self) -> None:
        self.count = 0
        self.sums = np.zeros((2, NUM_CEPS))

    def add(self, static: np.ndarray) -> None:
        """Count in the frames of one utterance, (T, 13)."""
        self.count += len(static)
        self.sums += static.sum(0, dtype=np.float64), (static.astype(np.float64) ** 2).sum(0)

    def of_training(self) -> dict[str, list[float]]:
        """Mean and variance of a coefficient, as the meta.json of a model has them."""
        mean = self.sums[0] / self.count
        return {"mean": mean.tolist(), "variance": (self.sums[1] / self.count - mean**2).tolist()}

    def add_prior(self, training: Mapping[str, Sequence[float]], frames: int) -> None:
        """Count in so many frames of mean and variance as ``of_training`` gave them (Kaldi's online CMVN does likewise
        until a speaker has been heard for long enough: feat/online-feature.h)."""
        mean, variance = np.array(training["mean"]), np.array(training["variance"])
        self.count += frames
        self.sums += frames * np.array([mean, variance + mean**2])

    def normalise(self, static: np.ndarray, variance: bool) -> np.ndarray:
        """Subtract the speaker's mean and, if asked, divide by the standard deviation: (T, 13) -> (T, 13)."""
        mean = self.sums[0] / self.count
        scale = np.sqrt(np.maximum(self.sums[1] / self.count - mean**2, 1e-10)) if variance else 1.0
        return (static - mean) / scale


@dataclass(frozen=True)
class FeatureSettings:
    """How features were made. They stand in feats.json beside the features, and as "features" in the meta.json of every
    model trained on them: a model reads only features that were made alike."""

    sample_rate: int  # Hz
    norm_vars: bool  # divided by the speaker's standard deviation

    def write(self, datadir: Path, missing: Sequence[str] = (), cepstra: Cepstra | None = None) -> None:
        """Write feats.json, with the ids of the utterances that the stage was told to go on without, and mean and
        variance of the cepstra before they were normalised."""
        write_json(datadir / SETTINGS, {**asdict(self), "missing": list(missing), "cepstra": cepstra})


def splice(feats: np.ndarray, context: int) -> np.ndarray:
    """Each frame with ``context`` neighbours on both sides, edges repeated: (T, D) -> (T, (2 context + 1) D)."""
    padded = np.pad(feats, ((context, context), (0, 0)), mode="edge")
    return np.concatenate([padded[i : i + len(feats)] for i in range(2 * context + 1)], axis=1)
