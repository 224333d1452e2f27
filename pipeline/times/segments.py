"""Words and phones with their frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from lexicon.phones import SILENT, PhoneSet, ipa_of


@dataclass(frozen=True)
class Segment:
    """One phone or word: frames ``start`` to ``end`` (exclusive); ``word`` is the index of its word, -1 for silence."""

    label: str
    start: int
    end: int
    word: int = -1


def word_segments(phones: Sequence[Segment], words: Sequence[str]) -> list[Segment]:
    """The words that the phones of an alignment belong to."""
    spans: dict[int, tuple[int, int]] = {}
    for phone in phones:
        if phone.word >= 0:
            spans[phone.word] = (spans.get(phone.word, (phone.start, 0))[0], phone.end)
    return [Segment(words[index], start, end, index) for index, (start, end) in sorted(spans.items())]


def in_ipa(phones: Sequence[Segment], phone_set: PhoneSet) -> list[Segment]:
    """The phones by their IPA signs; silence stays as it is."""
    return [
        phone if phone.label in SILENT else replace(phone, label=ipa_of(phone.label, phone_set)) for phone in phones
    ]
