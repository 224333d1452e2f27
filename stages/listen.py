"""Hear speech while it is spoken, from the microphone or from a file played in real time, with several systems side by
side: words and phones at the terminal, and on a page of this machine."""

from __future__ import annotations

import contextlib
import signal
import sys
import time
from argparse import Namespace
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np

from lexicon.errors import UserError
from lexicon.phones import ipa_of
from pipeline.compare.listen import ListedSystem, Searches, load_searches, trained
from pipeline.report.live import live_page
from pipeline.sound.recording import begin_results, own_folder
from pipeline.stream.latency import Latency
from pipeline.stream.listener import Event, Heard, Listener, ListenSettings
from pipeline.stream.pictures import Messages
from pipeline.stream.server import Page
from pipeline.stream.source import Microphone, Played, Source
from pipeline.stream.terminal import Terminal
from pipeline.times.clock import frame_to_seconds
from stages.common import parser, run, settings_from, settings_options, systems_option, yes_or_no

HEARD, LATENCY, SOUND = "heard.tsv", "latency.tsv", "sound.wav"
WARM_UP_S = 2  # of nothing in particular, before which searches are slow for the first time


class Kept:
    """What is heard, written as soon as a piece of speech is over: a line for each system."""

    def __init__(self, path: Path, searches: dict[str, Searches]):
        self.stream, self.searches = open(path, "w", encoding="utf-8", buffering=1), searches
        print("start", "end", "system", "words", "phones", sep="\t", file=self.stream)

    def write(self, heard: Heard) -> None:
        both = [*heard.words, *heard.phones]
        span = [f"{frame_to_seconds(f(both)):.2f}" for f in (_begin, _end)] if both else ["", ""]
        phone_set = self.searches[heard.system].phone_set
        words = " ".join(word.label for word in heard.words)
        phones = " ".join(ipa_of(phone.label, phone_set) for phone in heard.phones)
        print(*span, heard.system, words, phones, sep="\t", file=self.stream)


def _begin(segments: list) -> int:
    return min(segment.start for segment in segments)


def _end(segments: list) -> int:
    return max(segment.end for segment in segments)


def source_of(args: Namespace) -> tuple[Source, Path, str]:
    """Where the sound comes from, the folder for what is heard, and what it is called."""
    if args.wav:
        played = Played(args.wav)
        out = own_folder(args.exp / "own", args.wav)
        begin_results(out, args.wav)
        return played, out, Path(args.wav).name
    out = args.exp / "own" / time.strftime("%Y%m%d-%H%M%S")
    microphone = Microphone(out / SOUND)
    out.mkdir(parents=True)
    return microphone, out, "Microphone"


def listed(args: Namespace) -> list[ListedSystem]:
    """The systems that are trained; UserError if none is."""
    candidates = [ListedSystem(name, Path(model), Path(lang)) for name, model, lang in args.system]
    systems, missing = trained(args.exp, candidates)
    if missing:
        print(f"listen: left out, not trained and tuned yet: {', '.join(missing)}; run: make {missing[0]}")
    return systems


def loaded(args: Namespace, systems: list[ListedSystem]) -> dict[str, Searches]:
    """The systems with their searches; UserError for one that cannot follow speech."""
    searches = load_searches(args.exp, systems, args.lm)
    for name, one in searches.items():
        if one.system.front_end.raw.encoder:
            raise UserError(f"{name}: its encoder hears whole recordings; leave it out of LISTEN, or: make transcribe")
    return searches


def warm_up(searches: dict[str, Searches], sample_rate: int, settings: ListenSettings) -> None:
    """Hear noise once: what is compiled or loaded when it is first needed is there then."""
    noise = np.random.default_rng(0).normal(0, 0.01, WARM_UP_S * sample_rate)
    Listener(searches, sample_rate, settings).add(noise, last=True)


@contextlib.contextmanager
def until_interrupted() -> Iterator[Callable[[], bool]]:
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


def main(args: Namespace) -> tuple[Path, str]:
    systems = listed(args)
    source, out, title = source_of(args)
    settings, searches = settings_from(args, ListenSettings), loaded(args, systems)
    page = Page(args.port, partial(live_page, len(searches))) if args.page else None
    warm_up(searches, source.sample_rate, settings)
    listener, latency, kept = Listener(searches, source.sample_rate, settings), Latency(), Kept(out / HEARD, searches)
    messages = Messages(searches, source.sample_rate)
    terminal = Terminal(searches, sys.stdout)
    if page:
        print(f"listen: open {page.url}", flush=True)
        page.send(messages.begin(title), first=True)
    print(
        "listen: " + ("playing" if args.wav else "speak now") + "; Ctrl-C ends it and keeps what was said", flush=True
    )

    def tell(samples: np.ndarray, events: list[Event]) -> None:
        if page:
            page.send(messages.sound(samples))
            for event in events:
                page.send(messages.event(event))
        for event in events:
            if isinstance(event, Heard):
                terminal.show(event)
                latency.note(event, source.since())
                if event.final:
                    kept.write(event)

    try:
        with until_interrupted() as interrupted:
            for samples in source.blocks():
                tell(samples, listener.add(samples))
                if interrupted():
                    break
    finally:  # after Ctrl-C, and where a file turns out to be damaged
        tell(np.zeros(0), listener.add(np.zeros(0), last=True))
        terminal.end()
        latency.write(out / LATENCY)
    if latency.words:
        print(*latency.table(), "", sep="\n")
    if page:
        page.send({"kind": "end", "text": "the sound is over"})
        page.close()
    return out / HEARD, _result(listener, latency, out)


def _result(listener: Listener, latency: Latency, out: Path) -> str:
    counts = []
    for name, settling in listener.settling.items():
        words = sum(late.system == name for late in latency.words)
        counts.append(f"{name} {words} words, {settling.changed} of {settling.total} settled ones changed")
    return f"{listener.growing.end / 100:.1f} s; {'; '.join(counts)}; {out}/{HEARD} and {LATENCY}"


if __name__ == "__main__":
    options = parser(__doc__)
    options.add_argument("--wav", default="", help="the recording to play, of any rate; without it the microphone")
    options.add_argument("--exp", type=Path, required=True, help="experiment; what is heard goes to EXP/own")
    systems_option(options)
    options.add_argument("--page", type=yes_or_no, default="no", help="whether to show it on a page, too")
    options.add_argument("--port", type=int, default=0, help="where the page is served; 0: any port that is free")
    settings_options(options, ListenSettings)
    run(options, main)
