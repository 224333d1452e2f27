"""Folding: in which classes phones are compared, where a corpus's hand-made labels differ from the lexicon's phones."""
from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from lexicon.errors import UserError
from lexicon.files import write_lines
from lexicon.text import numbered_lines

Fold = Mapping[str, str]
FOLD = "fold.txt"  # in the corpus's data folder


def read_fold(data: Path | str) -> dict[str, str]:
    """`LABEL CLASS` lines of data/fold.txt; nothing to fold where there is no such file. UserError with file and
    line."""
    path = Path(data) / FOLD
    fold: dict[str, str] = {}
    if not path.exists():
        return fold
    for number, line in numbered_lines(path):
        fields = line.split()
        if len(fields) != 2 or fields[0] in fold:
            raise UserError(f'{path}:{number}: "{line}"; each line is `LABEL CLASS`, each label once')
        fold[fields[0]] = fields[1]
    return fold


def write_fold(data: Path | str, fold: Fold) -> None:
    """Write data/fold.txt, or take it away if there is nothing to fold."""
    path = Path(data) / FOLD
    if fold:
        write_lines(path, [f"{label} {fold[label]}" for label in sorted(fold)])
    else:
        path.unlink(missing_ok=True)
