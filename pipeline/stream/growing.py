"""A recording that grows: samples at its own rate go in, frames come out as soon as all their samples are there."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping

import numpy as np

from pipeline.sound.front_end import FrontEnd, Raw, SpeakerStats, extractor_of
from pipeline.sound.pauses import frame_levels
from pipeline.sound.recording import Recording
from pipeline.times.clock import FRAME_LENGTH_MS, FRAME_SHIFT_MS

FILTER = 10  # of resample_poly: half its length, in periods of the lower rate


class Resampler:
    """The samples of a stream at another rate: those that ``scipy.signal.resample_poly`` gives of the whole."""

    def __init__(self, from_rate: int, to_rate: int):
        common = math.gcd(from_rate, to_rate)
        self.up, self.down = to_rate // common, from_rate // common
        reach = FILTER * max(self.up, self.down) // self.up + 1  # samples on each side that the filter takes
        self.margin = -(-reach // self.down) * self.down  # in which whole periods of both rates lie
        self.held = np.zeros(0)
        self.given = 0  # of the samples that are made of what is held

    def add(self, samples: np.ndarray, last: bool = False) -> np.ndarray:
        """(N,) -> (M,) float32: what is known now; with ``last`` the rest of it."""
        if self.up == self.down:
            return samples.astype(np.float32)
        from scipy.signal import resample_poly  # a slow import

        self.held = np.concatenate([self.held, samples])
        made = resample_poly(self.held, self.up, self.down) if len(self.held) else self.held
        ready = len(made) if last else max(self.given, (len(self.held) - self.margin) // self.down * self.up)
        new = made[self.given : ready].astype(np.float32)
        gone = max(0, ready // self.up * self.down - self.margin)
        self.held, self.given = self.held[gone:], ready - gone // self.down * self.up
        return new


class Frames:
    """Levels and raw rows of a stream of samples at one rate, frame by frame as `read_recording` makes them."""

    def __init__(self, from_rate: int, rate: int, wanted: Collection[Raw]):
        self.rate, self.resampler = rate, Resampler(from_rate, rate)
        self.extractors = {raw: extractor_of(raw) for raw in wanted}
        self.window, self.shift = (int(rate * ms / 1000) for ms in (FRAME_LENGTH_MS, FRAME_SHIFT_MS))
        self.held = np.zeros(0, np.float32)  # from the frame before the next on
        self.begun = False

    def add(self, samples: np.ndarray, last: bool) -> tuple[np.ndarray, dict[Raw, np.ndarray]]:
        """(levels (n,), raw rows (n, coefficients) of each kind) of the frames that are complete now."""
        self.held = np.concatenate([self.held, self.resampler.add(samples, last)])
        before = self.shift if self.begun else 0  # levels look back one sample
        count = max(0, 1 + (len(self.held) - before - self.window) // self.shift)
        block = self.held[: before + (count - 1) * self.shift + self.window] if count else self.held[:0]
        levels = frame_levels(block, self.rate)[before // self.shift :]
        rows = {raw: made.rows(block[before:], self.rate)[:count] for raw, made in self.extractors.items()}
        if count:
            self.held = self.held[before + (count - 1) * self.shift :]
            self.begun = True
        return levels, rows


class Growing:
    """What was said last, as a `Recording` that grows: at least ``kept`` frames before the piece that is being said,
    which say how the speaker and the room sound, and all of that piece."""

    def __init__(self, sample_rate: int, wanted: Collection[Raw], kept: int):
        if any(raw.step != 1 for raw in wanted):
            raise ValueError("rows that are no frames")
        rates = sorted({raw.sample_rate for raw in wanted})
        self.streams = [Frames(sample_rate, rate, [r for r in wanted if r.sample_rate == rate]) for rate in rates]
        self.kept, self.first = kept, 0  # the frame of the whole with which it begins
        self.waiting = [np.zeros(0) for _ in rates]  # levels at each rate; resampled, one may be a frame ahead
        self.rows = {raw: np.zeros((0, raw.coefficients), np.float32) for raw in wanted}
        self.levels = np.zeros(0)

    def add(self, samples: np.ndarray, last: bool = False) -> None:
        """Take samples (N,); ``last``: no more will come."""
        for number, stream in enumerate(self.streams):
            levels, rows = stream.add(samples, last)
            self.waiting[number] = np.concatenate([self.waiting[number], levels])
            for raw, more in rows.items():
                self.rows[raw] = np.concatenate([self.rows[raw], more])
        count = min(map(len, self.waiting))
        self.levels = np.concatenate([self.levels, self.waiting[0][:count]])
        self.waiting = [levels[count:] for levels in self.waiting]

    @property
    def end(self) -> int:
        """The first frame that is not there yet."""
        return self.first + len(self.levels)

    def forget(self, piece: int) -> None:
        """Forget what lies more than ``kept`` frames before frame ``piece``."""
        gone = max(0, piece - self.kept - self.first)
        self.first += gone
        self.levels = self.levels[gone:]
        self.rows = {raw: rows[gone:] for raw, rows in self.rows.items()}

    def recording(self, name: str, stats: Mapping[FrontEnd, SpeakerStats] = {}) -> Recording:
        """What is there; its frame 0 is frame ``first`` of the whole. ``stats``: instead of its own."""
        rows = {raw: rows[: len(self.levels)] for raw, rows in self.rows.items()}
        return Recording(name, len(self.levels) * FRAME_SHIFT_MS / 1000, rows, self.levels, dict(stats))
