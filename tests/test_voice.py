"""Pitch, intensity and formants of sounds that are made of known ones."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from helpers.vowels import VOWELS, vowel

from pipeline.sound.formants import formants
from pipeline.sound.intensity import intensity
from pipeline.sound.pitch import pitch
from pipeline.sound.windows import moments

RATES = (8000, 16000)
PITCHES = (80, 100, 125, 160, 200, 250, 300, 350)


@pytest.mark.parametrize("rate", RATES)
def test_the_pitch_of_a_vowel(rate):
    for hertz, name in itertools.product(PITCHES, VOWELS):
        found = pitch(vowel(hertz, VOWELS[name], rate), rate)
        assert found.shape == (30,)
        assert found[4:-4] == pytest.approx(hertz, rel=0.01), (hertz, name)  # a window of 40 ms fits there


def test_a_rising_pitch_is_followed():
    rate, seconds = 16000, 1.0
    time = np.arange(int(seconds * rate)) / rate
    phase = 2 * np.pi * (120 * time + 60 * time**2)  # 120 to 240 Hz
    sound = sum(np.cos(harmonic * phase) / harmonic for harmonic in range(1, 20))
    expected = 120 + 120 * moments(len(sound), rate)
    assert pitch(0.1 * sound, rate)[4:-4] == pytest.approx(expected[4:-4], rel=0.01)


@pytest.mark.parametrize("rate", RATES)
def test_noise_and_silence_have_no_pitch(rate):
    generator = np.random.default_rng(0)
    noise = generator.normal(0, 0.1, 2 * rate)
    hiss = np.diff(noise, prepend=0)  # stronger at high frequencies, as an [s]
    for sound in (noise, hiss, np.zeros(rate), np.full(rate, 0.3)):
        assert np.isnan(pitch(sound, rate)).all()


def test_a_voice_between_noise_and_silence():
    """Half a second each: voiced is the vowel alone, to a window's half on each side."""
    rate = 8000
    noise = np.random.default_rng(1).normal(0, 0.05, rate // 2)
    sound = np.concatenate([noise, vowel(150, VOWELS["a"], rate, 0.5), np.zeros(rate // 2)])
    voiced = ~np.isnan(pitch(sound, rate))
    assert voiced[53:97].all() and not voiced[:48].any() and not voiced[103:].any()


@pytest.mark.parametrize("rate", RATES)
def test_the_formants_of_a_vowel(rate):
    for hertz, (name, expected) in itertools.product((80, 100, 125, 160, 200), VOWELS.items()):
        found = formants(vowel(hertz, expected, rate), rate)
        assert found.shape == (30, 3)
        for row in found[4:-4]:
            assert row == pytest.approx(expected, rel=0.05), (hertz, name)


def test_formants_at_chosen_times():
    rate = 8000
    sound = np.concatenate([vowel(100, VOWELS[name], rate, 0.2) for name in ("a", "i")])
    found = formants(sound, rate, np.array([0.1, 0.3]))
    assert found[0] == pytest.approx(VOWELS["a"], rel=0.05)
    assert found[1] == pytest.approx(VOWELS["i"], rel=0.05)


def test_only_formants_below_half_the_sample_rate():
    """At 4 kHz an [a] has two."""
    found = formants(vowel(100, VOWELS["a"], 4000), 4000)[4:-4]
    assert np.isnan(found[:, 2]).all()
    for row in found[:, :2]:
        assert row == pytest.approx(VOWELS["a"][:2], rel=0.05)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("amplitude", [1.0, 0.1, 0.001])
def test_the_intensity_of_a_sine(rate, amplitude):
    """The mean square of a sine is half the square of its amplitude."""
    sine = amplitude * np.sin(2 * np.pi * 200 * np.arange(rate) / rate) + 0.2  # an offset is no sound
    assert intensity(sine, rate)[5:-5] == pytest.approx(20 * np.log10(amplitude) - 10 * np.log10(2), abs=0.05)


def test_a_step_of_20_decibels():
    rate = 8000
    sine = np.sin(2 * np.pi * 300 * np.arange(rate) / rate) * np.where(np.arange(rate) < rate // 2, 0.5, 0.05)
    found = intensity(sine, rate)
    assert found[40] - found[60] == pytest.approx(20, abs=0.05)


@pytest.mark.parametrize("measure", [pitch, formants, intensity])
def test_sounds_that_are_hardly_any(measure):
    for num_samples, expected in ((0, 0), (1, 0), (79, 0), (80, 1), (400, 5)):
        for sound in (np.zeros(num_samples), np.full(num_samples, 1.0)):
            found = measure(sound, 8000)
            assert len(found) == expected
            assert not np.isinf(found).any()
    assert (intensity(np.zeros(8000), 8000) == -120).all()
