"""The numbers of a comparison as HTML: rates with their intervals drawn, the test of each pair, what is disputed."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Sequence
from html import escape

from lexicon.phone_sets import phone_set_of
from lexicon.phones import PhoneSet
from pipeline.base.edits import GAP
from pipeline.compare.dispute import DisputedPhone, dispute, disputed_phones, examples
from pipeline.compare.results import MEASURES, Comparison, Result
from pipeline.compare.score import PairedTest, Rate, count
from pipeline.datadir import Utterance

LEVEL = 0.05
NUM_COLOURS = 8
MOST_DISPUTED = 15
Link = Callable[[str, int], str]  # (utterance, number of a reference phone in it) to a piece of HTML


def colour(number: int) -> str:
    """The style that gives a system its colour; report.css has ``NUM_COLOURS`` of them, for light and for dark."""
    return f"--system:var(--s{number % NUM_COLOURS})"


def system_name(comparison: Comparison, system: Result) -> str:
    """A system's name behind a dot of its colour."""
    return f'<span class="system" style="{colour(comparison.systems.index(system))}">{escape(system.name)}</span>'


def rates_table(comparison: Comparison) -> str:
    """One row a system: every rate as number, interval and whisker; time, speed and size."""
    ends = {
        measure: max(max(comparison.rate(system, measure).high for system in comparison.systems), 1.0)
        for measure in MEASURES
    }
    head = "".join(f'<th scope="col">{escape(name)} <small>%</small></th>' for name, _, _ in MEASURES.values())
    rows = []
    for number, system in enumerate(comparison.systems):
        rates = "".join(_rate_cell(comparison.rate(system, measure), ends[measure]) for measure in MEASURES)
        rows.append(
            f'<tr style="{colour(number)}"><th scope="row">{system_name(comparison, system)}</th>{rates}'
            f"<td>{_duration(system.train_seconds)}</td><td>{system.decode_rtf:.3f}</td>"
            f"<td>{system.parameters:,}</td></tr>"
        )
    return (
        f'<div class="wide" tabindex="0" role="region" aria-label="Error rates"><table class="rates"><thead><tr>'
        f'<th scope="col">system</th>{head}<th scope="col">trained in</th><th scope="col">real-time factor</th>'
        f'<th scope="col">parameters</th></tr></thead><tbody>{"".join(rows)}</tbody></table></div>'
    )


def _rate_cell(rate: Rate, end: float) -> str:
    low, middle, high = (100 * value / end for value in (rate.low, rate.percent, rate.high))
    return (
        f'<td><b>{rate.percent:.1f}</b> <span class="interval">{rate.low:.1f} to {rate.high:.1f}</span>'
        f'<svg class="whisker" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">'
        f'<line class="rail" x1="0" x2="100" y1="5" y2="5"/><line x1="{low:.1f}" x2="{high:.1f}" y1="5" y2="5"/>'
        f'<line class="point" x1="{middle:.1f}" x2="{middle:.1f}" y1="1" y2="9"/></svg></td>'
    )


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.1f} min"


def pairs_table(comparison: Comparison) -> str:
    """Each pair of systems: which is better on what, by how much, and how certain that is."""
    if len(comparison.systems) < 2:
        return ""
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name, _, _ in MEASURES.values())
    rows = []
    for first, second in itertools.combinations(comparison.systems, 2):
        cells = "".join(
            _pair_cell(comparison, first, second, comparison.test(first, second, measure)) for measure in MEASURES
        )
        rows.append(
            f'<tr><th scope="row">{system_name(comparison, first)} '
            f'<span class="quiet">against</span> {system_name(comparison, second)}</th>{cells}</tr>'
        )
    return (
        f'<div class="wide" tabindex="0" role="region" aria-label="Tests of each pair"><table class="pairs"><thead>'
        f'<tr><th scope="col">pair</th>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'
    )


def _pair_cell(comparison: Comparison, first: Result, second: Result, test: PairedTest) -> str:
    p = "p &lt; 0.001" if test.p < 0.001 else f"p = {test.p:.3f}"
    if test.p >= LEVEL:
        return f'<td class="quiet">no difference shown <small>{p}</small></td>'
    better = second if test.difference.percent > 0 else first
    return f"<td>{system_name(comparison, better)} better by {abs(test.difference.percent):.1f} <small>{p}</small></td>"


def phone_label(phone: str, phone_set: PhoneSet) -> str:
    """A phone in SVG or HTML text; the script exchanges it with its IPA."""
    ipa = phone_set[phone].ipa if phone in phone_set else ""
    return f'<tspan data-ipa="{escape(ipa or phone)}">{escape(phone)}</tspan>'


# ---- what the systems dispute


def disputed_phones_table(comparison: Comparison, shown: Sequence[str], link: Link) -> str:
    """The reference phones that the systems hear differently, what each hears there, and places to listen to.

    ``shown``: utterances that have a page, which ``link`` leads to.
    """
    if len(comparison.systems) < 2:
        return ""
    phone_set = phone_set_of(comparison.lang)
    head = "".join(f'<th scope="col">{system_name(comparison, system)}</th>' for system in comparison.systems)
    rows = []
    for entry in disputed_phones(comparison)[:MOST_DISPUTED]:
        cells = "".join(f"<td>{_heard_as(entry, counter, phone_set)}</td>" for counter in entry.heard)
        links = " ".join(link(*place) for place in examples(entry, shown))
        rows.append(
            f'<tr><th scope="row">{_html_phone(entry.phone, phone_set)}</th><td>{len(entry.places)} of {entry.total}</td>'
            f"<td>{links}</td>{cells}</tr>"
        )
    return (
        f'<div class="wide" tabindex="0" role="region" aria-label="Disputed phones"><table class="disputed"><thead><tr>'
        f'<th scope="col">phone</th><th scope="col">disputed</th><th scope="col">listen</th>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _heard_as(entry: DisputedPhone, counter: Counter[str], phone_set: PhoneSet) -> str:
    """``right 12, IH 5, missed 3``: the three commonest."""
    parts = []
    for heard, number in sorted(counter.items(), key=lambda item: (-item[1], item[0]))[:3]:
        what = "missed" if heard == GAP else "right" if heard == entry.phone else _html_phone(heard, phone_set)
        parts.append(f'<span class="{"ok" if heard == entry.phone else "off"}">{what} <small>{number}</small></span>')
    return " ".join(parts)


def _html_phone(phone: str, phone_set: PhoneSet) -> str:
    return phone_label(phone, phone_set).replace("tspan", "span")


def utterances_table(comparison: Comparison, chosen: Sequence[Utterance], page: Callable[[int], str]) -> str:
    """The utterances that have a page: words, how disputed, and everyone's errors. ``page``: number to its address."""
    head = "".join(f'<th scope="col">{system_name(comparison, system)}</th>' for system in comparison.systems)
    rows = []
    for number, utterance in enumerate(chosen, start=1):
        cells = "".join(
            f"<td>{count(system.alignments['wer'][utterance.id]).errors} "
            f"<small>{count(system.alignments['free_per'][utterance.id]).errors}</small></td>"
            for system in comparison.systems
        )
        rows.append(
            f'<tr><th scope="row"><a class="id" href="{page(number)}">{escape(utterance.id)}</a>'
            f"<q>{escape(' '.join(utterance.words))}</q></th><td>{dispute(comparison, utterance.id):.2f}</td>{cells}</tr>"
        )
    return (
        f'<div class="wide" tabindex="0" role="region" aria-label="Utterances"><table class="utterances"><thead><tr>'
        f'<th scope="col">utterance</th><th scope="col">disputed</th>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'
    )
