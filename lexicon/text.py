"""Kaldi `text` files: one utterance a line, its id and then its words."""
from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from lexicon.errors import UserError


def numbered_lines(path: Path | str) -> Iterator[tuple[int, str]]:
    """Yield (line number from 1, line without its newline) of a UTF-8 text file.

    Raises UserError when the file is missing or a byte is not UTF-8 (the line is named).
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"{path}: no such file; make it or correct the path")
    lines = path.read_bytes().split(b"\n")
    if not lines[-1]:
        lines.pop()  # what follows the last newline is not a line
    for number, line in enumerate(lines, 1):
        try:
            yield number, line.decode("utf-8").rstrip("\r")
        except UnicodeDecodeError:
            raise UserError(f"{path}:{number}: {line!r} is not UTF-8; save the file as UTF-8") from None


def read_text(path: Path | str) -> dict[str, tuple[str, ...]]:
    """Read `utterance-id WORD WORD ...` lines into {id: words}, in file order.

    An id alone stands for an utterance without words. Raises UserError, with file and line, for an empty line, an
    id that occurs twice, or a file without utterances. Words are taken as they are: case and spelling belong to
    whoever wrote the file.
    """
    texts: dict[str, tuple[str, ...]] = {}
    for number, line in numbered_lines(path):
        fields = line.split()
        if not fields:
            raise UserError(f"{path}:{number}: empty line; delete it or write `utterance-id WORD ...`")
        if fields[0] in texts:
            raise UserError(f'{path}:{number}: utterance "{fields[0]}" occurs twice; keep one of the lines')
        texts[fields[0]] = tuple(fields[1:])
    if not texts:
        raise UserError(f"{path}: no utterances; write one `utterance-id WORD ...` line each")
    return texts
