"""A survey of a corpus: its words, its sound, and what looks wrong with it, in one pass over the audio."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from lexicon.dictionary import look_up
from lexicon.errors import UserError
from lexicon.given import read_given
from pipeline.base.parallel import each
from pipeline.datadir import Utterance
from pipeline.sound.audio import audio_blocks

FULL_SCALE = 0.9999
CLIPPED_SHARE = 1e-3  # of the samples at full scale: more than a peak or two
NEARLY_SILENT_DBFS = -55.0  # a whisper far from the microphone still has more
LARGE_OFFSET = 0.01  # of full scale
FASTEST, SLOWEST = 8.0, 0.3  # words a second; faster is not read, and slower is mostly silence


@dataclass(frozen=True)
class Sound:
    """Measurements of the audio of an utterance."""

    sample_rate: int  # Hz
    channels: int
    rms_dbfs: float  # of the mean of the channels; full scale is 0
    clipped: float  # share of samples at full scale
    offset: float  # mean, of full scale
    seconds: float
    digest: bytes  # of the samples: equal sound, equal digest


@dataclass
class SetSurvey:
    """Counts of train, dev or test."""

    utterances: int = 0
    seconds: float = 0.0
    speakers: set[str] = field(default_factory=set)
    words: Counter[str] = field(default_factory=Counter)


@dataclass
class Survey:
    """A corpus: ``sets`` by name; ``unknown``, the counts of words that the ``lexicon`` (a name) lacks; by utterance
    durations (s) and loudness (dBFS); how many have which format ((Hz, channels)); ``warnings``, {what: utterances}."""

    sets: dict[str, SetSurvey]
    lexicon: str
    unknown: Counter[str]
    durations: dict[str, float]
    loudness: dict[str, float]
    formats: Counter[tuple[int, int]]
    warnings: dict[str, list[str]]

    @property
    def whole(self) -> SetSurvey:
        """All sets together."""
        whole = SetSurvey()
        for part in self.sets.values():
            whole.utterances += part.utterances
            whole.seconds += part.seconds
            whole.speakers |= part.speakers
            whole.words += part.words
        return whole


def measure_sound(utterance: Utterance) -> Sound:
    """Read the audio of an utterance once, block by block. UserError if it cannot be read to its end."""
    total, count, clipped, sums, squares = hashlib.blake2b(digest_size=16), 0, 0, 0.0, 0.0
    info, blocks = audio_blocks(utterance.wav, utterance.cut)
    for block in blocks:  # (num_samples, channels) float32
        total.update(np.ascontiguousarray(block).data)
        mono = block[:, 0] if info.channels == 1 else block.mean(axis=1, dtype=np.float32)
        count += len(mono)
        clipped += int((np.abs(block) >= FULL_SCALE).any(axis=1).sum())
        sums += float(mono.sum(dtype=np.float64))
        squares += float(np.square(mono, dtype=np.float32).sum(dtype=np.float64))
    if not np.isfinite(squares):
        raise UserError(
            f"{utterance.wav}: samples that are not finite; convert the file again, or remove the utterance"
        )
    rms = 10 * np.log10(max(squares / count, 1e-12))  # -120 dBFS for digital silence
    return Sound(
        info.sample_rate,
        info.channels,
        float(rms),
        clipped / count,
        sums / count,
        count / info.sample_rate,
        total.digest(),
    )


def survey(sets: Mapping[str, Iterable[Utterance]], lexicon: Path | None = None, jobs: int = 1) -> Survey:
    """Survey a corpus; ``lexicon`` is its own, None for the dictionary. Of the sound, which ``jobs`` processes read,
    only figures are kept."""
    result = Survey({}, lexicon.name if lexicon else "the dictionary", Counter(), {}, {}, Counter(), defaultdict(list))
    digests: dict[bytes, str] = {}
    train_texts: set[tuple[str, ...]] = set()
    for name, utterances in sets.items():
        part = result.sets[name] = SetSurvey()
        for utterance, sound in each(_measured, utterances, jobs):
            part.utterances += 1
            part.speakers.add(utterance.speaker)
            part.words.update(utterance.words)
            train_texts |= {utterance.words} if name == "train" else set()
            if name == "test" and utterance.words in train_texts:
                result.warnings["text also in train"].append(utterance.id)
            if sound is None:
                result.warnings["cannot be read to the end"].append(utterance.id)
                continue
            part.seconds += sound.seconds
            _note(result, utterance, sound, digests)
    words = result.whole.words
    known = read_given(lexicon).look_up(words) if lexicon else look_up(words)
    result.unknown = Counter({word: count for word, count in words.items() if word not in known})
    return result


def _measured(utterance: Utterance) -> tuple[Utterance, Sound | None]:
    """None for what cannot be read to its end."""
    try:
        return utterance, measure_sound(utterance)
    except UserError:
        return utterance, None


def _note(result: Survey, utterance: Utterance, sound: Sound, digests: dict[bytes, str]) -> None:
    """Keep the figures of one utterance, and what is odd about them."""
    result.durations[utterance.id] = sound.seconds
    result.loudness[utterance.id] = sound.rms_dbfs
    result.formats[sound.sample_rate, sound.channels] += 1
    first = digests.setdefault(sound.digest, utterance.id)
    speed = len(utterance.words) / sound.seconds
    odd = {
        "same audio as another": first != utterance.id,
        "clipped": sound.clipped > CLIPPED_SHARE,
        "nearly silent": sound.rms_dbfs < NEARLY_SILENT_DBFS,
        "DC offset": abs(sound.offset) > LARGE_OFFSET,
        f"more than {FASTEST:g} words/s": speed > FASTEST,
        f"fewer than {SLOWEST:g} words/s": speed < SLOWEST,
    }
    for what, found in odd.items():
        if found:
            name = f"{utterance.id} (as {first})" if what.startswith("same") else utterance.id
            result.warnings[what].append(name)
