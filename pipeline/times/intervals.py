"""Phones and words with times in seconds: gold labels, and what CTM files hold."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from lexicon.errors import UserError
from lexicon.files import write_lines
from lexicon.letters import nfc
from lexicon.text import numbered_lines


class Interval(NamedTuple):
    """A phone or word from ``start`` to ``end``, in seconds from the beginning of its utterance."""

    start: float
    end: float
    label: str


Intervals = Mapping[str, list[Interval]]  # by utterance, in order of time


class Packed(Intervals):
    """Intervals of many utterances in 24 bytes each; as tuples of Python they take 200."""

    def __init__(self) -> None:
        self._of: dict[str, tuple[array[float], list[str]]] = {}

    def add(self, utterance: str, interval: Interval) -> None:
        times, labels = self._of.setdefault(utterance, (array("d"), []))
        times.extend(interval[:2])
        labels.append(sys.intern(interval.label))

    def __getitem__(self, utterance: str) -> list[Interval]:
        times, labels = self._of[utterance]
        return sorted(map(Interval, times[::2], times[1::2], labels), key=lambda interval: interval[:2])

    def __contains__(self, utterance: object) -> bool:
        return utterance in self._of

    def __iter__(self) -> Iterator[str]:
        return iter(self._of)

    def __len__(self) -> int:
        return len(self._of)


def read_ctm(path: Path | str) -> Intervals:
    """Read ``utt channel start duration label [confidence]`` lines. Raises UserError with file and line."""
    found = Packed()
    for number, line in numbered_lines(path):
        try:
            utterance, interval = ctm_interval(line)
        except ValueError as error:
            raise UserError(f"{path}:{number}: {error}; make the file again") from None
        found.add(utterance, interval)
    return found


def ctm_interval(line: str) -> tuple[str, Interval]:
    """(utterance, what is in it) of a line of a CTM; ValueError for a line that is none."""
    fields = line.split()
    try:
        utterance, start, duration, label = fields[0], float(fields[2]), float(fields[3]), fields[4]
        if not (0 <= start < LONGEST and 0 <= duration < LONGEST):
            raise ValueError
    except (IndexError, ValueError):
        raise ValueError(f'"{line[:80]}" is not `utt 1 start duration label`') from None
    return nfc(utterance), Interval(start, start + duration, label)


LONGEST = 1e7  # seconds, four months: a time beyond it (or NaN) is a damaged file


def write_intervals(path: Path | str, utterances: Mapping[str, Iterable[Interval]]) -> None:
    """Write intervals as a CTM, utterances sorted by id."""
    write_lines(
        path,
        [
            f"{utt} 1 {i.start:.6f} {i.end - i.start:.6f} {i.label}"
            for utt in sorted(utterances)
            for i in utterances[utt]
        ],
    )
