"""What the systems hear differently: which utterances and which phones are worth looking at."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import kaldialign
import numpy as np

from pipeline.base.edits import GAP
from pipeline.compare.results import Comparison, Result
from pipeline.datadir import Utterance

MOST_DISPUTED = 15  # phones that are shown
SENTENCE = (4, 12)  # words, from and to


def choose(comparison: Comparison, number: int) -> list[Utterance]:
    """The utterances worth looking at: two thirds the most disputed, the rest plain ones that all hear well.

    Disputed is the mean edit distance between the free phones, and between the words, of each pair of systems, per
    reference symbol; of one system alone, its errors. Plain ones have the fewest errors per phone, the longest first
    among equals. Most disputed first; ties go by id, so the choice is the same each time.
    """
    disputed = {utterance.id: dispute(comparison, utterance.id) for utterance in comparison.utterances}
    errors = {utterance.id: _error_share(comparison, utterance.id) for utterance in comparison.utterances}
    number = min(number, len(comparison.utterances))
    ranked = sorted(comparison.utterances, key=lambda u: (-disputed[u.id], -errors[u.id], u.id))
    first = ranked[: number - number // 3]
    plain = sorted(
        ranked[len(first) :], key=lambda u: (errors[u.id], -len(comparison.references["phones"][u.id]), u.id)
    )
    return first + plain[: number // 3]


def is_sentence(utterance: Utterance) -> bool:
    """Whether it has so many words that it is a good first example."""
    return SENTENCE[0] <= len(utterance.words) <= SENTENCE[1]


def with_examples(comparison: Comparison, chosen: Sequence[Utterance]) -> list[Utterance]:
    """The ``chosen`` and, where they have none, the most disputed sentence; and as few others as it takes to hear each
    of the MOST_DISPUTED phones in dispute: of those left each time the utterance with the most such phones, of equals
    the first by id."""
    where = [{utterance for utterance, _ in entry.places} for entry in disputed_phones(comparison)[:MOST_DISPUTED]]
    found, known = list(chosen), {utterance.id: utterance for utterance in comparison.utterances}
    sentences = [] if any(map(is_sentence, chosen)) else list(filter(is_sentence, comparison.utterances))
    found += sorted(sentences, key=lambda utterance: (-dispute(comparison, utterance.id), utterance.id))[:1]
    missing = [places for places in where if places.isdisjoint(utterance.id for utterance in found)]
    while missing:
        best = min(known, key=lambda name: (-sum(name in places for places in missing), name))
        found.append(known[best])
        missing = [places for places in missing if best not in places]
    return found


def dispute(comparison: Comparison, utterance: str) -> float:
    """How far apart what the systems heard of an utterance is, in edits per reference symbol (see `choose`)."""
    shares = []
    for measure, kind in (("free_per", "phones"), ("wer", "words")):
        length = max(len(comparison.references[kind][utterance]), 1)
        heard = [_heard(system, measure, utterance) for system in comparison.systems]
        shares += [kaldialign.edit_distance(a, b)["total"] / length for a, b in itertools.combinations(heard, 2)]
    return float(np.mean(shares)) if shares else 0.0


def _heard(system: Result, measure: str, utterance: str) -> list[str]:
    return [hyp for _, hyp in system.alignments[measure][utterance] if hyp != GAP]


def _error_share(comparison: Comparison, utterance: str) -> float:
    length = max(len(comparison.references["phones"][utterance]), 1)
    wrong = sum(
        ref != hyp
        for system in comparison.systems
        for measure in ("wer", "free_per")
        for ref, hyp in system.alignments[measure][utterance]
    )
    return wrong / length


@dataclass
class DisputedPhone:
    """A reference phone that stands ``total`` times in the test set. ``places``: (utterance, number of the phone in it)
    where not all systems hear the same; ``heard``: for each system what it hears there (GAP: nothing)."""

    phone: str
    total: int
    places: list[tuple[str, int]] = field(default_factory=list)
    heard: list[Counter[str]] = field(default_factory=list)


def disputed_phones(comparison: Comparison) -> list[DisputedPhone]:
    """The phones that the systems hear differently, without words, those with the most places first."""
    found: dict[str, DisputedPhone] = {}
    for utterance in comparison.utterances:
        reference = comparison.references["phones"][utterance.id]
        heard = [
            [hyp for ref, hyp in system.alignments["free_per"][utterance.id] if ref != GAP]
            for system in comparison.systems
        ]
        for number, (phone, *each) in enumerate(zip(reference, *heard)):
            entry = found.setdefault(phone, DisputedPhone(phone, 0, heard=[Counter() for _ in comparison.systems]))
            entry.total += 1
            if len(set(each)) > 1:
                entry.places.append((utterance.id, number))
                for counter, what in zip(entry.heard, each):
                    counter[what] += 1
    return sorted(
        (entry for entry in found.values() if entry.places), key=lambda entry: (-len(entry.places), entry.phone)
    )


def examples(entry: DisputedPhone, shown: Sequence[str], number: int = 3) -> list[tuple[str, int]]:
    """At most ``number`` places in utterances that are ``shown``, of as many utterances as there are."""
    there = [place for place in entry.places if place[0] in set(shown)]
    rank: Counter[str] = Counter()
    order = []
    for place in there:
        order.append((rank[place[0]], place))
        rank[place[0]] += 1
    return [place for _, place in sorted(order, key=lambda pair: (pair[0], shown.index(pair[1][0])))[:number]]
