"""Confusions as heat maps: phone by phone, and class by class of articulation."""

from __future__ import annotations

import itertools
from html import escape

import numpy as np

from lexicon.phone_sets import phone_set_of
from lexicon.phones import PhoneSet, by_manner, manner_in
from pipeline.base.edits import GAP
from pipeline.compare.results import Comparison, Result
from pipeline.compare.score import confusion_counts
from pipeline.report.tables import colour, phone_label, system_name

COMMONEST = 8

CELL = 10
MARGIN_LEFT, MARGIN_TOP = 58, 22


def confusions(comparison: Comparison) -> str:
    """For each system a heat map of its free phones against the reference, and its commonest errors in words."""
    phones, phone_set = _phones(comparison)
    return "".join(_confusion_figure(comparison, system, phones, phone_set) for system in comparison.systems)


def _phones(comparison: Comparison) -> tuple[list[str], PhoneSet]:
    """All phones that are in the reference or were heard, by manner, and the phone set that knows them."""
    present = {
        symbol
        for system in comparison.systems
        for pairs in system.alignments["free_per"].values()
        for pair in pairs
        for symbol in pair
    } - {GAP}
    phone_set = phone_set_of(comparison.lang)
    return by_manner(present, phone_set), phone_set


def class_confusions(comparison: Comparison) -> str:
    """For each system a table: of the phones of each class, what share was heard as another phone of which class."""
    phones, phone_set = _phones(comparison)
    return "".join(_class_figure(comparison, system, phones, phone_set) for system in comparison.systems)


def class_errors(counts: np.ndarray, classes: list[str]) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Confusions of phones to errors of classes.

    counts: (P+1, P+1) as `confusion_counts` gives them, nothing last; ``classes``: that of each phone, sorted. Returns the C
    class names, (C+1, C+1) numbers of errors (the right answers left out, so the diagonal is confusions within a class),
    and (C,) how many phones of each class the reference has.
    """
    names = list(dict.fromkeys(classes))
    member = np.zeros((len(names) + 1, len(classes) + 1))
    member[[*(names.index(name) for name in classes), len(names)], np.arange(len(classes) + 1)] = 1
    errors = counts - np.diag(np.diag(counts))
    return names, (member @ errors @ member.T).astype(int), (member @ counts.sum(axis=1))[:-1].astype(int)


def _class_figure(comparison: Comparison, system: Result, phones: list[str], phone_set: PhoneSet) -> str:
    counts = confusion_counts(system.alignments["free_per"].values(), phones)
    names, errors, totals = class_errors(counts, [manner_in(phone_set, phone) for phone in phones])
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in [*names, "missed"])
    rows = []
    for i, name in enumerate(names):
        cells = "".join(
            _class_cell(int(errors[i, j]), int(totals[i]), name, (*names, GAP)[j]) for j in range(len(names) + 1)
        )
        wrong = f"{100 * errors[i].sum() / totals[i]:.0f} %" if totals[i] else ""
        rows.append(
            f'<tr><th scope="row">{escape(name)}</th>{cells}<td class="all">{wrong}</td><td>{totals[i]}</td></tr>'
        )
    added = "".join(f"<td>{errors[-1, j] or ''}</td>" for j in range(len(names)))
    rows.append(
        f'<tr class="added"><th scope="row">added</th>{added}<td></td><td class="all"></td><td>{errors[-1].sum()}</td></tr>'
    )
    return (
        f'<figure style="{colour(comparison.systems.index(system))}"><figcaption>{system_name(comparison, system)}</figcaption>'
        f'<div class="wide" tabindex="0" role="region" aria-label="Errors of {escape(system.name)} by class"><table class="classes">'
        f'<thead><tr><th scope="col">reference</th>{head}<th scope="col">wrong</th><th scope="col">of</th></tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div></figure>"
    )


def _class_cell(errors: int, total: int, name: str, heard: str) -> str:
    """Share of a class in percent, the stronger in colour the larger."""
    if not errors or not total:
        return "<td></td>"
    share = errors / total
    what = "missed" if heard == GAP else f"heard as another {name}" if heard == name else f"heard as {heard}"
    number = f"{100 * share:.0f}" if share >= 0.005 else "·"
    return (
        f'<td class="share" style="--share:{min(100 * share * 2.5, 75):.0f}%" title="{escape(name)} {escape(what)}: '
        f'{errors} of {total} ({100 * share:.1f} %)">{number}</td>'
    )


def _confusion_figure(comparison: Comparison, system: Result, phones: list[str], phone_set: PhoneSet) -> str:
    counts = confusion_counts(system.alignments["free_per"].values(), phones)
    errors = [(int(counts[i, j]), i, j) for i, j in zip(*np.nonzero(counts)) if i != j]
    commonest = "".join(
        f"<li>{escape(_in_words(counts, phones, i, j))}</li>"
        for _, i, j in sorted(errors, key=lambda error: (-error[0], *error[1:]))[:COMMONEST]
    )
    return (
        f'<figure class="confusion" style="{colour(comparison.systems.index(system))}"><figcaption>'
        f"{system_name(comparison, system)}</figcaption>"
        f'<div class="wide" tabindex="0" role="region" aria-label="Phone confusions of {escape(system.name)}">'
        f"{_heat_map(counts, phones, phone_set, system.name)}</div>"
        f'<output class="readout" aria-live="off">Point at a square to read it.</output>'
        f"<details><summary>commonest errors</summary><ol>{commonest}</ol></details></figure>"
    )


def _in_words(counts: np.ndarray, phones: list[str], i: int, j: int) -> str:
    """``IH heard as AH: 12 of 84 (14 %)``."""
    number, symbols = int(counts[i, j]), [*phones, GAP]
    if symbols[i] == GAP:
        return f"{symbols[j]} heard where there was nothing: {number}"
    of = int(counts[i].sum())
    heard = "missed" if symbols[j] == GAP else "heard right" if i == j else f"heard as {symbols[j]}"
    return f"{symbols[i]} {heard}: {number} of {of} ({100 * number / of:.0f} %)"


def _heat_map(counts: np.ndarray, phones: list[str], phone_set: PhoneSet, name: str) -> str:
    """Rows reference, columns heard; strength is the share of the row. Right answers grey, errors in colour."""
    size = len(phones) + 1
    width, height = MARGIN_LEFT + size * CELL + 4, MARGIN_TOP + size * CELL + 4
    out = [
        f'<svg class="heat" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="Heat map of {escape(name)}: reference phones down, heard phones across">',
        f'<rect class="field" x="{MARGIN_LEFT}" y="{MARGIN_TOP}" width="{size * CELL}" height="{size * CELL}"/>',
        *_manner_lines(phones, phone_set),
    ]
    for number, phone in enumerate(phones):
        at = number * CELL + CELL / 2
        out.append(
            f'<text class="row" x="{MARGIN_LEFT - 3}" y="{MARGIN_TOP + at + 2.4:g}">{phone_label(phone, phone_set)}</text>'
        )
        out.append(
            f'<text class="column" x="{MARGIN_LEFT + at:g}" y="{MARGIN_TOP - (11 if number % 2 else 3)}">'
            f"{phone_label(phone, phone_set)}</text>"
        )
    edge = MARGIN_TOP + (size - 1) * CELL + CELL / 2 + 2.4
    out.append(f'<text class="row" x="{MARGIN_LEFT - 3}" y="{edge:g}">added</text>')
    out.append(f'<text class="end" x="{width - 3}" y="{MARGIN_TOP - (11 if (size - 1) % 2 else 3)}">missed</text>')
    sums = np.maximum(counts.sum(axis=1), 1)
    for i, j in zip(*np.nonzero(counts)):
        share = counts[i, j] / sums[i]
        out.append(
            f'<rect class="{"right" if i == j else "wrong"}" x="{MARGIN_LEFT + j * CELL}" '
            f'y="{MARGIN_TOP + i * CELL}" width="{CELL}" height="{CELL}" '
            f'fill-opacity="{share if i == j else min(1.0, 0.18 + 2.2 * share):.2f}">'
            f"<title>{escape(_in_words(counts, phones, i, j))}</title></rect>"
        )
    return "".join([*out, "</svg>"])


def _manner_lines(phones: list[str], phone_set: PhoneSet) -> list[str]:
    """A thin line between manners of articulation, and their names down the left side."""
    out, size = [], (len(phones) + 1) * CELL
    start = 0
    for manner, group in itertools.groupby(phones, key=lambda phone: manner_in(phone_set, phone)):
        end = start + len(list(group))
        at = end * CELL
        out.append(
            f'<path class="rule" d="M{MARGIN_LEFT} {MARGIN_TOP + at}h{size}M{MARGIN_LEFT + at} {MARGIN_TOP}v{size}"/>'
        )
        out.append(f'<text class="manner" x="1" y="{MARGIN_TOP + (start + end) / 2 * CELL + 2:g}">{manner}</text>')
        start = end
    return out
