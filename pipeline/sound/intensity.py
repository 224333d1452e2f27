"""How strong a sound is, moment by moment."""

from __future__ import annotations

import numpy as np

from pipeline.sound.pitch import FLOOR_HZ
from pipeline.sound.windows import moments

SILENCE_DB = -120.0  # below the last bit of 16, and of a sound of zeros


def intensity(samples: np.ndarray, sample_rate: int) -> np.ndarray:
    """The intensity every 10 ms (`moments`).

    ``samples``: (N,) float, mono, full scale 1. Returns (T,) float64 in dB of full scale: 10 log10 of the mean square
    about the mean, so a sine from -1 to 1 has -3.01 dB; -120 dB at least. The mean is weighed by a Kaiser window
    (beta 20) of 85 ms, effectively 43 ms, so that the pulses of a voice of 75 Hz or more do not show, as in Boersma and
    Weenink's Praat (manual, "Sound: To Intensity").
    """
    from scipy.signal import fftconvolve  # a slow import

    times = moments(len(samples), sample_rate)
    if not len(times):
        return np.zeros(0)
    window = np.kaiser(2 * round(3.2 / FLOOR_HZ * sample_rate) + 1, 20)
    half = len(window) // 2
    at = np.minimum(np.rint(times * sample_rate).astype(int), len(samples) - 1) + half

    def smooth(signal: np.ndarray) -> np.ndarray:
        return fftconvolve(signal, window)[at]

    samples = np.asarray(samples, np.float64)
    weight = smooth(np.ones(len(samples)))  # less at the ends, where the window reaches beyond the sound
    power = smooth(samples**2) / weight - (smooth(samples) / weight) ** 2
    return 10 * np.log10(np.maximum(power, 10 ** (SILENCE_DB / 10)))
