"""What each source of knowledge brings to each system: error rates without and with grammar, of phones and of words."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.compare.results import MEASURES, Comparison, Result

FLAT = "flat"  # folder of the decodes without grammar, beside those with it
# column: whether it has a grammar, and its measures
COLUMNS = {
    "phone loop": (False, ("free_per",)),
    "phone bigram": (True, ("free_per",)),
    "lexicon": (False, ("per", "wer")),
    "lexicon + LM": (True, ("per", "wer")),
}


def matrix_lines(comparison: Comparison, names: Sequence[str]) -> list[str]:
    """Tab-separated, percent: one line a system. ``comparison`` has each system, and its decode without grammar."""
    head = [
        "system",
        *(
            f"{column} {_what(measure)}{end}"
            for column, (_, measures) in COLUMNS.items()
            for measure in measures
            for end in ("", " low", " high")
        ),
    ]
    rows = []
    for name in names:
        rates = [
            comparison.rate(_system(comparison, name, grammar), measure)
            for grammar, measures in COLUMNS.values()
            for measure in measures
        ]
        rows.append([name, *(f"{value:.2f}" for rate in rates for value in (rate.percent, rate.low, rate.high))])
    return ["\t".join(row) for row in [head, *rows]]


def readable_matrix(comparison: Comparison, names: Sequence[str]) -> list[str]:
    """The same for a terminal of 100 columns, and what each step brings in points."""
    cells = [
        ["PER %", *COLUMNS],
        *_rows(comparison, names, ("free_per", "per")),
        ["WER %", *COLUMNS],
        *_rows(comparison, names, ("wer",)),
    ]
    lines = ["".join([f"{row[0]:14}", *(f"{cell:>20}" for cell in row[1:])]).rstrip() for row in cells]
    lines.insert(len(names) + 1, "")
    return [
        f"{comparison.corpus}: what each source of knowledge brings, with 95 % intervals "
        f"(bootstrap over {comparison.unit_name})",
        "",
        *lines,
        "",
        "phone loop: any phone after any; lexicon: any word after any; both tuned on dev as the others are.",
    ]


def _rows(comparison: Comparison, names: Sequence[str], wanted: Sequence[str]) -> list[list[str]]:
    rows = []
    for name in names:
        cells = [
            [str(comparison.rate(_system(comparison, name, grammar), m)) for m in measures if m in wanted]
            for grammar, measures in COLUMNS.values()
        ]
        rows.append([name, *(cell[0] if cell else "-" for cell in cells)])
    return rows


def _system(comparison: Comparison, name: str, grammar: bool) -> Result:
    wanted = name if grammar else f"{FLAT}/{name}"
    return next(system for system in comparison.systems if system.name == wanted)


def _what(measure: str) -> str:
    return MEASURES[measure][0].removeprefix("free ")
