"""How well phones are placed, as a section of the index: boundaries.tsv beside published aligners, and peaks.tsv."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from markupsafe import Markup

from lexicon.errors import UserError
from pipeline.align.boundaries import GOLD, PUBLISHED, TSV, WITHIN_MS
from pipeline.align.peaks import HEADER
from pipeline.report.others import read_tsv, table_of
from pipeline.report.render import render

MOST_PAIRS = 15  # of six aligners, each with each


def boundaries_section(exp: Path) -> Markup:
    """Tables of boundaries.tsv and peaks.tsv; empty where there are no boundaries. UserError for damaged files."""
    rows = _rows(exp / "boundaries.tsv", TSV)
    if not rows:
        return Markup()
    shown = _shown(rows)
    together, classes = ([row for row in shown if (row[2] == "all") == whole] for whole in (True, False))
    return render(
        "boundaries.html",
        limits=WITHIN_MS,
        groups=_groups(together),
        all_are_shown=len(shown) == len(rows),
        with_gold=any(row[0] == GOLD for row in together),
        classes=table_of(TSV, classes, "Boundaries by class of phone"),
        peaks=_peaks(_rows(exp / "peaks.tsv", HEADER)),
    )


def _rows(path: Path, columns: Sequence[str]) -> list[list[str]]:
    """The rows of a file that has these columns; none where there is no such file."""
    if not path.exists():
        return []
    head, rows = read_tsv(path)
    if head != list(columns):
        raise UserError(f"{path}:1: columns {' '.join(head)}, not {' '.join(columns)}; remove it and run make again")
    return rows


def _shown(rows: list[list[str]]) -> list[list[str]]:
    """All rows, or if there are many pairs of aligners, of these only those with the first, which is the reference."""
    pairs = dict.fromkeys((row[0], row[1]) for row in rows if row[0] != GOLD)
    first = next(iter(pairs), ("", ""))[0]
    return rows if len(pairs) <= MOST_PAIRS else [row for row in rows if row[0] in (GOLD, first)]


Row = tuple[str, str, list[str]]  # an aligner, what is to be said of it in small, and the cells


def _groups(rows: list[list[str]]) -> list[tuple[str, list[Row]]]:
    """One row an aligner: against gold phones, what others publish, and against each other."""
    ours: list[Row] = [(row[1], "", _cells(row)) for row in rows if row[0] == GOLD]
    theirs: list[Row] = [(one.aligner, f"{one.speech}; {one.source}", ["", *one.row]) for one in PUBLISHED]
    pairs: list[Row] = [(row[1], f"against {row[0]}", _cells(row)) for row in rows if row[0] != GOLD]
    return [
        ("against gold phones", ours),
        ("elsewhere, of other speech", theirs if ours else []),
        ("against each other", pairs),
    ]


def _cells(row: list[str]) -> list[str]:
    return [f"{row[3]} of {row[4]}", *row[5:]]


def _peaks(rows: list[list[str]]) -> Markup:
    """How peaky each network is."""
    if not rows:
        return Markup()
    cells = [
        [name, blank, frames, f"{position} ± {deviation}", inside]
        for name, blank, frames, position, deviation, inside in rows
    ]
    head = [
        "network",
        "blank, % of the time",
        "spike, frames of 10 ms",
        "place in the reference's phone (0 begin, 1 end)",
        "within it, %",
    ]
    return table_of(head, cells, "Peaks")
