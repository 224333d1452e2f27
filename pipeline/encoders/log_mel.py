"""What Whisper hears: log-mel frames as OpenAI defines them (Radford et al. 2023; whisper/audio.py)."""

from __future__ import annotations

from functools import lru_cache

import torch
import torchaudio

from pipeline.encoders.encoder import SAMPLE_RATE

WINDOW, HOP = 400, 160  # samples: 25 ms every 10
FLOOR = 1e-10
RANGE = 8.0  # powers of ten below the loudest that are told apart


def log_mel(samples: torch.Tensor, bins: int) -> torch.Tensor:
    """(N,) float32 at 16 kHz, at least WINDOW of them -> (bins, N // HOP), about -1 to 1.

    Frame i is centred on sample HOP * i: the signal is mirrored at its ends, and the last frame is dropped. What is
    more than RANGE below the loudest bin of the whole is raised to there.
    """
    spectrum = torch.stft(samples, WINDOW, HOP, window=torch.hann_window(WINDOW), return_complex=True)
    power = spectrum[:, :-1].abs() ** 2  # (WINDOW / 2 + 1, T)
    mel = (filters(bins).T @ power).clamp(min=FLOOR).log10()
    return (torch.maximum(mel, mel.max() - RANGE) + 4) / 4


@lru_cache
def filters(bins: int) -> torch.Tensor:
    """(WINDOW / 2 + 1, bins): triangles on Slaney's mel scale, each of the same area (librosa's default)."""
    return torchaudio.functional.melscale_fbanks(
        WINDOW // 2 + 1, 0.0, SAMPLE_RATE / 2, bins, SAMPLE_RATE, norm="slaney", mel_scale="slaney"
    )
