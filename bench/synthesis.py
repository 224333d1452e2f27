"""Boundaries against known times: texts of a data folder spoken by espeak-ng, as WAV and TextGrid (words, phones).

    PYTHONPATH=. .venv/bin/python bench/synthesis.py --data data/prompts --out /tmp/synthesis --share 0.3
    make compare CORPUS_DIR=/tmp/synthesis GOLD=no NEURAL_ARGS="--epochs 25"

Needs espeak-ng's library and voices (Debian: apt-get install libespeak-ng1 espeak-ng-data). GOLD=no: the times are not
used for training. Rate and pitch vary a little from text to text, by the seed; faint noise lies under everything.

A phone event is the sample at which the synthesiser begins the phone, except for p, t, k and ch, where it is the burst.
Their start is moved back over the silence of the closure, except after a pause, which cannot be told from a closure.
The offset of the sound from the events is printed. What the dictionary writes as two phones and espeak-ng as one (ar,
syllabic l) is labelled with the first of them alone, since only its start is known. An l within the vowel before it
("yourself", "all two") has no time of its own: it is left out, and counted.
"""

from __future__ import annotations

import argparse
import ctypes
import sys
from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile
from praatio import textgrid

from lexicon.errors import UserError
from lexicon.phones import SILENCE
from pipeline.datadir import read_datadir

VOICE = "en-us"
SYNCHRONOUS, PHONE_EVENTS, IN_IPA = 2, 1, 2  # speak_lib.h: output mode, and the options' bits
RATE_WPM, PITCH = 1, 3  # parameters
WORD, PHONE = 1, 7  # kinds of event
EDGE_S, NOISE, SILENT = 0.2, 1e-4, 1e-3  # seconds around the speech; of full scale: noise (RMS), what is silence
ARPABET = dict(
    pair.split(":")
    for pair in (
        "ɑː:AA æ:AE ʌ:AH ə:AH ɐ:AH ɔː:AO ɔ:AO oː:AO aʊ:AW aɪ:AY b:B tʃ:CH d:D ð:DH ɛ:EH ɜː:ER ɚ:ER eɪ:EY f:F ɡ:G h:HH "
        "ɪ:IH ᵻ:IH iː:IY i:IY dʒ:JH k:K l:L m:M n:N ŋ:NG oʊ:OW ɔɪ:OY p:P ɹ:R s:S ʃ:SH t:T ɾ:T ʔ:T θ:TH ʊ:UH uː:UW "
        "v:V w:W j:Y z:Z ʒ:ZH ɑːɹ:AA ɔːɹ:AO oːɹ:AO ʊɹ:UH ɪɹ:IH ɛɹ:EH aɪə:AY aɪɚ:AY iə:IY əl:AH n̩:AH"
    ).split()
)
VOICELESS_STOPS = ("P", "T", "K", "CH")


class _Id(ctypes.Union):
    _fields_ = [("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8)]


class _Event(ctypes.Structure):
    """espeak_EVENT of speak_lib.h."""

    _fields_ = [
        ("type", ctypes.c_int),
        ("unique", ctypes.c_uint),
        ("text", ctypes.c_int),
        ("length", ctypes.c_int),
        ("ms", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user", ctypes.c_void_p),
        ("id", _Id),
    ]


class Said(NamedTuple):
    """A phone event (IPA, "" a pause): first sample, and where in the text its word begins and how long that is."""

    ipa: str
    sample: int
    word: int
    length: int


class Phone(NamedTuple):
    """First and last sample (exclusive), ARPAbet, and the place of its word in the text."""

    start: int
    end: int
    label: str
    word: int


def read_events(events) -> list[tuple[int, Said]]:
    """The events, each with its kind, of a pointer to espeak_EVENTs, the last of which has the kind 0."""
    found = []
    while kind := events[len(found)].type:
        event = events[len(found)]
        ipa = event.id.string.decode() if kind == PHONE else ""
        found.append((kind, Said(ipa, event.sample, event.text, event.length)))
    return found


def phones_and_words(events: Sequence[tuple[int, Said]], text: str) -> tuple[list[Said], dict[int, str]]:
    """The phone events, and the words of the text by their place in it, which counts from 1."""
    words = {said.word: text[said.word - 1 :][: said.length] for kind, said in events if kind == WORD and said.length}
    return [said for kind, said in events if kind == PHONE], words


class Synthesiser:
    """espeak-ng by its library: ``rate`` in Hz."""

    def __init__(self) -> None:
        try:
            self._library = ctypes.CDLL("libespeak-ng.so.1")
        except OSError:
            raise UserError("libespeak-ng.so.1: not here; apt-get install libespeak-ng1 espeak-ng-data") from None
        self.rate = self._library.espeak_Initialize(SYNCHRONOUS, 0, None, PHONE_EVENTS | IN_IPA)
        if self.rate <= 0 or self._library.espeak_SetVoiceByName(VOICE.encode()):
            raise UserError(f"espeak-ng: no voice {VOICE}; apt-get install espeak-ng-data")
        self._samples: list[np.ndarray] = []
        self._events: list[tuple[int, Said]] = []
        kind = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))
        self._callback = kind(self._receive)  # kept: the library holds no reference
        self._library.espeak_SetSynthCallback(self._callback)

    def _receive(self, samples, count: int, events) -> int:
        if samples and count:
            self._samples.append(np.ctypeslib.as_array(samples, (count,)) / np.float32(32768))
        self._events += read_events(events)
        return 0

    def say(self, text: str, words_per_minute: int, pitch: int) -> tuple[np.ndarray, list[Said], dict[int, str]]:
        """(num_samples,) float32, its phones, and the words by their place in the text."""
        self._samples, self._events = [], []
        self._library.espeak_SetParameter(RATE_WPM, words_per_minute, 0)
        self._library.espeak_SetParameter(PITCH, pitch, 0)
        data = text.encode() + b"\0"
        self._library.espeak_Synth(data, ctypes.c_size_t(len(data)), 0, 1, 0, 1, None, None)  # by character, UTF-8
        self._library.espeak_Synchronize()
        return np.concatenate(self._samples), *phones_and_words(self._events, text)


def closure(samples: np.ndarray, burst: int, earliest: int) -> int:
    """The first sample, from ``earliest`` on, of the silence that ends at ``burst``; ``burst`` where it is loud."""
    loud = np.flatnonzero(np.abs(samples[earliest:burst]) > SILENT)
    return earliest + int(loud[-1]) + 1 if len(loud) else earliest


def place(utterance: str, samples: np.ndarray, said: Sequence[Said]) -> list[Phone]:
    """The phones without the pauses, each to where the next event begins; some last no time."""
    starts: list[tuple[int, str, int]] = []
    for one in said:
        if one.ipa and one.ipa not in ARPABET:
            raise UserError(
                f'{utterance}: espeak-ng says "{one.ipa}", which no phone of the dictionary stands for; '
                f"add it to ARPABET in bench/synthesis.py"
            )
        label, start = ARPABET.get(one.ipa, SILENCE), one.sample
        if label in VOICELESS_STOPS and starts and starts[-1][1] != SILENCE:
            start = closure(samples, start, starts[-1][0])
        starts.append((start, label, one.word))
    ends = [*(start for start, _, _ in starts[1:]), len(samples)]
    return [Phone(start, end, label, word) for (start, label, word), end in zip(starts, ends) if label != SILENCE]


def write(
    stem: Path, samples: np.ndarray, rate: int, phones: Sequence[Phone], words: dict[int, str], rng: np.random.Generator
) -> None:
    """name.wav and name.TextGrid, of phones that last some time."""
    padded = np.pad(samples, round(EDGE_S * rate))
    soundfile.write(stem.with_suffix(".wav"), padded + rng.normal(0, NOISE, len(padded)), rate, subtype="PCM_16")
    grouped = [(word, list(members)) for word, members in groupby(phones, key=lambda phone: phone.word)]
    spoken = [Phone(of[0].start, of[-1].end, words[word], word) for word, of in grouped if word in words]
    end = len(padded) / rate
    grid = textgrid.Textgrid(0, end)
    for name, spans in (("words", spoken), ("phones", phones)):
        entries = [(EDGE_S + span.start / rate, EDGE_S + span.end / rate, span.label) for span in spans]
        grid.addTier(textgrid.IntervalTier(name, entries, 0, end))
    grid.save(str(stem.with_suffix(".TextGrid")), format="long_textgrid", includeBlankSpaces=True)


def latencies(samples: np.ndarray, rate: int, said: Sequence[Said]) -> list[tuple[str, float]]:
    """Sound against events, in ms: the first sound after a pause (looked for from 5 ms before it), and for voiceless
    stops where the silence begins and where it ends."""
    found = []
    loud = np.abs(samples) > SILENT
    for before, one in zip(said, said[1:]):
        if not one.ipa:
            continue
        if not before.ipa:
            early = one.sample - rate // 200
            if not loud[max(one.sample - rate // 50, 0) : early].any():  # else the voice still dies away in the pause
                found.append(("first sound after a pause", 1000 * int(np.argmax(loud[early:])) / rate - 5))
        elif ARPABET[one.ipa] in VOICELESS_STOPS:
            start = closure(samples, one.sample, before.sample)
            found.append(("closure of p, t, k, ch", 1000 * (start - one.sample) / rate))
            found.append(("burst of p, t, k, ch", 1000 * int(np.argmax(loud[one.sample :])) / rate))
    return found


def main(data: Path, out: Path, share: float, seed: int) -> None:
    synthesiser, rng = Synthesiser(), np.random.default_rng(seed)
    if out.exists():
        raise UserError(f"{out}: is there already; take it away, or choose another --out")
    out.mkdir(parents=True)
    found: list[tuple[str, float]] = []
    for name in ("train", "dev", "test"):
        (out / name).mkdir()
        utterances = sorted(read_datadir(data / name), key=lambda u: u.id)
        chosen = rng.permutation(len(utterances))[: max(1, round(share * len(utterances)))]
        phones, timeless = 0, Counter()
        for index in sorted(chosen):
            utterance = utterances[index]
            text = " ".join(utterance.words).lower()
            samples, said, words = synthesiser.say(text, int(rng.integers(140, 181)), int(rng.integers(40, 61)))
            placed = place(utterance.id, samples, said)
            lasting = [phone for phone in placed if phone.end > phone.start]
            write(out / name / utterance.id, samples, synthesiser.rate, lasting, words, rng)
            (out / name / f"{utterance.id}.txt").write_text(f"{text}\n")
            found += latencies(samples, synthesiser.rate, said)
            phones += len(lasting)
            timeless.update(phone.label for phone in placed if phone not in lasting)
        left = ", ".join(f"{count} {label}" for label, count in timeless.most_common())
        print(
            f"{out / name}: {len(chosen)} texts, {phones} phones"
            f"{f'; left out, without a time of their own: {left}' if left else ''}"
        )
    print("sound against events, ms: 10th percentile, median, 90th")
    for what in sorted({what for what, _ in found}):
        values = [ms for this, ms in found if this == what]
        print(f"  {what} ({len(values)}):", *(f"{value:+.1f}" for value in np.percentile(values, (10, 50, 90))))


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--data", type=Path, default=Path("data/prompts"), help="folder with {train,dev,test}/text")
    options.add_argument("--out", type=Path, required=True, help="folder to write, which is not there yet")
    options.add_argument("--share", type=float, default=1.0, help="of the texts of each set")
    options.add_argument("--seed", type=int, default=0, help="of the choice, the rates and the pitches")
    try:
        main(**vars(options.parse_args()))
    except UserError as error:
        sys.exit(f"synthesis: {error}")
