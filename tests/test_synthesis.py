"""Speech whose phone times are known: the events that espeak-ng 1.51 gave out for a text, read, placed and written."""

from __future__ import annotations

import ctypes
import struct

import numpy as np
import pytest
import soundfile

from bench.synthesis import EDGE_S, Phone, Said, _Event, closure, latencies, phones_and_words, place, read_events, write
from lexicon.errors import UserError
from pipeline.times.textgrid import read_textgrid

RATE, LENGTH = 22050, 36329
TEXT = "your volume or two cats"
# kind (1 a word, 2 a sentence, 7 a phone, 5 and 8 others), place in the text, length, sample, bytes of the name
RECORDED = [
    (8, 0, 0, 0, b'"V'),
    (2, 1, 0, 0, b"\1"),
    (1, 1, 4, 0, b"\1"),
    (7, 1, 0, 0, b"j"),
    (7, 1, 0, 2048, b"\xca\x8a\xc9\xb9"),
    (1, 6, 6, 4008, b"\2"),
    (7, 6, 0, 4294, b"v\0\xc9\xb9"),
    (7, 6, 0, 5894, b"\xc9\x91\xcb\x90"),
    (7, 6, 0, 10630, b"l\0\xcb\x90"),
    (7, 6, 0, 10630, b"j\0\xcb\x90"),
    (7, 6, 0, 11974, b"u\xcb\x90"),
    (7, 6, 0, 12998, b"m\0\x90"),
    (7, 6, 0, 14844, b"\0\0\x90"),
    (7, 6, 0, 16255, b"\0\0\x90"),
    (1, 13, 2, 17666, b"\3"),
    (7, 13, 0, 17666, b"\xc9\x94\xcb\x90\xc9\xb9"),
    (1, 16, 3, 20260, b"\4"),
    (7, 16, 0, 21428, b"t\0\xcb\x90\xc9\xb9"),
    (7, 16, 0, 22377, b"u\xcb\x90\0\xc9\xb9"),
    (1, 20, 4, 25024, b"\5\0\0\0\xc9\xb9"),
    (7, 20, 0, 26192, b"k\0\x90\0\xc9\xb9"),
    (7, 20, 0, 27284, b"\xc3\xa6\0\0\xc9\xb9"),
    (7, 20, 0, 32656, b"t"),
    (7, 20, 0, 33730, b"s"),
    (7, 25, 0, 36153, b""),
    (7, 25, 0, 36329, b"\0\0\0\0\xc9\xb9"),
    (5, 23, 0, 36329, b"\1"),
    (0, 0, 0, 0, b""),
]
STOPS = {21428: 20259, 26192: 25017, 32656: 31730}  # burst: where it is silent from, as measured in the sound


@pytest.fixture
def said() -> tuple[list[Said], dict[int, str]]:
    """Through the bytes of C's espeak_EVENT: six ints, a pointer, a union of 8 bytes."""
    memory = b"".join(
        struct.pack("=iIiiiiQ8s", kind, 0, text, length, sample * 1000 // RATE, sample, 0, name)
        for kind, text, length, sample, name in RECORDED
    )
    held = ctypes.create_string_buffer(memory, len(memory))
    return phones_and_words(read_events(ctypes.cast(held, ctypes.POINTER(_Event))), TEXT)


@pytest.fixture
def samples() -> np.ndarray:
    """A buzz in the place of espeak-ng's sound, silent before each burst and in the pauses as that is."""
    sound = np.where(np.arange(LENGTH) % 2, 0.1, -0.1).astype(np.float32)
    for first, last in (*((start, burst) for burst, start in STOPS.items()), (14844, 17666), (36153, LENGTH)):
        sound[first:last] = 0
    return sound


def test_events(said):
    phones, words = said
    assert words == {1: "your", 6: "volume", 13: "or", 16: "two", 20: "cats"}
    assert [one.ipa or "-" for one in phones] == "j ʊɹ v ɑː l j uː m - - ɔːɹ t uː k æ t s - -".split()
    assert phones[2] == Said("v", 4294, 6, 0) and phones[-1] == Said("", LENGTH, 25, 0)


def test_phones_begin_at_their_events_and_stops_at_their_closures(said, samples):
    """The l of "volume" has no time of its own; a vowel and an r that are one phone are labelled with the vowel."""
    placed = place("u", samples, said[0])
    assert placed == [
        Phone(0, 2048, "Y", 1),
        Phone(2048, 4294, "UH", 1),
        Phone(4294, 5894, "V", 6),
        Phone(5894, 10630, "AA", 6),
        Phone(10630, 10630, "L", 6),
        Phone(10630, 11974, "Y", 6),
        Phone(11974, 12998, "UW", 6),
        Phone(12998, 14844, "M", 6),
        Phone(17666, 20259, "AO", 13),
        Phone(20259, 22377, "T", 16),
        Phone(22377, 25017, "UW", 16),
        Phone(25017, 27284, "K", 20),
        Phone(27284, 31730, "AE", 20),
        Phone(31730, 33730, "T", 20),
        Phone(33730, 36153, "S", 20),
    ]


def test_stops_after_pauses_and_after_silent_phones(samples):
    """After a pause the beginning of the closure is not known; a silent l is part of the closure."""

    def said(*events: tuple[str, int]) -> list[Said]:
        return [Said(ipa, sample, 1, 0) for ipa, sample in events]

    assert place("u", samples, said(("", 14844), ("t", 17700), ("", 18000))) == [Phone(17700, 18000, "T", 1)]
    assert place("u", samples, said(("ɔː", 17666), ("l", 20259), ("t", 21428), ("", 22377))) == [
        Phone(17666, 20259, "AO", 1),
        Phone(20259, 20259, "L", 1),
        Phone(20259, 22377, "T", 1),
    ]
    with pytest.raises(UserError, match='u: espeak-ng says "ʘ", which no phone of the dictionary stands for; add it'):
        place("u", samples, said(("ʘ", 0)))


def test_closures_and_how_the_sound_lies_to_the_events(said, samples):
    assert closure(samples, 21428, 17666) == 20259 and closure(samples, 10630, 5894) == 10630
    found = latencies(samples, RATE, said[0])
    closures = [ms for what, ms in found if what.startswith("closure")]
    assert closures == pytest.approx([1000 * (start - burst) / RATE for burst, start in STOPS.items()])
    assert [ms for what, ms in found if what.startswith("burst")] == [0, 0, 0]
    assert [ms for what, ms in found if what.startswith("first sound")] == [pytest.approx(0, abs=0.05)]


def test_what_is_written_is_the_sound_with_its_times(said, samples, tmp_path):
    lasting = [phone for phone in place("u", samples, said[0]) if phone.end > phone.start]
    write(tmp_path / "u", samples, RATE, lasting, said[1], np.random.default_rng(0))
    heard, rate = soundfile.read(tmp_path / "u.wav", dtype="float32")
    edge = round(EDGE_S * RATE)
    assert rate == RATE and len(heard) == LENGTH + 2 * edge
    assert np.abs(heard[edge:-edge] - samples).max() < 1e-3 and 5e-5 < heard[:edge].std() < 2e-4
    tiers = {name: [i for i in tier if i.label] for name, tier in read_textgrid(tmp_path / "u.TextGrid").tiers.items()}
    assert [i.label for i in tiers["words"]] == TEXT.split()
    assert [i.label for i in tiers["phones"]] == "Y UH V AA Y UW M AO T UW K AE T S".split()
    assert (tiers["phones"][8].start, tiers["words"][2].end) == pytest.approx((EDGE_S + 20259 / RATE,) * 2)
    assert tiers["words"][-1][:2] == pytest.approx((EDGE_S + 25017 / RATE, EDGE_S + 36153 / RATE))
