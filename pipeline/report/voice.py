"""Pitch, intensity and formants of an utterance, as its page draws them over the spectrogram."""

from __future__ import annotations

import base64

import numpy as np

from pipeline.sound.formants import formants
from pipeline.sound.intensity import intensity
from pipeline.sound.pitch import pitch
from pipeline.sound.windows import STEP_S

DYNAMIC_RANGE_DB = 30.0  # formants of what is softer, below the loudest, are left out, as in Praat's default


def voice_curves(samples: np.ndarray, sample_rate: int) -> dict[str, float | str]:
    """Of samples (N,) float, full scale 1: ``step``, the seconds between two values (the first lies half of it after
    the first sample), and the curves as base64 of int16, little-endian: ``pitch`` (T,) in 0.1 Hz and ``formants``
    (T, 3) in Hz, 0 for none; ``intensity`` (T,) in 0.1 dB of full scale.
    """
    loud = intensity(samples, sample_rate)
    resonances = formants(samples, sample_rate)
    resonances[loud < loud.max(initial=-np.inf) - DYNAMIC_RANGE_DB] = np.nan
    return {
        "step": STEP_S,
        "pitch": _packed(10 * pitch(samples, sample_rate)),
        "intensity": _packed(10 * loud),
        "formants": _packed(resonances),
    }


def _packed(values: np.ndarray) -> str:
    return base64.b64encode(np.rint(np.nan_to_num(values)).astype("<i2").tobytes()).decode("ascii")
