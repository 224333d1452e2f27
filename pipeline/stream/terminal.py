"""Words and phones so far, at a terminal that is redrawn, or as lines where nobody can redraw anything."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from typing import NamedTuple, TextIO

from lexicon.phones import ipa_of
from pipeline.compare.listen import Searches
from pipeline.stream.listener import Heard
from pipeline.times.clock import frame_to_seconds

CLEAR, UP, DIM, PLAIN = "\x1b[2K", "\x1b[{}A", "\x1b[2m", "\x1b[0m"


class Text(NamedTuple):
    """A word or a phone; ``faint`` for one that may still change."""

    text: str
    faint: bool


class Terminal:
    """Two lines for each system, its words and its phones; a piece that is over moves up and stays."""

    def __init__(self, searches: dict[str, Searches], stream: TextIO):
        self.searches, self.stream, self.live = searches, stream, stream.isatty()
        self.wide = max(map(len, searches))
        self.now: dict[str, Heard] = {}
        self.said: dict[str, list[str]] = {}  # of each system, without a terminal: the words that were printed last
        self.drawn = 0

    def show(self, heard: Heard) -> None:
        """What a system hears now."""
        lines = [] if self.live else self._changed(heard)
        if heard.final:
            self.now.pop(heard.system, None)
            lines = self._lines(heard)
        elif self.live:
            self.now[heard.system] = heard
        self._draw(lines)

    def end(self) -> None:
        """Nothing more will come."""
        self.now = {}
        self._draw([])

    def _draw(self, lines: Iterable[str]) -> None:
        current = [line for name in self.searches if name in self.now for line in self._lines(self.now[name])]
        above = UP.format(self.drawn) if self.drawn else ""
        erased = "".join(f"{CLEAR}\n" for _ in range(self.drawn)) + above if self.drawn else ""
        text = "".join(f"{line}\n" for line in [*lines, *current])
        self.stream.write(f"{above}{erased}{text}")
        self.stream.flush()
        self.drawn = len(current)

    def _changed(self, heard: Heard) -> list[str]:
        words = [word.label for word in heard.words]
        if words == self.said.get(heard.system, []):
            return []
        self.said[heard.system] = [] if heard.final else words
        return self._lines(heard)[:1]

    def _lines(self, heard: Heard) -> list[str]:
        phone_set = self.searches[heard.system].phone_set
        words = [Text(word.label, number >= heard.settled) for number, word in enumerate(heard.words)]
        phones = [Text(ipa_of(phone.label, phone_set), not heard.final) for phone in heard.phones]
        first = [*heard.words, *heard.phones][:1]
        start = f"{frame_to_seconds(first[0].start):8.2f} s" if first else " " * 10
        heads = (f"{start}  {heard.system:<{self.wide}}  ", " " * (self.wide + 14))
        return [head + self._fitted(texts, len(head)) for head, texts in zip(heads, (words, phones))]

    def _fitted(self, texts: list[Text], before: int) -> str:
        """The last of them, as many as there is room for; all where nothing is redrawn."""
        if not self.live:
            return " ".join(f"({one.text})" if one.faint else one.text for one in texts)
        room, chosen = shutil.get_terminal_size().columns - before - 1, 0
        while chosen < len(texts) and (room := room - len(texts[-1 - chosen].text) - 1) >= 0:
            chosen += 1
        shown = texts[len(texts) - chosen :]
        sure, faint = (" ".join(one.text for one in shown if one.faint == is_faint) for is_faint in (False, True))
        return " ".join(part for part in (sure, faint and f"{DIM}{faint}{PLAIN}") if part)  # the faint ones come last
