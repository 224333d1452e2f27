"""The numbers of a comparison as HTML: rates with their intervals drawn, the test of each pair, confusion heat maps."""
from __future__ import annotations

import itertools
from html import escape

import numpy as np

from lexicon.phone_sets import phone_set_of
from lexicon.phones import PhoneSet, by_manner, manner_in
from pipeline.report.results import MEASURES, Comparison, System
from pipeline.score import GAP, Interval, PairedTest, confusion_counts

LEVEL = 0.05
NUM_COLOURS = 8
COMMONEST = 8


def colour(number: int) -> str:
    """The style that gives a system its colour; report.css has ``NUM_COLOURS`` of them, for light and for dark."""
    return f"--system:var(--s{number % NUM_COLOURS})"


def system_name(comparison: Comparison, system: System) -> str:
    """A system's name behind a dot of its colour."""
    return f'<span class="system" style="{colour(comparison.systems.index(system))}">{escape(system.name)}</span>'


def rates_table(comparison: Comparison) -> str:
    """One row a system: every rate as number, interval and whisker; time, speed and size."""
    ends = {measure: max(max(comparison.rate(system, measure).high for system in comparison.systems), 1.0)
            for measure in MEASURES}
    head = "".join(f'<th scope="col">{escape(name)} <small>%</small></th>' for name, _, _ in MEASURES.values())
    rows = []
    for number, system in enumerate(comparison.systems):
        rates = "".join(_rate_cell(comparison.rate(system, measure), ends[measure]) for measure in MEASURES)
        rows.append(f'<tr style="{colour(number)}"><th scope="row">{system_name(comparison, system)}</th>{rates}'
                    f"<td>{_duration(system.train_seconds)}</td><td>{system.decode_rtf:.3f}</td>"
                    f"<td>{system.parameters:,}</td></tr>")
    return (f'<div class="wide" tabindex="0" role="region" aria-label="Error rates"><table class="rates"><thead><tr>'
            f'<th scope="col">system</th>{head}<th scope="col">trained in</th><th scope="col">real-time factor</th>'
            f'<th scope="col">parameters</th></tr></thead><tbody>{"".join(rows)}</tbody></table></div>')


def _rate_cell(rate: Interval, end: float) -> str:
    low, middle, high = (100 * value / end for value in (rate.low, rate.percent, rate.high))
    return (f'<td><b>{rate.percent:.1f}</b> <span class="interval">{rate.low:.1f} to {rate.high:.1f}</span>'
            f'<svg class="whisker" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">'
            f'<line class="rail" x1="0" x2="100" y1="5" y2="5"/><line x1="{low:.1f}" x2="{high:.1f}" y1="5" y2="5"/>'
            f'<line class="point" x1="{middle:.1f}" x2="{middle:.1f}" y1="1" y2="9"/></svg></td>')


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.1f} min"


def pairs_table(comparison: Comparison) -> str:
    """Each pair of systems: which is better on what, by how much, and how certain that is."""
    if len(comparison.systems) < 2:
        return ""
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name, _, _ in MEASURES.values())
    rows = []
    for first, second in itertools.combinations(comparison.systems, 2):
        cells = "".join(_pair_cell(comparison, first, second, comparison.test(first, second, measure))
                        for measure in MEASURES)
        rows.append(f'<tr><th scope="row">{system_name(comparison, first)} '
                    f'<span class="quiet">against</span> {system_name(comparison, second)}</th>{cells}</tr>')
    return (f'<div class="wide" tabindex="0" role="region" aria-label="Tests of each pair"><table class="pairs"><thead>'
            f'<tr><th scope="col">pair</th>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>')


def _pair_cell(comparison: Comparison, first: System, second: System, test: PairedTest) -> str:
    p = "p &lt; 0.001" if test.p < 0.001 else f"p = {test.p:.3f}"
    if test.p >= LEVEL:
        return f'<td class="quiet">no difference shown <small>{p}</small></td>'
    better = second if test.difference.percent > 0 else first
    return (f"<td>{system_name(comparison, better)} better by {abs(test.difference.percent):.1f} "
            f"<small>{p}</small></td>")


# ---- confusions

CELL = 10
MARGIN_LEFT, MARGIN_TOP = 58, 22


def confusions(comparison: Comparison) -> str:
    """For each system a heat map of its free phones against the reference, and its commonest errors in words."""
    present = {symbol for system in comparison.systems for pairs in system.alignments["free_per"].values()
               for pair in pairs for symbol in pair} - {GAP}
    phone_set = phone_set_of(comparison.lang)
    phones = by_manner(present, phone_set)
    return "".join(_confusion_figure(comparison, system, phones, phone_set) for system in comparison.systems)


def _confusion_figure(comparison: Comparison, system: System, phones: list[str], phone_set: PhoneSet) -> str:
    counts = confusion_counts(system.alignments["free_per"].values(), phones)
    errors = [(int(counts[i, j]), i, j) for i, j in zip(*np.nonzero(counts)) if i != j]
    commonest = "".join(f"<li>{escape(_in_words(counts, phones, i, j))}</li>"
                        for _, i, j in sorted(errors, key=lambda error: (-error[0], *error[1:]))[:COMMONEST])
    return (f'<figure class="confusion" style="{colour(comparison.systems.index(system))}"><figcaption>'
            f"{system_name(comparison, system)}</figcaption>"
            f'<div class="wide" tabindex="0" role="region" aria-label="Phone confusions of {escape(system.name)}">'
            f"{_heat_map(counts, phones, phone_set, system.name)}</div>"
            f'<output class="readout" aria-live="off">Point at a square to read it.</output>'
            f"<details><summary>commonest errors</summary><ol>{commonest}</ol></details></figure>")


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
    out = [f'<svg class="heat" viewBox="0 0 {width} {height}" role="img" '
           f'aria-label="Heat map of {escape(name)}: reference phones down, heard phones across">',
           f'<rect class="field" x="{MARGIN_LEFT}" y="{MARGIN_TOP}" width="{size * CELL}" height="{size * CELL}"/>',
           *_manner_lines(phones, phone_set)]
    for number, phone in enumerate(phones):
        at = number * CELL + CELL / 2
        out.append(f'<text class="row" x="{MARGIN_LEFT - 3}" y="{MARGIN_TOP + at + 2.4:g}">{_label(phone, phone_set)}</text>')
        out.append(f'<text class="column" x="{MARGIN_LEFT + at:g}" y="{MARGIN_TOP - (11 if number % 2 else 3)}">'
                   f"{_label(phone, phone_set)}</text>")
    edge = MARGIN_TOP + (size - 1) * CELL + CELL / 2 + 2.4
    out.append(f'<text class="row" x="{MARGIN_LEFT - 3}" y="{edge:g}">added</text>')
    out.append(f'<text class="end" x="{width - 3}" y="{MARGIN_TOP - (11 if (size - 1) % 2 else 3)}">missed</text>')
    sums = np.maximum(counts.sum(axis=1), 1)
    for i, j in zip(*np.nonzero(counts)):
        share = counts[i, j] / sums[i]
        out.append(f'<rect class="{"right" if i == j else "wrong"}" x="{MARGIN_LEFT + j * CELL}" '
                   f'y="{MARGIN_TOP + i * CELL}" width="{CELL}" height="{CELL}" '
                   f'fill-opacity="{share if i == j else min(1.0, 0.18 + 2.2 * share):.2f}">'
                   f"<title>{escape(_in_words(counts, phones, i, j))}</title></rect>")
    return "".join([*out, "</svg>"])


def _label(phone: str, phone_set: PhoneSet) -> str:
    ipa = phone_set[phone].ipa if phone in phone_set else ""
    return f'<tspan data-ipa="{escape(ipa or phone)}">{escape(phone)}</tspan>'


def _manner_lines(phones: list[str], phone_set: PhoneSet) -> list[str]:
    """A thin line between manners of articulation, and their names down the left side."""
    out, size = [], (len(phones) + 1) * CELL
    start = 0
    for manner, group in itertools.groupby(phones, key=lambda phone: manner_in(phone_set, phone)):
        end = start + len(list(group))
        at = end * CELL
        out.append(f'<path class="rule" d="M{MARGIN_LEFT} {MARGIN_TOP + at}h{size}'
                   f'M{MARGIN_LEFT + at} {MARGIN_TOP}v{size}"/>')
        out.append(f'<text class="manner" x="1" y="{MARGIN_TOP + (start + end) / 2 * CELL + 2:g}">{manner}</text>')
        start = end
    return out
