"""A survey finds the faults that were put into audio and text, and none in real speech."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

from pipeline.corpora import prompts
from pipeline.datadir import Utterance
from pipeline.datadir.survey import measure_sound, survey
from pipeline.datadir.survey_picture import COLUMNS, histogram, picture
from pipeline.sound.audio import Cut

RATE = 8000


def tone(seconds: float, amplitude: float, frequency: float = 440.0) -> np.ndarray:
    return amplitude * np.sin(2 * np.pi * frequency * np.arange(round(seconds * RATE)) / RATE)


class Corpus:
    """Utterances of given sound and words, in sets."""

    def __init__(self, folder) -> None:
        self.folder, self.sets = folder, {"train": [], "dev": [], "test": []}

    def add(self, name: str, utterance: str, samples: np.ndarray, words: str, rate: int = RATE) -> Utterance:
        path = self.folder / f"{utterance}.wav"
        soundfile.write(path, samples, rate, subtype="FLOAT")
        self.sets[name].append(Utterance(utterance, utterance.split("-")[0], path, tuple(words.split()), len(samples)))
        return self.sets[name][-1]


@pytest.fixture
def corpus(tmp_path):
    """Ten utterances without faults in train, two in each of the others."""
    corpus = Corpus(tmp_path)
    for index in range(14):
        name = "train" if index < 10 else "dev" if index < 12 else "test"
        corpus.add(
            name,
            f"ann-{index:02}",
            tone(2, 0.1, 300 + index),
            f"HELLO {['ONE', 'TWO', 'THREE'][index % 3]} {'X ' * index}",
        )
    return corpus


def test_sound_is_measured(tmp_path):
    """A sine of amplitude a has an RMS of a / sqrt 2."""
    corpus = Corpus(tmp_path)
    sound = measure_sound(corpus.add("train", "a-1", tone(1, 0.1) + 0.05, "A"))
    assert (sound.sample_rate, sound.channels, sound.seconds) == (RATE, 1, 1.0)
    assert sound.offset == pytest.approx(0.05, abs=1e-6) and sound.clipped == 0
    assert sound.rms_dbfs == pytest.approx(10 * np.log10(0.1**2 / 2 + 0.05**2), abs=1e-3)
    square = np.where(tone(1, 1.0, 100) > 0.5, 1.0, 0.0)
    assert measure_sound(corpus.add("train", "a-2", square, "A")).clipped == pytest.approx(square.mean())
    both = measure_sound(corpus.add("train", "a-3", np.stack([tone(1, 0.2), -tone(1, 0.2)], axis=1), "A"))
    assert both.channels == 2 and both.rms_dbfs == -120  # the mean of the channels is nothing


def test_a_long_recording_is_measured_block_by_block_as_at_once(tmp_path):
    """Longer than a block; the stretch of a recording equals the same samples as a file, in digest too."""
    corpus = Corpus(tmp_path)
    samples = np.random.default_rng(0).normal(0, 0.1, 3_000_000).astype(np.float32)
    whole = corpus.add("train", "a-1", samples, "A")
    sound = measure_sound(whole)
    assert sound.rms_dbfs == pytest.approx(10 * np.log10(np.mean(samples.astype(float) ** 2)), abs=1e-4)
    part = Utterance("a-2", "a", whole.wav, ("A",), 0, Cut(1.0, 300.0))
    assert measure_sound(part) == measure_sound(corpus.add("train", "a-3", samples[RATE : 300 * RATE], "A"))


def test_sound_data_have_no_warnings_and_counts_are_right(corpus):
    found = survey(corpus.sets)
    assert not found.warnings and found.formats == {(RATE, 1): 14} and set(found.durations.values()) == {2.0}
    assert found.sets["train"].utterances == 10 and found.sets["train"].seconds == 20
    assert found.sets["test"].words == {"HELLO": 2, "ONE": 1, "TWO": 1, "X": 25}
    assert found.whole.speakers == {"ann"} and not found.unknown  # X is a letter of the dictionary


@pytest.mark.parametrize(
    "name,samples,words,warning",
    [
        ("dev", np.where(tone(1, 1.0) > 0, 1.0, -1.0), "HELLO", "clipped"),
        ("dev", tone(1, 0.001), "HELLO", "nearly silent"),
        ("dev", np.zeros(RATE), "HELLO", "nearly silent"),
        ("dev", tone(1, 0.1) + 0.02, "HELLO", "DC offset"),
        ("dev", tone(2, 0.1, 303), "HELLO", "same audio as another"),
        ("dev", tone(1, 0.1), "ONE " * 9, "more than 8 words/s"),
        ("dev", tone(10, 0.1), "ONE TWO", "fewer than 0.3 words/s"),
        ("test", tone(1, 0.1), "HELLO TWO X", "text also in train"),
    ],
)
def test_each_fault_is_found_alone_and_named(corpus, name, samples, words, warning):
    corpus.add(name, "bob-99", samples, words)
    found = survey(corpus.sets)
    assert list(found.warnings) == [warning]
    assert [line for line in picture(found) if line.startswith(f"  ! {warning}: 1: bob-99")]


def test_what_cannot_be_read_to_its_end_is_named(corpus):
    path = corpus.folder / "bob.flac"
    soundfile.write(path, np.random.default_rng(0).normal(0, 0.1, 40_000), RATE)
    path.write_bytes(path.read_bytes()[:-20_000])  # the header is whole
    corpus.sets["dev"].append(Utterance("bob", "bob", path, ("HELLO",), 40_000))
    assert survey(corpus.sets).warnings == {"cannot be read to the end": ["bob"]}


def test_words_without_pronunciation_are_named_the_most_frequent_first(corpus, tmp_path):
    corpus.add("dev", "bob-1", tone(2, 0.1), "ZRRGH ZRRGH QWXT")
    assert survey(corpus.sets).unknown == {"ZRRGH": 2, "QWXT": 1}
    assert any(
        "2 words are not in the dictionary, 2.5 % of the running words: ZRRGH QWXT" in line
        for line in picture(survey(corpus.sets))
    )
    (tmp_path / "lexicon.txt").write_text("HELLO HH AH L OW\n")
    unknown = survey(corpus.sets, tmp_path / "lexicon.txt").unknown
    assert "HELLO" not in unknown and unknown["ONE"] == 5


def test_the_picture_is_one_screen_whatever_is_wrong(corpus):
    for index in range(200):
        corpus.add(
            "test",
            f"someone-with-a-very-long-name-indeed-{index:03}",
            np.zeros((index + 1) * 40),
            "ONE " * index + "TWO",
            16000 if index % 2 else 11025,
        )
    lines = picture(survey(corpus.sets))
    assert len(lines) <= 22 and max(map(len, lines)) <= COLUMNS
    assert lines[0].split() == ["train", "dev", "test", "all"]
    assert lines[1].split() == ["utterances", "10", "2", "202", "214"]
    assert any("11025 Hz mono (100), 16000 Hz mono (100), 8000 Hz mono (14)" in line for line in lines)


def test_histogram():
    """Bins of half a second; half as many are half as high; one of sixteen still shows."""
    assert histogram([0.5] * 8 + [1.5] * 16 + [3.2]) == [
        "  ┤   █     16 at the top",
        "  │ ▄ █",
        "  ┤ █ █  ▂",
        "   0 s  median 1.5 s, 0.5 to 3.2",
    ]


def test_real_speech_is_unsuspicious(prompts_root):
    some = {name: members[:40] for name, members in prompts.prepare(prompts_root).sets.items()}
    found = survey(some)
    assert not found.warnings and not found.unknown and set(found.formats) == {(8000, 1)}
    assert -30 < min(found.loudness.values()) < max(found.loudness.values()) < -10
