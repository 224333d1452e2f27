"""Features of sound that grows are those of the whole."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

from pipeline.sound.front_end import raw_of
from pipeline.sound.recording import read_recording
from pipeline.stream.growing import Growing

KINDS = {raw_of("mfcc", 8000), raw_of("fbank", 16000)}


def grown(samples: np.ndarray, rate: int, sizes: list[int]) -> Growing:
    growing, at = Growing(rate, KINDS, 10**6), 0
    for size in sizes:
        growing.add(samples[at : at + size])
        at += size
    growing.add(samples[at:], last=True)
    return growing


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 44100])
def test_frames_come_as_they_do_from_a_file(tmp_path, rate):
    rng = np.random.default_rng(rate)
    samples = 0.1 * rng.normal(size=2 * rate + 77)
    soundfile.write(tmp_path / "a.wav", samples, rate, subtype="FLOAT")
    samples, _ = soundfile.read(tmp_path / "a.wav")
    whole = read_recording(tmp_path / "a.wav", KINDS)
    found = grown(samples, rate, rng.integers(0, 2500, 12).tolist()).recording("a")
    np.testing.assert_allclose(found.levels, whole.levels, atol=1e-5)
    for raw in KINDS:
        np.testing.assert_allclose(found.raw[raw], whole.raw[raw], rtol=1e-5, atol=1e-4)  # of numbers up to a hundred


def test_a_frame_comes_with_its_last_sample():
    growing = Growing(8000, {raw_of("mfcc", 8000)}, 10**6)
    for samples, frames in ((199, 0), (1, 1), (79, 1), (1, 2)):  # 25 ms, then one each 10 ms
        growing.add(np.ones(samples))
        assert growing.end == frames


def test_what_was_long_ago_is_forgotten():
    growing = Growing(8000, {raw_of("mfcc", 8000)}, kept=20)
    growing.add(np.random.default_rng(0).normal(size=8000))
    before = growing.recording("a")
    growing.forget(piece=50)
    assert (growing.first, growing.end) == (30, 98)
    assert (growing.recording("a").levels == before.levels[30:]).all()
    growing.forget(piece=10)
    assert growing.first == 30
