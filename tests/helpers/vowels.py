"""Vowels whose pitch and formants are known, because they are made of them: the pulses of a glottis, and the resonances
of a mouth one after the other (Klatt 1980, "Software for a cascade/parallel formant synthesizer")."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.signal import lfilter

# F1 to F3 in Hz, near those of men in Peterson and Barney (1952).
VOWELS = {
    "i": (270, 2290, 3010),
    "e": (400, 2100, 2700),
    "ae": (660, 1720, 2410),
    "a": (730, 1090, 2440),
    "o": (480, 900, 2500),
    "u": (300, 870, 2240),
    "schwa": (500, 1500, 2500),
}
HIGHER = (3500, 4500, 5500, 6500)
BANDWIDTHS = (60, 90, 130, 180, 200, 250, 300)


def vowel(pitch: float, formants: Sequence[float], rate: int, seconds: float = 0.3) -> np.ndarray:
    """(N,) float32, of 0.5 at its highest. Pulses are sums of cosines, so that they lie where they belong, and not at
    the nearest sample; a slope of 6 dB an octave is that of the glottis, less what the lips radiate."""
    time = np.arange(int(seconds * rate)) / rate
    sound = sum(np.cos(2 * np.pi * harmonic * time) for harmonic in np.arange(pitch, rate / 2, pitch))
    sound = lfilter([1], [1, -np.exp(-2 * np.pi * 50 / rate)], sound)
    for hertz, width in zip((*formants, *HIGHER), BANDWIDTHS):
        if hertz < rate / 2:
            radius = np.exp(-np.pi * width / rate)
            sound = lfilter([1], [1, -2 * radius * np.cos(2 * np.pi * hertz / rate), radius**2], sound)
    return (0.5 * sound / np.abs(sound).max()).astype(np.float32)
