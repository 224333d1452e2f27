"""Cutting a long recording at its pauses into pieces short enough to search, by loudness alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from pipeline.times.clock import FRAME_LENGTH_MS, FRAME_SHIFT_MS

PREEMPHASIS = 0.97  # hum and rumble are not speech
NOTHING_DB = -90.0  # below full scale: less than one step of 16 bits, so no sound at all
SMOOTHING = 5  # frames over which loudness is averaged
EDGE = 5  # frames of a pause that are searched beside the speech
LEAST_RANGE_DB = 6.0  # a recording between whose soft and loud frames there is less has no pauses to find
BRINK = 20  # frames of a pause on either side that still count as the speaker's: as much as utterances have
ABOVE_FLOOR = 0.3  # where speech begins between the floor (0) and the loud frames (1), in dB


@dataclass(frozen=True)
class Piece:
    """Frames ``start`` to ``end`` (exclusive) of a recording; without ``speech`` there is nothing in it to search."""

    start: int
    end: int
    speech: bool = True


@dataclass(frozen=True)
class Cutting:
    """How to cut, in frames of 10 ms."""

    limit: int = 2000  # no piece with speech is longer
    pause: int = 30  # a pause as long as this is cut wherever `shortest` allows
    breath: int = 15  # a pause at all; cut only where a piece would be too long
    shortest: int = 100  # a cut leaves so much on both sides
    silence: int = 200  # a pause longer than this becomes a piece of its own ...
    margin: int = 50  # ... but for so much beside the speech


def frame_levels(samples: np.ndarray, sample_rate: int) -> np.ndarray:
    """Loudness of each frame that `pipeline.sound.mfcc.mfcc` would make: (N,) -> (T,) dB below full scale."""
    window, shift = (int(sample_rate * ms / 1000) for ms in (FRAME_LENGTH_MS, FRAME_SHIFT_MS))
    if len(samples) < window:
        return np.zeros(0)
    sharp = np.append(samples[:1] * (1 - PREEMPHASIS), samples[1:] - PREEMPHASIS * samples[:-1]).astype(np.float64)
    power = np.lib.stride_tricks.sliding_window_view(sharp, window)[::shift].var(axis=1)
    return 10 * np.log10(np.maximum(power, 1e-12))


def find_pauses(levels: np.ndarray, least: int = Cutting.breath) -> list[tuple[int, int]]:
    """(start, end) of the stretches of at least so many frames that are nearer to the noise floor than to speech.

    levels: (T,) dB. The floor is the level that a tenth of the frames stay below, and loud what a hundredth exceeds, so
    that the threshold follows the recording; in one without any contrast there are no pauses.
    """
    smooth = _smooth(levels)
    floor, loud = np.percentile(smooth, (10, 99)) if len(smooth) else (0.0, 0.0)
    if loud - floor < LEAST_RANGE_DB:
        return []
    quiet = smooth < floor + max(LEAST_RANGE_DB, ABOVE_FLOOR * (loud - floor))
    edges = np.flatnonzero(np.diff(np.concatenate([[0], quiet, [0]]).astype(int)))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2) if b - a >= least]


def near_speech(levels: np.ndarray) -> np.ndarray:
    """(T,) whether a frame belongs to speech or to the brink of a pause: what says something of a voice.

    How long a recording is silent, and how silent, differs from what a model was trained on, and would shift and
    stretch all features: on dev prompts joined with 1.5 s of noise, the GMM's WER is 50 % with all pauses in the
    statistics and 17 % so.
    """
    near = levels >= NOTHING_DB
    for start, end in find_pauses(levels):
        near[(start + BRINK if start else 0) : max(start, end - BRINK if end < len(levels) else end)] = False
    return near


def cut_at_pauses(levels: np.ndarray, how: Cutting = Cutting()) -> list[Piece]:
    """Pieces that tile the frames of ``levels`` (T,), cut in pauses; in speech without any, at its softest frames."""
    total, smooth, pauses = len(levels), _smooth(levels), find_pauses(levels, how.breath)
    if not total or levels.max() < NOTHING_DB:
        return [Piece(0, total, speech=False)] if total else []
    pieces, at = [], 0
    for start, end in (pause for pause in pauses if pause[1] - pause[0] > how.silence):
        first, last = (start + how.margin if start else 0), (end - how.margin if end < total else total)
        pieces += [Piece(at, first)] * (first > at) + [Piece(first, last, speech=False)]
        at = last
    pieces += [Piece(at, total)] * (total > at)
    parts = [part for piece in pieces for part in (_divide(piece, pauses, smooth, how) if piece.speech else [piece])]
    return [
        replace(part, speech=part.speech and not any(a <= part.start and part.end <= b for a, b in pauses))
        for part in parts
    ]


def spoken_part(piece: Piece, pauses: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """Start and end of a piece without the pauses at its ends, but for EDGE frames of them.

    Models know utterances without much silence around them: on dev prompts joined with loud noise (-54 dB), all of the
    pauses would cost the GMM another 10 % WER, and with faint noise they make the CTC network hear other words.
    """
    start, end = piece.start, piece.end
    for begins, ends in pauses:
        if begins <= piece.start < ends:
            start = max(start, ends - EDGE)
        if begins < piece.end <= ends:
            end = min(end, begins + EDGE)
    return start, end


def _divide(piece: Piece, pauses: list[tuple[int, int]], smooth: np.ndarray, how: Cutting) -> list[Piece]:
    """Cut a piece at its longest pause, and again, until no part has a long pause left or is longer than the limit."""
    waiting, done = [(piece, [(b - a, (a + b) // 2) for a, b in pauses])], []  # parts, and (length, middle) of pauses
    while waiting:
        part, within = waiting.pop()
        within = [(size, at) for size, at in within if part.start + how.shortest <= at <= part.end - how.shortest]
        longest, at = max(within, default=(0, 0))
        length = part.end - part.start
        if longest < how.pause and length <= how.limit:
            done.append(part)
            continue
        if not longest:
            at = softest(smooth, part.start, part.end)
        # The earlier part is taken up next, so that what is done is in order.
        waiting += [(Piece(at, part.end), within), (Piece(part.start, at), within)]
    return done


def softest(levels: np.ndarray, start: int, end: int) -> int:
    """The softest frame between two, of which each side keeps a quarter at least."""
    quarter = (end - start) // 4
    return start + quarter + int(np.argmin(levels[start + quarter : end - quarter]))


def _smooth(levels: np.ndarray) -> np.ndarray:
    """Moving average, edges repeated; nothing is quieter than no sound at all."""
    if not len(levels):
        return levels
    padded = np.pad(np.maximum(levels, NOTHING_DB), SMOOTHING // 2, mode="edge")
    return np.convolve(padded, np.full(SMOOTHING, 1 / SMOOTHING), mode="valid")
