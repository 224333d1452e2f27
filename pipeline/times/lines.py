"""Words and phones with their times, as lines for a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from lexicon.phones import SILENT
from pipeline.times.clock import frame_to_seconds
from pipeline.times.segments import Segment

WIDTH = 100  # columns
HEADER = f"{'start':>10}{'ms':>6}  {'word':<16}confidence  phones"
PHONES_AT = HEADER.index("phones")


def word_lines(words: Sequence[Segment], confidence: Sequence[float], phones: Sequence[Segment]) -> list[str]:
    """A line for each word: start (s), length (ms), word, confidence (blank where none is given), and its phones with
    their starts. A long line is wrapped."""
    lines = []
    for index, word in enumerate(words):
        ms = round(1000 * (frame_to_seconds(word.end) - frame_to_seconds(word.start)))
        sure = f"{confidence[index]:.2f}" if confidence else ""
        head = f"{frame_to_seconds(word.start):10.2f}{ms:6d}  {word.label:<15} {sure:<10}  "
        own = [phone for phone in phones if word.start <= phone.start < word.end and phone.label not in SILENT]
        lines += _wrapped(head, own)
    return lines


def phone_lines(title: str, phones: Sequence[Segment]) -> list[str]:
    """All phones with their starts."""
    return _wrapped(f"{title:>10}  ", [phone for phone in phones if phone.label not in SILENT])


def _wrapped(head: str, phones: Sequence[Segment]) -> list[str]:
    timed = "  ".join(f"{phone.label}\0{frame_to_seconds(phone.start):.2f}" for phone in phones)  # \0: no break here
    lines = textwrap.wrap(
        timed,
        WIDTH,
        initial_indent=head,
        subsequent_indent=" " * len(head),
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [line.replace("\0", " ") for line in lines] or [head.rstrip()]
