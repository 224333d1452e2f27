"""Hear speech while it is spoken, from the microphone or from a file played in real time, with several systems side by
side: words and phones at the terminal, and on a page of this machine."""

from __future__ import annotations

import sys
from argparse import Namespace
from functools import partial
from pathlib import Path

from lexicon.errors import UserError
from pipeline.compare.listen import load_searches
from pipeline.report.live import live_page
from pipeline.stream.listener import ListenSettings
from pipeline.stream.server import Page
from pipeline.stream.session import HEARD, LATENCY, Session
from pipeline.stream.source import open_source
from stages.common import parser, run, settings_from, settings_options, systems_option, yes_or_no
from stages.own_systems import ready_systems


def main(args: Namespace) -> tuple[Path, str]:
    systems = ready_systems(args, "listen")
    source, out, title = open_source(args.wav, args.exp / "own")
    searches = load_searches(args.exp, systems, args.lm)
    for name, one in searches.items():
        if one.system.front_end.adaptation:
            raise UserError(f"LISTEN: {name} adapts to a speaker once he has been heard; choose others: LISTEN=lda")
    page = Page(args.port, partial(live_page, len(searches))) if args.page else None
    session = Session(searches, source.sample_rate, settings_from(args, ListenSettings), out, sys.stdout, page)
    if page:
        print(f"listen: open {page.url}", flush=True)
    begun = "playing" if args.wav else "speak now"
    print(f"listen: {begun}; Ctrl-C ends it and keeps what was said", flush=True)
    session.run(source, title)
    if session.latency.words:
        print(*session.latency.table(), "", sep="\n")
    return out / HEARD, f"{session.summary()}; {out}/{HEARD} and {LATENCY}"


if __name__ == "__main__":
    options = parser(__doc__)
    options.add_argument("--wav", default="", help="the recording to play, of any rate; without it the microphone")
    options.add_argument("--exp", type=Path, required=True, help="experiment; what is heard goes to EXP/own")
    systems_option(options)
    options.add_argument("--page", type=yes_or_no, default="no", help="whether to show it on a page, too")
    options.add_argument("--port", type=int, default=0, help="where the page is served; 0: any port that is free")
    settings_options(options, ListenSettings)
    run(options, main)
