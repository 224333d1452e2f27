"""Utterances too short for their words: they are named, listed in a file, and may be left out of every stage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from lexicon.errors import UserError
from lexicon.files import write_lines
from lexicon.text import numbered_lines
from pipeline.datadir.write import Utterance

LIST = "short.txt"  # in the data directory, an id a line
NAMED = 5


def refuse_short(text: Path | str, short: Mapping[str, str], total: int, way_out: str = "") -> None:
    """UserError if there are ``short`` utterances (what each holds, by id) among the ``total`` of the file ``text``;
    they are added to LIST beside it, whose utterances the mfcc stage leaves out where it is told so."""
    if not short:
        return
    path = Path(text).with_name(LIST)
    write_lines(path, sorted(read_short(path) | short.keys()))
    first = [f"{utt} ({what})" for utt, what in list(short.items())[:NAMED]]
    named = ", ".join([*first, *["..."] * (len(short) > NAMED)])
    raise UserError(
        f"{text}: {len(short)} of {total} utterances are too short for their words: {named}; all are in"
        f" {path}; correct their transcripts{way_out}, or leave them out everywhere: ALLOW_SHORT=yes"
    )


def read_short(path: Path) -> set[str]:
    """The ids in a list of utterances too short for their words; none if there is no list."""
    return {line.strip() for _, line in numbered_lines(path) if line.strip()} if path.exists() else set()


def without_short(utterances: Sequence[Utterance], path: Path | None) -> tuple[list[Utterance], list[str]]:
    """The utterances but for those in the list ``path``, and the ids of these. A list that is not there is begun, so
    that make has something to notice a change of. UserError if nothing would be left."""
    if not path:
        return list(utterances), []
    path.touch()
    short = read_short(path)
    kept = [utterance for utterance in utterances if utterance.id not in short]
    if not kept:
        raise UserError(f"{path}: names every utterance; correct the transcripts, and remove the file")
    return kept, [utterance.id for utterance in utterances if utterance.id in short]
