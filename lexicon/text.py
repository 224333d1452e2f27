"""Kaldi `text` files: one utterance a line, its id and then its words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from lexicon.errors import UserError

LONGEST_LINE = 1 << 26  # bytes; a transcript of a million words has a tenth of that
LONGEST_ID = 200  # bytes; a file name may have 255, with its ending and what a temporary name adds
BYTE_ORDER_MARK = "\ufeff"
CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]")
SURROGATE = re.compile("[\ud800-\udfff]")  # what Python makes of a file name that is not UTF-8, and JSON may hold


def numbered_lines(path: Path | str) -> Iterator[tuple[int, str]]:
    """Yield (line number from 1, line without its newline) of a UTF-8 text file, line by line.

    Windows' line ends and a byte order mark are removed. Raises UserError for a missing file, and with the line that is
    not UTF-8 text: in another encoding, with control characters (such as NUL), or too long.
    """
    path = Path(path)
    if not path.is_file():
        what = "not a file" if path.exists() else "no such file"
        raise UserError(f"{path}: {what}; make it or correct the path")
    with open(path, "rb") as stream:
        for number, line in enumerate(iter(lambda: stream.readline(LONGEST_LINE + 1), b""), 1):
            text = decode_line(line, f"{path}:{number}")
            yield number, text.removeprefix(BYTE_ORDER_MARK) if number == 1 else text


def decode_line(line: bytes, where: str) -> str:
    """The text of a line without its end; UserError, at ``where``, as ``numbered_lines`` raises it."""
    if len(line) > LONGEST_LINE:
        raise UserError(f"{where}: a line of more than {LONGEST_LINE >> 20} MB; this is not a text file")
    try:
        text = line.decode("utf-8").removesuffix("\n").rstrip("\r")
    except UnicodeDecodeError:
        raise UserError(f"{where}: {line[:80]!r} is not UTF-8; save the file as UTF-8") from None
    if found := CONTROL.search(text):
        raise UserError(
            f"{where}: a control character (U+{ord(found[0]):04X}) in {text[:80]!r}; save the file as UTF-8 text"
        )
    return text


def unfit(label: str) -> str:
    """Why an id, speaker, word or phone cannot stand in our files; "" if it can. Any script can, with the joiners of
    Persian and Indic words (U+200C, U+200D): only white space, controls and what is not UTF-8 cannot."""
    if label.split() != [label]:
        return "has white space in it" if label.strip() else "is empty"
    return unwritable(label)


def unwritable(text: str) -> str:
    """Why ``text`` cannot stand in a line of a text file; "" if it can."""
    found = CONTROL.search(text) or SURROGATE.search(text)
    return f"has U+{ord(found[0]):04X} in it, a control character or none of UTF-8" if found else ""


def unfit_for_a_file(name: str) -> str:
    """Why a file cannot be named after an utterance (lattices and TextGrids are); "" if it can."""
    if why := unfit(name):
        return why
    if "/" in name or name in (".", ".."):
        return "would lead to another folder"
    return f"is longer than {LONGEST_ID} bytes" if len(name.encode(errors="replace")) > LONGEST_ID else ""


def read_text(path: Path | str) -> dict[str, tuple[str, ...]]:
    """Read `utterance-id WORD WORD ...` lines into {id: words}, in file order.

    An id alone stands for an utterance without words. Raises UserError, with file and line, for an empty line, an id
    that occurs twice, or a file without utterances. Words are taken as they are, in case and spelling.
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


def same_ids(path: Path | str, found: Iterable[str], wanted: Iterable[str], way_out: str) -> None:
    """UserError unless a file has exactly the utterances ``wanted``; it names the file, how many are missing or extra,
    the first of them, and the way out."""
    found, wanted = set(found), set(wanted)
    for odd, what in (
        (wanted - found, f"{len(wanted - found)} of {len(wanted)} utterances are not there"),
        (found - wanted, f"{len(found - wanted)} utterances are none of this set's {len(wanted)}"),
    ):
        if odd:
            raise UserError(f'{path}: {what} (first: "{min(odd)}"); {way_out}')


def width_of(text: str) -> int:
    """Columns a terminal needs for a text: marks above and below take none, wide East Asian characters two."""
    return sum(
        0 if unicodedata.category(c) in ("Mn", "Me", "Cf") else 1 + (unicodedata.east_asian_width(c) in "WF")
        for c in text
    )


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows of equal length as lines of a table, two spaces between columns: the first stands left, the others right."""
    widths = [max(map(len, column)) for column in zip(*rows)]
    return [
        "  ".join([row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:]))])
        for row in rows
    ]
