"""The formants of a voice: the resonances of the mouth and throat, by linear prediction."""

from __future__ import annotations

import math

import numpy as np

from pipeline.sound.windows import moments, windows

NUM_FORMANTS = 3
HIGHEST_HZ = 5500  # five formants lie below it in a vocal tract of 16 cm; what is above is filtered out
SPACING_HZ = 1100  # between two formants on average, in such a tract
LOWEST_HZ = 90.0  # what is below is the voice, not a formant
WIDEST_HZ = 600.0  # bandwidth of a formant; a wider pole is the slope of the spectrum
WINDOW_S = 0.05
ENERGY_S = 0.0025
EMPHASIS_HZ = 50.0
AT_A_TIME = 500  # frames; the equations of so many take 20 MB


def formants(samples: np.ndarray, sample_rate: int, times: np.ndarray | None = None) -> np.ndarray:
    """The lowest three formants at each of ``times`` (T,) in seconds; without them, every 10 ms (`moments`).

    ``samples``: (N,) float, mono. Returns (T, 3) float64 in Hz, lowest first, NaN for those that are not found or lie
    above half the sample rate. They are there for any sound; that they are formants is up to its having a voice, or at
    least a mouth.

    Pre-emphasis of 6 dB an octave from 50 Hz, a Gaussian window of 50 ms, the covariance method with two poles for each
    1100 Hz, and the frequencies of the poles narrower than 600 Hz (Markel and Gray 1976, "Linear prediction of
    speech"). Each sample's prediction counts by the energy of the 2.5 ms before it (Ma, Kamp and Willems 1993, "Robust
    signal selection for linear prediction analysis of voiced speech"): so it is the sound just after the folds have
    closed, when the mouth rings by itself, that decides. With every sample alike the formants of high voices go to the
    nearest harmonic.
    """
    sound, rate = _narrowed(np.asarray(samples, np.float64), sample_rate)
    times = moments(len(samples), sample_rate) if times is None else np.asarray(times, np.float64)
    found = [
        _of_poles(
            _prediction(windows(sound, rate, times[first : first + AT_A_TIME], round(WINDOW_S * rate)), rate), rate
        )
        for first in range(0, len(times), AT_A_TIME)
    ]
    return np.concatenate(found) if found else np.zeros((0, NUM_FORMANTS))


def _narrowed(samples: np.ndarray, sample_rate: int) -> tuple[np.ndarray, int]:
    """The sound up to HIGHEST_HZ, pre-emphasised, and its sample rate."""
    rate = min(sample_rate, 2 * HIGHEST_HZ)
    if rate < sample_rate and len(samples):
        from scipy.signal import resample_poly  # a slow import

        common = math.gcd(rate, sample_rate)
        samples = resample_poly(samples, rate // common, sample_rate // common)
    coefficient = math.exp(-2 * math.pi * EMPHASIS_HZ / rate)
    return np.append(samples[:1], samples[1:] - coefficient * samples[:-1]), rate


def _prediction(frames: np.ndarray, rate: int) -> np.ndarray:
    """(T, L) -> (T, P): how a sample comes from the P before it, the last one first, by weighted least squares."""
    order = 2 * max(round(rate / 2 / SPACING_HZ), 1)
    length = frames.shape[1]
    window = np.exp(-12 * (2 * (np.arange(length) + 0.5) / length - 1) ** 2)
    reach = max(round(ENERGY_S * rate), 1)
    energy = np.cumsum(np.pad(frames**2, ((0, 0), (1, 0))), axis=1)  # (T, L + 1), of all samples before
    at = np.arange(order, length)
    weights = window[order:] * (energy[:, at] - energy[:, np.maximum(at - reach, 0)])  # (T, L - P)
    before = np.lib.stride_tricks.sliding_window_view(frames, order, axis=1)[:, :-1, ::-1]  # (T, L - P, P)
    weighted = (before * weights[..., None]).transpose(0, 2, 1)
    products = weighted @ before  # (T, P, P)
    # A silence, or a tone, has no single answer: a little of white noise gives it one.
    noise = 1e-9 * np.trace(products, axis1=1, axis2=2) / order
    products += np.maximum(noise, 1e-300)[:, None, None] * np.eye(order)
    return np.linalg.solve(products, weighted @ frames[:, order:, None])[..., 0]


def _of_poles(coefficients: np.ndarray, rate: int) -> np.ndarray:
    """(T, P) -> (T, 3): frequencies of the lowest poles that are narrow enough, NaN where there are fewer."""
    order = coefficients.shape[1]
    companion = np.zeros((len(coefficients), order, order))
    companion[:, 0] = coefficients
    companion[:, np.arange(1, order), np.arange(order - 1)] = 1
    poles = np.linalg.eigvals(companion)
    hertz = np.angle(poles) * rate / (2 * np.pi)
    width = np.abs(np.log(np.maximum(np.abs(poles), 1e-12))) * rate / np.pi
    kept = (hertz > LOWEST_HZ) & (hertz < rate / 2 - LOWEST_HZ) & (width < WIDEST_HZ)
    found = np.sort(np.where(kept, hertz, np.nan), axis=1)  # NaN last
    found = np.pad(found, ((0, 0), (0, NUM_FORMANTS)), constant_values=np.nan)
    return found[:, :NUM_FORMANTS]
