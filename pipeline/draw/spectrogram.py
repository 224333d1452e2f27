"""A wide-band spectrogram as phoneticians use it, and PNGs whose opacity is a darkness.

The report's pages draw the same spectrogram themselves, for the stretch in view: pipeline/report/web/spectrogram.js.
"""

from __future__ import annotations

import struct
import zlib

import numpy as np

WINDOW_MS = 5.0  # about 260 Hz wide: formants show as bars, glottal pulses as stripes
DYNAMIC_RANGE_DB = 50.0
MAX_COLUMNS = 2400
ROWS = 128


def spectrogram(samples: np.ndarray, sample_rate: int) -> np.ndarray:
    """Darkness of each point of a wide-band spectrogram.

    ``samples``: (N,) float, mono. Returns (ROWS, columns) float32 in [0, 1], highest frequency (half the sample rate)
    in the first row; column c lies at (c + 0.5) / columns of the duration. Pre-emphasis of 6 dB an octave from 50 Hz,
    Gaussian window, and a range of 50 dB below the loudest point, as in Praat's default (Boersma and Weenink).
    """
    step = max(round(0.002 * sample_rate), -(-len(samples) // MAX_COLUMNS), 1)
    decibels = power_decibels(samples, sample_rate, step)
    floor = decibels.max() - DYNAMIC_RANGE_DB
    return np.clip((decibels - floor) / DYNAMIC_RANGE_DB, 0, 1).T[::-1].astype(np.float32)


def power_decibels(samples: np.ndarray, sample_rate: int, step: int) -> np.ndarray:
    """The power behind it: (N,) -> (N // step or 1, ROWS), lowest frequency first, column c centred on sample step c +
    step // 2. A column takes ``reach`` samples on each side."""
    half = reach(sample_rate)
    coefficient = np.exp(-2 * np.pi * 50 / sample_rate)
    emphasised = np.append(samples[:1], samples[1:] - coefficient * samples[:-1]).astype(np.float32)
    padded = np.pad(emphasised, (half, half + step))
    columns = max(len(samples) // step, 1)
    starts = step * np.arange(columns) + step // 2  # (C,) of windows in `padded`, centred there in `samples`
    frames = np.lib.stride_tricks.sliding_window_view(padded, 2 * half)[starts]  # (C, 2 half)
    window = np.exp(-48 * (np.arange(-half, half) / (2 * half)) ** 2).astype(np.float32)
    bins = 2 * ROWS * -(-half // ROWS)
    power = np.abs(np.fft.rfft(frames * window, n=bins, axis=1)[:, 1:]) ** 2  # (C, bins / 2), zero frequency dropped
    power = power.reshape(columns, ROWS, -1).mean(axis=2)
    return 10 * np.log10(power + 1e-12)


def reach(sample_rate: int) -> int:
    """Samples on each side of its middle that a column is made of: the Gaussian's tails need twice its effective
    length."""
    return max(round(WINDOW_MS / 1000 * sample_rate), 2)


def png_mask(darkness: np.ndarray, levels: int = 32) -> bytes:
    """A PNG with transparency ``darkness``: (rows, columns) in [0, 1], 1 opaque.

    For CSS masks: the page gives the colour, dark on light or light on dark. A palette of ``levels`` alphas keeps it
    small (PNG specification, third edition: IHDR colour type 3, tRNS).
    """
    rows, columns = darkness.shape
    alphas = bytes(round(255 * level / (levels - 1)) for level in range(levels))
    pixels = np.rint(darkness * (levels - 1)).astype(np.uint8)
    above = np.concatenate([np.zeros((1, columns), np.uint8), pixels[:-1]])
    # Each line begins with the type of its filter: 0 none, 2 the difference from the line above.
    filtered = [
        np.pad(line, ((0, 0), (1, 0)), constant_values=kind) for kind, line in ((0, pixels), (2, pixels - above))
    ]
    smallest = min((zlib.compress(lines.tobytes(), 9) for lines in filtered), key=len)
    return b"".join(
        [
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", struct.pack(">IIBBBBB", columns, rows, 8, 3, 0, 0, 0)),
            _chunk(b"PLTE", bytes(3 * levels)),
            _chunk(b"tRNS", alphas),
            _chunk(b"IDAT", smallest),
            _chunk(b"IEND", b""),
        ]
    )


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
