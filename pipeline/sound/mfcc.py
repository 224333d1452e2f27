"""Mel-frequency cepstra and log-mel energies as Kaldi makes them: what front ends are composed of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pipeline.times.clock import FRAME_LENGTH_MS, FRAME_SHIFT_MS

NUM_CEPS = 13
NUM_BANDS = 40
MEL_BINS = {"mfcc": 23, "fbank": NUM_BANDS}
FRAMES_AT_A_TIME = 10_000  # on whose way to cepstra torchaudio takes 200 MB


def mfcc(samples: np.ndarray, sample_rate: int) -> np.ndarray:
    """Mel-frequency cepstra of one utterance.

    samples: (N,) float in [-1, 1], mono. Returns (T, 13) float32, one row per 10 ms frame, C0 first (no energy);
    frames that do not fit are left out (Kaldi's snip-edges), so T = 1 + (N - 25 ms) // 10 ms, 0 for less than 25 ms.
    Kaldi's defaults otherwise (23 mel bins, 20 Hz to Nyquist, Povey window, liftering 22), without dither so that
    two runs agree. Source: Kaldi feat/feature-mfcc.cc.
    """
    return _by_kaldi("mfcc", samples, sample_rate, NUM_CEPS, {"num_ceps": NUM_CEPS})


def fbank(samples: np.ndarray, sample_rate: int) -> np.ndarray:
    """Natural logarithms of the energy in 40 mel bands: (N,) -> (T, 40) float32, in the frames of `mfcc`.

    Source: Kaldi feat/feature-fbank.cc.
    """
    return _by_kaldi("fbank", samples, sample_rate, NUM_BANDS, {})


def _by_kaldi(name: str, samples: np.ndarray, sample_rate: int, columns: int, options: dict[str, Any]) -> np.ndarray:
    """(T, columns) by the function ``name`` of torchaudio's rewriting of Kaldi, so many frames at a time."""
    if len(samples) < sample_rate * FRAME_LENGTH_MS / 1000:
        return np.zeros((0, columns), np.float32)
    import torch  # slow imports, which what only reads features or frames does not need
    import torchaudio.compliance.kaldi as kaldi

    compute: Callable[..., torch.Tensor] = getattr(kaldi, name)
    window, shift = (int(sample_rate * ms / 1000) for ms in (FRAME_LENGTH_MS, FRAME_SHIFT_MS))
    blocks = []
    for first in range(0, 1 + (len(samples) - window) // shift, FRAMES_AT_A_TIME):
        block = samples[first * shift : (first + FRAMES_AT_A_TIME - 1) * shift + window]
        wave = torch.from_numpy(np.asarray(block, np.float32) * 32768).unsqueeze(0)  # Kaldi counts in 16-bit steps
        blocks.append(
            compute(
                wave,
                sample_frequency=sample_rate,
                dither=0.0,
                use_energy=False,
                frame_length=FRAME_LENGTH_MS,
                frame_shift=FRAME_SHIFT_MS,
                num_mel_bins=MEL_BINS[name],
                **options,
            ).numpy()
        )
    return np.concatenate(blocks)
