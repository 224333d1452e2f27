"""How late words are shown: after the end of each word in the sound, how long until it is there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from lexicon.files import write_lines
from pipeline.stream.listener import Heard, same_word
from pipeline.times.clock import frame_to_seconds
from pipeline.times.segments import Segment


class Late(NamedTuple):
    """Of word ``number`` of the ``of`` words of a piece, that ends at ``end`` (seconds): how many seconds after that it
    was there for the first time, from when on it was always there, and the piece was over."""

    system: str
    piece: int
    number: int
    of: int
    word: str
    end: float
    first_shown: float
    shown_for_good: float
    piece_over: float


COLUMNS = Late._fields


class Latency:
    """Notes what is shown and when, seconds since the sound began."""

    def __init__(self) -> None:
        self.so_far: dict[tuple[str, int], list[tuple[float, list[Segment]]]] = {}
        self.words: list[Late] = []

    def note(self, heard: Heard, now: float) -> None:
        """This has just been shown."""
        shown = self.so_far.setdefault((heard.system, heard.piece), [])
        shown.append((now, heard.words))
        if heard.final:
            for number, word in enumerate(heard.words):
                there = [any(same_word(word, other) for other in words) for _, words in shown]
                gone = max((i for i, here in enumerate(there) if not here), default=-1)
                end = float(frame_to_seconds(word.end))
                late = (shown[i][0] - end for i in (there.index(True), gone + 1, len(shown) - 1))
                self.words.append(
                    Late(heard.system, heard.piece + 1, number + 1, len(heard.words), word.label, end, *late)
                )
            del self.so_far[heard.system, heard.piece]

    def write(self, path: Path) -> None:
        """A line for each word, seconds."""
        lines = ["\t".join(COLUMNS)]
        for late in self.words:
            lines.append("\t".join(f"{value:.3f}" if isinstance(value, float) else str(value) for value in late))
        write_lines(path, lines)

    def table(self) -> list[str]:
        """Median and 95 % of the first, the last and of all words of each piece."""
        lines = [f"{'':<16}{'':<12}{'words':>6}{'first shown':>20}{'shown for good':>20}{'piece over':>20}"]
        lines += [f"{'system':<16}{'word':<12}{'':>6}" + f"{'median':>12}{'95 %':>8}" * 3]
        for system in dict.fromkeys(late.system for late in self.words):
            own = [late for late in self.words if late.system == system]
            for title, chosen in (
                ("first", [late for late in own if late.number == 1]),
                ("last", [late for late in own if late.number == late.of]),
                ("every", own),
            ):
                numbers = (_middle_and_most([getattr(late, column) for late in chosen]) for column in COLUMNS[-3:])
                lines.append(
                    f"{system:<16}{title:<12}{len(chosen):>6}"
                    + "".join(f"{middle:>10.2f} s{most:>6.2f} s" for middle, most in numbers)
                )
        return lines


def _middle_and_most(seconds: Sequence[float]) -> tuple[float, float]:
    return float(np.median(seconds)), float(np.percentile(seconds, 95))
