"""Text files that show whether they are whole: the last line has the number of the other lines and their checksum. This
finds damage, not tampering."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from pathlib import Path

from lexicon.errors import UserError
from lexicon.files import write_lines
from lexicon.text import numbered_lines


def write_sealed(path: Path, lines: Sequence[str]) -> None:
    """Write the lines and their seal, atomically."""
    write_lines(path, [*lines, _seal(lines)])


def read_sealed(path: Path, way_out: str) -> list[str]:
    """The lines without their seal. UserError, with the way out, if the file is missing or damaged."""
    if not path.is_file():
        raise UserError(f"{path}: no such index; {way_out}")
    try:
        lines = [line for _, line in numbered_lines(path)]
    except UserError:  # so damaged that it is no text
        lines = []
    if not lines or lines[-1] != _seal(lines[:-1]):
        raise UserError(f"{path}: damaged or cut short; {way_out}")
    return lines[:-1]


def _seal(lines: Sequence[str]) -> str:
    return f"{len(lines)} {zlib.crc32(chr(10).join(lines).encode()):08x}"
