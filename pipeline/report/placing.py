"""How well phones are placed, as a section of the index: boundaries.tsv beside published aligners, and peaks.tsv."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from lexicon.errors import UserError
from pipeline.align.boundaries import HAND, PUBLISHED, TSV, WITHIN_MS
from pipeline.align.peaks import HEADER
from pipeline.report.others import read_tsv, table_of

CAVEAT = (
    "The published aligners are there for the kind of number, not to be beaten: those of Stolcke et al. had all of TIMIT to learn"
    " from, the Montreal Forced Aligner another corpus, Kaldi's monophones learned from what they were judged on. Ours have"
    " this corpus's training set."
)
PEAKS = (
    "A CTC network need not say a phone as long as it lasts: it may say it once, in a spike, and blank, that is nothing new,"
    " for the rest; the more blank and the shorter the spikes, the less its times tell where a phone begins and ends, and"
    " the more has to be made up by rule."
)


def boundaries_section(exp: Path) -> str:
    """Tables of boundaries.tsv and peaks.tsv; "" where there are no boundaries. UserError for damaged files."""
    rows = _rows(exp / "boundaries.tsv", TSV)
    if not rows:
        return ""
    together, classes = ([row for row in rows if (row[2] == "all") == whole] for whole in (True, False))
    return (
        _boundaries(together)
        + (f'<p class="lead after">{CAVEAT}</p>' if _by_hand(together) else "")
        + "<details><summary>by class of phone</summary>"
        + f"{table_of(TSV, classes, 'Boundaries by class of phone')}</details>"
        + _peaks(_rows(exp / "peaks.tsv", HEADER))
    )


def _rows(path: Path, columns: Sequence[str]) -> list[list[str]]:
    """The rows of a file that has these columns; none where there is no such file."""
    if not path.exists():
        return []
    head, rows = read_tsv(path)
    if head != list(columns):
        raise UserError(f"{path}:1: columns {' '.join(head)}, not {' '.join(columns)}; remove it and run make again")
    return rows


def _by_hand(rows: Iterable[list[str]]) -> bool:
    return any(row[0] == HAND for row in rows)


def _boundaries(rows: list[list[str]]) -> str:
    """One row an aligner: against hands, what others publish, and against each other."""
    limits = "".join(f'<th scope="col">{limit} ms</th>' for limit in WITHIN_MS)
    ours = [_row(escape(row[1]), f"{row[3]} of {row[4]}", row[5:]) for row in rows if row[0] == HAND]
    theirs = [
        _row(f"{escape(one.aligner)} <small>{escape(one.speech)}; {escape(one.source)}</small>", "", one.row)
        for one in PUBLISHED
    ]
    pairs = [
        _row(f"{escape(row[1])} <small>against {escape(row[0])}</small>", f"{row[3]} of {row[4]}", row[5:])
        for row in rows
        if row[0] != HAND
    ]
    groups = [
        ("against hand-placed phones", ours),
        ("elsewhere, of other speech", theirs if ours else []),
        ("against each other", pairs),
    ]
    bodies = "".join(
        f'<tbody><tr><th class="group" scope="rowgroup" colspan="{5 + len(WITHIN_MS)}">{title}</th></tr>{"".join(body)}</tbody>'
        for title, body in groups
        if body
    )
    return (
        f'<div class="wide" tabindex="0" role="region" aria-label="Boundaries"><table class="figures"><thead><tr><th></th><th></th>'
        f'<th scope="colgroup" colspan="3">apart, ms</th><th scope="colgroup" colspan="{len(WITHIN_MS)}">within, %</th></tr>'
        f'<tr><th scope="col">aligner</th><th scope="col">phones</th><th scope="col">bias</th><th scope="col">mean</th>'
        f'<th scope="col">median</th>{limits}</tr></thead>{bodies}</table></div>'
    )


def _row(name: str, phones: str, cells: Sequence[str]) -> str:
    return f'<tr><th scope="row">{name}</th>{"".join(f"<td>{escape(cell)}</td>" for cell in (phones, *cells))}</tr>'


def _peaks(rows: list[list[str]]) -> str:
    """How peaky each network is, without its label prior divided out ("raw": before) and with."""
    if not rows:
        return ""
    names = {True: "before the label prior is divided out", False: "after"}
    cells = [
        [
            f"{row[0].removesuffix('_raw')}, {names[row[0].endswith('_raw')]}",
            row[1],
            row[2],
            f"{row[3]} ± {row[4]}",
            row[5],
        ]
        for row in sorted(rows, key=lambda row: (row[0].removesuffix("_raw"), not row[0].endswith("_raw")))
    ]
    head = [
        "network",
        "blank, % of the time",
        "spike, frames of 10 ms",
        "place in the GMM's phone (0 begin, 1 end)",
        "within it, %",
    ]
    return f'<h3>How peaky the network is</h3><p class="lead">{PEAKS}</p>{table_of(head, cells, "Peaks")}'
