"""The pitch of a voice: how often a second its vocal folds close (F0)."""

from __future__ import annotations

import numpy as np

from pipeline.sound.windows import STEP_S, moments, windows

FLOOR_HZ = 75.0
CEILING_HZ = 600.0
PERIODS = 3  # of the lowest pitch in a window: fewer and the autocorrelation of its Hann window is too small there
FINER = 4  # times as many lags as samples, by sinc interpolation; a parabola finds the rest
CANDIDATES = 6
# Boersma's names and values. Strengths are correlations; costs are taken off them.
SILENCE = 0.03
VOICING = 0.45
OCTAVE_COST = 0.01
JUMP_COST = 0.35  # for an octave in 10 ms
TURN_COST = 0.14  # for a turn from voiced to voiceless or back
AT_A_TIME = 1000  # frames; their autocorrelations take 30 MB at 16 kHz


def pitch(samples: np.ndarray, sample_rate: int) -> np.ndarray:
    """The pitch every 10 ms (`moments`), from 75 to 600 Hz.

    ``samples``: (N,) float, mono. Returns (T,) float64 in Hz, NaN where there is no voice. The candidates of a window
    of 40 ms are the highest peaks of the signal's autocorrelation, divided by that of the window; the best path
    through them minds voicing, octaves and jumps. Source: Boersma (1993), "Accurate short-term analysis of the
    fundamental frequency and the harmonics-to-noise ratio of a sampled sound".
    """
    times = moments(len(samples), sample_rate)
    if not len(times):
        return np.zeros(0)
    samples = np.asarray(samples, np.float64)
    samples = samples - samples.mean()
    loudest = np.abs(samples).max()
    parts = [
        _candidates(samples, sample_rate, times[first : first + AT_A_TIME], loudest)
        for first in range(0, len(times), AT_A_TIME)
    ]
    return _best_path(*map(np.concatenate, zip(*parts)))


def _candidates(
    samples: np.ndarray, sample_rate: int, times: np.ndarray, loudest: float
) -> tuple[np.ndarray, np.ndarray]:
    """Frequencies (T, C) in Hz and strengths (T, C) of what the pitch may be at these times; column 0 is "voiceless",
    with NaN for a frequency. What there is less of has strength -inf."""
    length = round(PERIODS / FLOOR_HZ * sample_rate)
    frames = windows(samples, sample_rate, times, length)
    frames = frames - frames.mean(axis=1, keepdims=True)
    loudness = np.abs(frames).max(axis=1) / (loudest or 1.0)
    voiceless = VOICING + np.maximum(0, 2 - loudness / (SILENCE / (1 + VOICING)))
    lags, correlations = _correlations(frames, sample_rate)
    inner = correlations[:, 1:-1]
    before, after = correlations[:, :-2], correlations[:, 2:]
    peaks = (inner > before) & (inner >= after) & (inner > VOICING / 2)
    bend = before - 2 * inner + after
    shift = np.where(peaks, 0.5 * (before - after) / np.where(bend, bend, 1), 0)
    height = np.minimum(inner - 0.25 * (before - after) * shift, 1)
    hertz = 1 / (lags[1:-1] + shift * (lags[1] - lags[0]))
    strength = np.where(peaks, height + OCTAVE_COST * np.log2(hertz / FLOOR_HZ), -np.inf)
    best = np.argsort(-strength, axis=1)[:, : CANDIDATES - 1]
    rows = np.arange(len(times))[:, None]
    return (
        np.hstack([np.full((len(times), 1), np.nan), hertz[rows, best]]),
        np.hstack([voiceless[:, None], strength[rows, best]]),
    )


def _correlations(frames: np.ndarray, sample_rate: int) -> tuple[np.ndarray, np.ndarray]:
    """Lags (L,) in seconds, from a little less than the shortest period to a little more than the longest, and the
    autocorrelation (T, L) of the frames there, of what lies in the window: 1 for a perfectly periodic sound."""
    length = frames.shape[1]
    window = np.hanning(length + 2)[1:-1]
    bins = 1 << (2 * length - 1).bit_length()

    def autocorrelation(signal: np.ndarray) -> np.ndarray:
        power = np.abs(np.fft.rfft(signal, bins, axis=-1)) ** 2
        return np.fft.irfft(power, FINER * bins, axis=-1)

    own, of_window = autocorrelation(frames * window), autocorrelation(window)
    first = int(FINER * sample_rate / CEILING_HZ) - 1
    last = int(np.ceil(FINER * sample_rate / FLOOR_HZ)) + 2
    lags = np.arange(first, last)
    energy = np.where(own[:, :1] > 0, own[:, :1], 1)
    return lags / (FINER * sample_rate), own[:, first:last] / energy / (of_window[first:last] / of_window[0])


def _best_path(hertz: np.ndarray, strength: np.ndarray) -> np.ndarray:
    """(T, C), (T, C) -> (T,): of each moment the frequency on the path of the greatest strength, less what its jumps
    and turns cost (Viterbi)."""
    scale = 0.01 / STEP_S  # the costs are those of steps of 10 ms
    total, back = strength[0], np.zeros(hertz.shape, int)
    for t in range(1, len(hertz)):
        apart = np.abs(np.log2(hertz[t - 1][:, None] / hertz[t][None, :]))  # NaN beside "voiceless"
        turn = np.isnan(hertz[t - 1])[:, None] != np.isnan(hertz[t])[None, :]
        cost = np.where(turn, TURN_COST, JUMP_COST * np.nan_to_num(apart)) * scale
        through = total[:, None] - cost
        back[t] = through.argmax(axis=0)
        total = through.max(axis=0) + strength[t]
    path = np.zeros(len(hertz), int)
    path[-1] = total.argmax()
    for t in range(len(hertz) - 1, 0, -1):
        path[t - 1] = back[t, path[t]]
    return hertz[np.arange(len(hertz)), path]
