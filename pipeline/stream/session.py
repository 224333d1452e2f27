"""Listening, from the first sound to the last: what the systems hear is shown at once, timed, and kept."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TextIO

import numpy as np

from lexicon.phones import ipa_of
from pipeline.compare.listen import Searches
from pipeline.stream.latency import Latency
from pipeline.stream.listener import Heard, Listener, ListenSettings
from pipeline.stream.pictures import Messages
from pipeline.stream.server import Page
from pipeline.stream.source import Source
from pipeline.stream.terminal import Terminal
from pipeline.times.clock import FRAME_SHIFT_MS, frame_to_seconds

HEARD, LATENCY = "heard.tsv", "latency.tsv"
WARM_UP_S = 2  # of nothing in particular, before which searches are slow for the first time


class Session:
    """What systems hear, on ``stream``, on a ``page`` if there is one, and in the files HEARD and LATENCY of folder
    ``out``. UserError for a system that cannot follow speech."""

    def __init__(
        self,
        searches: dict[str, Searches],
        sample_rate: int,
        settings: ListenSettings,
        out: Path,
        stream: TextIO,
        page: Page | None = None,
    ):
        _warm_up(searches, sample_rate, settings)
        self.listener, self.latency = Listener(searches, sample_rate, settings), Latency()
        self.messages, self.terminal = Messages(searches, sample_rate), Terminal(searches, stream)
        self.out, self.page, self.kept = out, page, Kept(out / HEARD, searches)

    def run(self, source: Source, title: str) -> None:
        """Listen until the sound is over, somebody presses Ctrl-C, or a file turns out to be damaged; what was said
        before that is heard to its end."""
        if self.page:
            self.page.send(self.messages.begin(title), first=True)
        try:
            with _until_interrupted() as interrupted:
                for samples in source.blocks():
                    self._take(samples, source)
                    if interrupted():
                        break
        finally:
            self._take(np.zeros(0), source, last=True)
            self.terminal.end()
            self.latency.write(self.out / LATENCY)
        if self.page:
            self.page.send({"kind": "end", "text": "the sound is over"})
            self.page.close()

    def _take(self, samples: np.ndarray, source: Source, last: bool = False) -> None:
        events = self.listener.add(samples, last)
        if self.page:
            for message in (self.messages.sound(samples), *map(self.messages.event, events)):
                self.page.send(message)
        for event in events:
            if isinstance(event, Heard):
                self.terminal.show(event)
                self.latency.note(event, source.since())
                if event.final:
                    self.kept.write(event)

    def summary(self) -> str:
        """How long it was, and what each system heard."""
        parts = [f"{self.listener.growing.end * FRAME_SHIFT_MS / 1000:.1f} s"]
        for name, settling in self.listener.settling.items():
            words = sum(late.system == name for late in self.latency.words)
            parts.append(f"{name} {words} words, {settling.changed} of {settling.total} settled ones changed")
        return "; ".join(parts)


class Kept:
    """What is heard, written as soon as a piece of speech is over: a line for each system."""

    def __init__(self, path: Path, searches: dict[str, Searches]):
        self.stream, self.searches = open(path, "w", encoding="utf-8", buffering=1), searches
        print("start", "end", "system", "words", "phones", sep="\t", file=self.stream)

    def write(self, heard: Heard) -> None:
        both = [*heard.words, *heard.phones]
        ends = (min(one.start for one in both), max(one.end for one in both)) if both else ()
        span = [f"{frame_to_seconds(frame):.2f}" for frame in ends] or ["", ""]
        phone_set = self.searches[heard.system].phone_set
        words = " ".join(word.label for word in heard.words)
        phones = " ".join(ipa_of(phone.label, phone_set) for phone in heard.phones)
        print(*span, heard.system, words, phones, sep="\t", file=self.stream)


def _warm_up(searches: dict[str, Searches], sample_rate: int, settings: ListenSettings) -> None:
    """Hear noise once: what is compiled or loaded when it is first needed is there then."""
    noise = np.random.default_rng(0).normal(0, 0.01, WARM_UP_S * sample_rate)
    Listener(searches, sample_rate, settings).add(noise, last=True)


@contextlib.contextmanager
def _until_interrupted() -> Iterator[Callable[[], bool]]:
    """Within, Ctrl-C interrupts nothing, but from then on what is given says so; a second one does interrupt."""
    pressed = []
    before = signal.getsignal(signal.SIGINT)

    def press(*_: object) -> None:
        pressed.append(True)
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, press)
    try:
        yield lambda: bool(pressed)
    finally:
        signal.signal(signal.SIGINT, before)
