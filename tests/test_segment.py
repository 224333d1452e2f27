"""Cutting at pauses, on sounds whose pauses are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.sound.mfcc import mfcc
from pipeline.sound.pauses import Cutting, Piece, cut_at_pauses, find_pauses, frame_levels, near_speech, spoken_part

RATE = 8000


def voice(seconds: float, seed: int = 0, level: float = 0.1) -> np.ndarray:
    """Noise that swells and fades four times a second, as syllables do, by 12 dB."""
    n = round(seconds * RATE)
    swell = 1 + 0.6 * np.sin(2 * np.pi * 4 * np.arange(n) / RATE)
    return level * swell * np.random.default_rng(seed).normal(size=n)


def hush(seconds: float, level: float = 1e-4) -> np.ndarray:
    return np.random.default_rng(9).normal(0, level, round(seconds * RATE))


def levels_of(*parts: np.ndarray) -> np.ndarray:
    return frame_levels(np.concatenate(parts).astype(np.float32), RATE)


def seconds(frame: int) -> float:
    return frame / 100


def tiles(pieces: list[Piece], total: int) -> bool:
    return [p.start for p in pieces] == [0, *(p.end for p in pieces[:-1])] and pieces[-1].end == total


@pytest.mark.parametrize("rate", [8000, 11025, 16000])
@pytest.mark.parametrize("n", [0, 100, 199, 200, 400, 4321, 9999])
def test_a_level_for_each_frame_of_the_features(rate, n):
    samples = np.random.default_rng(n).normal(0, 0.1, n).astype(np.float32)
    assert len(frame_levels(samples, rate)) == len(mfcc(samples, rate))


def test_levels_are_decibels_of_the_sharpened_sound():
    noise = np.random.default_rng(0).normal(0, 0.1, 80_000).astype(np.float32)
    # Pre-emphasis 1 - 0.97 z^-1 raises white noise by 1 + 0.97^2.
    assert frame_levels(noise, RATE).mean() == pytest.approx(-20 + 10 * np.log10(1 + 0.97**2), abs=0.1)
    assert frame_levels(noise / 10, RATE).mean() == pytest.approx(frame_levels(noise, RATE).mean() - 20, abs=1e-3)
    assert frame_levels(noise + 0.5, RATE)[1:].mean() == pytest.approx(frame_levels(noise, RATE)[1:].mean(), abs=1e-3)


@pytest.mark.parametrize("floor", [0.0, 1e-5, 1e-3, 5e-3])
@pytest.mark.parametrize("gap", [0.4, 0.7, 1.5])
def test_cuts_fall_into_the_pauses(gap, floor):
    parts, bounds, at = [], [], 0.0
    for i, length in enumerate((2.0, 3.1, 1.7, 4.0, 2.3)):
        parts += [voice(length, i), hush(gap, floor)]
        bounds.append((at + length, at + length + gap))
        at += length + gap
    pieces = cut_at_pauses(levels_of(*parts))
    assert tiles(pieces, len(levels_of(*parts))) and all(piece.speech for piece in pieces)
    assert len(pieces) == 5
    for piece, (begins, ends) in zip(pieces[:-1], bounds):
        assert seconds(piece.end) == pytest.approx((begins + ends) / 2, abs=0.05)  # in its middle


def test_loudness_does_not_matter():
    parts = [voice(2), hush(0.5, 1e-3), voice(3, 1), hush(0.6, 1e-3), voice(2, 2)]
    pieces = cut_at_pauses(levels_of(*parts))
    assert len(pieces) == 3
    assert all(pieces == cut_at_pauses(levels_of(*(gain * part for part in parts))) for gain in (0.1, 0.5, 4.0))


def test_a_breath_is_cut_only_where_a_piece_would_be_too_long():
    breath, ends = hush(0.22), hush(0.9)
    short = levels_of(ends, voice(5), breath, voice(6, 1), ends)
    assert cut_at_pauses(short) == [Piece(0, len(short))]
    long = levels_of(ends, voice(9), breath, voice(10, 1), ends)
    pieces = cut_at_pauses(long)
    assert len(pieces) == 2 and 9.9 < seconds(pieces[0].end) < 10.12


def test_speech_without_a_pause_is_cut_where_it_is_softest():
    soft = voice(0.1, 3, level=0.02)  # too short to be a pause
    levels = levels_of(voice(11), soft, voice(14, 1))
    first, second = cut_at_pauses(levels)
    assert 10.95 < seconds(first.end) < 11.1 and tiles([first, second], len(levels))


@pytest.mark.parametrize("sound", [lambda: voice(95), lambda: hush(70, 0.1), lambda: np.sin(np.arange(70 * RATE) / 3)])
def test_no_piece_is_longer_than_the_limit(sound):
    levels = levels_of(sound())
    pieces = cut_at_pauses(levels)
    assert tiles(pieces, len(levels)) and max(p.end - p.start for p in pieces) <= Cutting.limit
    assert all(piece.speech for piece in pieces)  # noise and tones without contrast are searched like speech
    assert min(p.end - p.start for p in pieces) >= Cutting.limit // 8


def test_long_silence_is_a_piece_of_its_own():
    levels = levels_of(hush(5), voice(3), hush(30), voice(3, 1), hush(4))
    pieces = cut_at_pauses(levels)
    assert tiles(pieces, len(levels))
    assert [piece.speech for piece in pieces] == [False, True, False, True, False]
    assert [round(seconds(p.end - p.start), 1) for p in pieces] == pytest.approx([4.5, 4, 29, 4, 3.5], abs=0.15)


def test_only_the_brink_of_pauses_is_searched():
    levels = levels_of(hush(1.6), voice(3), hush(0.8), voice(3, 1), hush(0.4))
    pauses, pieces = find_pauses(levels), cut_at_pauses(levels)
    spoken = [spoken_part(piece, pauses) for piece in pieces if piece.speech]
    assert [seconds(t) for span in spoken for t in span] == pytest.approx([1.55, 4.65, 5.35, 8.45], abs=0.05)
    assert spoken_part(Piece(200, 300), pauses) == (200, 300)


def test_a_part_that_is_all_pause_is_not_searched():
    levels = levels_of(hush(1.95), voice(3), hush(0.5), voice(2))  # the pause is cut in the middle, half of it is left
    pieces = cut_at_pauses(levels, Cutting(shortest=50))
    assert [piece.speech for piece in pieces] == [False, True, True] and tiles(pieces, len(levels))


def test_no_sound_at_all():
    assert cut_at_pauses(np.zeros(0)) == [] and find_pauses(np.zeros(0)) == []
    levels = levels_of(np.zeros(10 * RATE))
    assert cut_at_pauses(levels) == [Piece(0, len(levels), speech=False)]
    assert not near_speech(levels).any()
    one_step = np.zeros(10 * RATE)
    one_step[::2000] = 1 / 32768  # rounding, not sound
    assert not cut_at_pauses(levels_of(one_step))[0].speech


def test_a_voice_is_where_there_is_no_pause():
    levels = levels_of(hush(2), voice(3), hush(1), np.zeros(RATE), voice(2), hush(0.2), voice(1))
    near = near_speech(levels)
    inside = [(0, 1.8, False), (2.05, 4.95, True), (5.3, 6.7, False), (7.05, 8.9, True), (9.25, 10.1, True)]
    for begins, ends, expected in inside:
        assert (near[round(100 * begins) : round(100 * ends)] == expected).mean() > 0.98, (begins, ends)


def test_without_contrast_every_frame_is_a_voice():
    assert near_speech(levels_of(hush(5, 0.01))).all()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 900), st.floats(-120, 0)), min_size=1, max_size=30))
def test_pieces_tile_whatever_the_levels(stretches):
    levels = np.concatenate([np.full(length, level) for length, level in stretches])
    pieces = cut_at_pauses(levels)
    assert tiles(pieces, len(levels))
    assert all(0 < p.end - p.start for p in pieces)
    assert all(p.end - p.start <= Cutting.limit for p in pieces if p.speech)
    quiet = np.zeros(len(levels), bool)
    for start, end in find_pauses(levels):
        quiet[start:end] = True
    if levels.max() >= -90:
        assert all(quiet[p.start : p.end].all() for p in pieces if not p.speech)
