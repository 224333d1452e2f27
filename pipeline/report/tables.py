"""The numbers of a comparison as HTML: rates with their intervals drawn, the test of each pair, what is disputed."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from markupsafe import Markup

from lexicon.phones import PhoneSet, ipa_of
from pipeline.base.edits import GAP
from pipeline.compare.dispute import MOST_DISPUTED, DisputedPhone, dispute, disputed_phones, examples
from pipeline.compare.further import Further
from pipeline.compare.results import MEASURES, Comparison, Result
from pipeline.compare.score import count
from pipeline.compare.significance import Rate
from pipeline.datadir import Utterance
from pipeline.report.render import Named, all_named, named, render

LEVEL = 0.05
MOST_PAIRS = 15  # of more, those of one system are shown at a time


class Phone(NamedTuple):
    """A phone as a page has it; the script exchanges its name with its IPA."""

    name: str
    ipa: str


def phone_of(name: str, phone_set: PhoneSet) -> Phone:
    """Without IPA a phone keeps its name."""
    return Phone(name, ipa_of(name, phone_set))


def rates_table(comparison: Comparison) -> Markup:
    """One row a system: every rate as number, interval and whisker; time, speed and size."""
    every: list[Result | Further] = [*comparison.systems, *comparison.further]
    ends = {
        measure: max([1.0, *(comparison.rate(row, measure).high for row in every if measure in row.errors)])
        for measure in MEASURES
    }
    rows = [
        {
            "system": named(comparison, system),
            "rates": [_on_rail(comparison.rate(system, measure), end) for measure, end in ends.items()],
            "repeats": [comparison.repeats(system, measure) for measure in ends],
            "trained": _duration(system.train_seconds),
            "rtf": system.decode_rtf,
            "parameters": system.parameters,
        }
        for system in comparison.systems
    ]
    further = [
        (row, [_on_rail(comparison.rate(row, m), end) if m in row.errors else None for m, end in ends.items()])
        for row in comparison.further
    ]
    return render("rates.html", measures=measure_names(), rows=rows, further=further)


def measure_names() -> list[str]:
    return [name for name, _, _ in MEASURES.values()]


def _on_rail(rate: Rate, end: float) -> tuple[Rate, list[float]]:
    """A rate, and where its interval and itself lie on a rail of 100 that ends at ``end``."""
    return rate, [100 * value / end for value in (rate.low, rate.percent, rate.high)]


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.1f} min"


# ---- pairs


def many_pairs(comparison: Comparison) -> bool:
    """Whether a table of all pairs would be too long."""
    return len(comparison.systems) * (len(comparison.systems) - 1) // 2 > MOST_PAIRS


def pairs_table(comparison: Comparison) -> Markup:
    """Each pair of systems: which is better on what, by how much, and how certain that is.

    Of many systems the pairs of the first one, and a list to choose another from.
    """
    if len(comparison.systems) < 2:
        return Markup()
    many = many_pairs(comparison)
    rows = pair_rows(comparison, _pairs_of(comparison, 0) if many else itertools.combinations(comparison.systems, 2))
    systems = all_named(comparison)
    return render("pairs.html", measures=measure_names(), rows=rows, systems=systems, chosen=0 if many else None)


def pairs_of_system(comparison: Comparison, number: int) -> Markup:
    """The rows of the pairs of one system."""
    return pair_rows(comparison, _pairs_of(comparison, number))


def _pairs_of(comparison: Comparison, number: int) -> list[tuple[Result, Result]]:
    chosen = comparison.systems[number]
    return [(chosen, other) for other in comparison.systems if other is not chosen]


def pair_rows(comparison: Comparison, pairs: Iterable[tuple[Result, Result]]) -> Markup:
    return render(
        "pair_rows.html",
        pairs=[
            (
                named(comparison, first),
                named(comparison, second),
                [_pair_test(comparison, first, second, measure) for measure in MEASURES],
            )
            for first, second in pairs
        ],
    )


def _pair_test(comparison: Comparison, first: Result, second: Result, measure: str) -> tuple[Named | None, float, str]:
    """Which is better (None: no difference shown), by how many points, and how certain that is."""
    # Always in the order of the systems: a test takes long, and its result is kept.
    first, second = sorted((first, second), key=comparison.systems.index)
    test = comparison.test(first, second, measure)
    p = "p < 0.001" if test.p < 0.001 else f"p = {test.p:.3f}"
    if test.p >= LEVEL:
        return None, 0.0, p
    better = second if test.difference.percent > 0 else first
    return named(comparison, better), abs(test.difference.percent), p


# ---- what the systems dispute


class Place(NamedTuple):
    """Where a phone can be heard: the page of an utterance, the time, and the word it is said in."""

    page: str
    seconds: float
    word: str


def disputed_phones_table(comparison: Comparison, shown: Sequence[str], place: Callable[[str, int], Place]) -> Markup:
    """The reference phones that the systems hear differently, what each hears there, and places to listen to.

    ``shown``: utterances that have a page; ``place``: (one of them, number of a reference phone in it) to where it is.
    """
    if len(comparison.systems) < 2:
        return Markup()
    rows = [
        {
            "phone": entry.phone,
            "places": len(entry.places),
            "total": entry.total,
            "links": [place(*where) for where in examples(entry, shown)],
            "heard": [_heard_as(entry, counter) for counter in entry.heard],
        }
        for entry in disputed_phones(comparison)[:MOST_DISPUTED]
    ]
    return render("disputed.html", systems=all_named(comparison), rows=rows)


def _heard_as(entry: DisputedPhone, counter: Counter[str]) -> list[tuple[str, str, int]]:
    """What it was in words ("": another phone), the phone, and how often; the three commonest."""
    words = {GAP: "missed", entry.phone: "right"}
    commonest = sorted(counter.items(), key=lambda item: (-item[1], item[0]))[:3]
    return [(words.get(heard, ""), heard, number) for heard, number in commonest]


def utterances_table(comparison: Comparison, chosen: Sequence[Utterance], panel: dict[str, Any]) -> Markup:
    """The utterances that have a page: words, how disputed, and everyone's errors; below, the ``panel`` of one."""
    rows = [
        {
            "folder": f"utt/{number:03d}",
            "id": utterance.id,
            "words": " ".join(utterance.words),
            "dispute": dispute(comparison, utterance.id),
            "errors": [
                [count(system.alignments[measure][utterance.id]).errors for measure in ("wer", "free_per")]
                for system in comparison.systems
            ],
        }
        for number, utterance in enumerate(chosen, start=1)
    ]
    return render("utterances.html", systems=all_named(comparison), rows=rows, panel=panel)
