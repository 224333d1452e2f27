"""Sound at other speeds: of a tone the answer is known beforehand; and training that draws one of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
import torchaudio
from test_ctc_train import CPU, TINY, TOKENS, same_run, synthetic

from lexicon.errors import UserError
from pipeline.neural.checkpoint import State
from pipeline.neural.data import Part, resample
from pipeline.neural.settings import TrainSettings
from pipeline.neural.train import train
from pipeline.sound.speed import at_speed, speed_of


def tone(hz: float, num_samples: int = 8000) -> np.ndarray:
    """At 8 kHz."""
    return (0.5 * np.sin(2 * np.pi * hz * np.arange(num_samples) / 8000)).astype(np.float32)


@pytest.mark.parametrize("word,hz,num_samples", [("1.1", 1100, 7273), ("0.9", 900, 8889), ("2", 2000, 4000)])
def test_a_tone_played_faster_is_higher_and_shorter(word: str, hz: int, num_samples: int):
    found = at_speed(tone(1000), speed_of(word))
    assert found.shape == (num_samples,) and found.dtype == np.float32  # 8000 / speed, rounded up
    inside = slice(100, -100)
    np.testing.assert_allclose(found[inside], tone(hz, num_samples)[inside], atol=2e-3)


def test_nothing_folds_down_where_it_is_faster():
    assert np.abs(at_speed(tone(3900), speed_of("1.25"))[100:-100]).max() < 0.01  # 4875 Hz, which 8 kHz cannot hold


def test_speech_is_what_torchaudio_makes_of_it(speech):
    for samples in list(speech.samples.values())[:5]:
        for word, theirs in (("0.9", (9, 10)), ("1.1", (11, 10))):
            found = at_speed(samples, speed_of(word))
            other = torchaudio.functional.resample(torch.from_numpy(samples), *theirs, lowpass_filter_width=64).numpy()
            assert found.shape == other.shape
            assert np.sum((found - other) ** 2) < 0.01 * np.sum(other**2)


def test_at_the_ordinary_speed_nothing_is_done():
    samples = tone(1000)
    assert at_speed(samples, Fraction(1)) is samples
    assert speed_of("1") == speed_of("1.0") == speed_of("1.00") == 1


@pytest.mark.parametrize("word", ["0", "-1", "0.49", "2.01", "99999", "1e9", "nan", "fast", "", "1.", ".9", "1.001"])
def test_no_speed(word: str):
    with pytest.raises(UserError, match="write a number from 0.5 to 2"):
        speed_of(word)


@pytest.fixture(scope="module")
def part() -> Part:
    """Utterances at three speeds, of whose rows the first number says which it is."""
    made, _ = synthetic(24, 1)
    feats = {speed: {u: resample(x, round(len(x) / speed)) for u, x in made.feats.items()} for speed in (0.8, 1.25)}
    for speed, rows in {**feats, 1.0: made.feats}.items():
        for x in rows.values():
            x[:, 0] = speed
    return replace(made, speeds=(feats[0.8], made.feats, feats[1.25]))


def test_every_speed_is_drawn_as_often_and_none_that_is_too_short(part: Part):
    generator = np.random.default_rng(0)
    drawn = Counter(float(part.drawn("u00", generator, 1)[0, 0]) for _ in range(3000))
    assert drawn.keys() == {np.float32(0.8), 1.0, 1.25} and all(abs(count - 1000) < 100 for count in drawn.values())
    shortest = part.num_frames["u00"]
    assert {float(part.drawn("u00", generator, shortest)[0, 0]) for _ in range(50)} == {np.float32(0.8), 1.0}
    others = replace(part, speeds=({}, part.speeds[2]))  # the mfcc stage went on without u00 at one of them
    assert {float(others.drawn("u00", generator, 1)[0, 0]) for _ in range(50)} == {1.0, 1.25}


def test_without_speeds_nothing_is_drawn(part: Part):
    generator, other = np.random.default_rng(0), np.random.default_rng(0)
    assert replace(part, speeds=()).drawn("u00", generator, 1) is part.feats["u00"]
    assert generator.random() == other.random()


class Interrupted(dict):
    """Features, and a Ctrl-C when so many have been read."""

    def __init__(self, rows: dict[str, np.ndarray], reads: int):
        super().__init__(rows)
        self.left = reads

    def __getitem__(self, key: str) -> np.ndarray:
        if not (left := self.left):
            raise KeyboardInterrupt
        self.left = left - 1
        return super().__getitem__(key)


def test_a_run_that_was_broken_off_or_has_other_processes_ends_with_the_same_bits(part: Part, tmp_path: Path):
    dev, _ = synthetic(8, 2)
    settings = replace(TINY, speeds=("0.8", "1.0", "1.25"), min_updates=10)

    def trained(part: Part, name: str, settings: TrainSettings = settings, jobs: int = 1) -> State:
        return train(part, dev, TOKENS, settings, "data", tmp_path / name, CPU, jobs)

    straight = trained(part, "a")
    with pytest.raises(KeyboardInterrupt):
        trained(replace(part, speeds=(part.speeds[0], part.speeds[1], Interrupted(part.speeds[2], 30))), "b")
    assert 0 < len((tmp_path / "b/train.log").read_text().splitlines()) < settings.epochs
    same_run(straight, trained(part, "b"))
    same_run(straight, trained(part, "c", jobs=2))
    plain = trained(replace(part, speeds=()), "d", replace(settings, speeds=("1.0",)))
    assert not torch.equal(plain.model.output.weight, straight.model.output.weight)
