"""Sound played faster or slower, so that a training set is heard at several speeds (Ko et al. 2015, "Audio augmentation
for speech recognition"). Its pitch and formants move too, as those of another speaker."""

from __future__ import annotations

import re
from fractions import Fraction

import numpy as np

from lexicon.errors import UserError

ORDINARY = "1.0"
WRITTEN = re.compile(r"[0-9](\.[0-9]{1,2})?")
SLOWEST, FASTEST = 0.5, 2.0


def speed_of(word: str) -> Fraction:
    """The speed that ``word`` writes, such as 0.9; UserError for what cannot be meant."""
    if not WRITTEN.fullmatch(word) or not SLOWEST <= (speed := Fraction(word)) <= FASTEST:
        raise UserError(
            f"speed {word!r:.40}: write a number from {SLOWEST:g} to {FASTEST:g} with two decimals at most, such as 0.9"
        )
    return speed


def at_speed(samples: np.ndarray, speed: Fraction) -> np.ndarray:
    """Samples (N,) of the sound played at ``speed``, at the sample rate that it has: (ceil(N / speed),) float32.

    They are resampled as those of another rate are (`pipeline.sound.audio.read_audio`).
    """
    if speed == 1:
        return samples
    from scipy.signal import resample_poly  # a slow import that most corpora do not need

    return resample_poly(samples.astype(np.float64), speed.denominator, speed.numerator).astype(np.float32)
