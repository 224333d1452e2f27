"""How much phone error rates move with the pronunciations of the reference.

A word may have several pronunciations. Without gold phones the reference has those that the forced alignment of one of
the systems has chosen, which may favour it. So errors are also counted against those that each system's own alignment
chooses, against the first that the lexicon has of each word, and against those nearest to the hypothesis.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import permutations
from typing import NamedTuple

import numpy as np

from lexicon.dictionary import Weighted
from lexicon.fold import Fold
from lexicon.lang import reference_lexicon_of
from lexicon.phones import spoken
from pipeline.align.alignments import Alignments, alignments_in
from pipeline.base.edits import GAP, Pairs, pair_up
from pipeline.compare.results import Comparison, Result
from pipeline.compare.score import count
from pipeline.datadir.sets import read_gold

MEASURES = ("per", "free_per")
YARDSTICKS = ("reference", "own", "first", "nearest")
ERROR = 1 << 32  # the cost of an error, beside which a reference phone's is nothing


class Tally(NamedTuple):
    """Errors against so many reference phones."""

    errors: int
    length: int

    @property
    def percent(self) -> float:
        return 100 * self.errors / max(self.length, 1)


Rates = dict[str, float]  # yardstick: phone error rate, percent


class Moved(NamedTuple):
    """How far phone error rates move. ``choices``: words of the test set that have several pronunciations, of all
    ``words`` without gold phones; ``rates``: measure -> system -> rates."""

    choices: int
    words: int
    rates: dict[str, dict[str, Rates]]

    def swapped(self, measure: str, yardstick: str) -> list[tuple[str, str]]:
        """Pairs of systems of which the first is better by the yardstick, and worse by the reference."""
        rates = self.rates[measure]
        return [
            (a, b)
            for a, b in permutations(rates, 2)
            if rates[a][yardstick] < rates[b][yardstick] and rates[a]["reference"] > rates[b]["reference"]
        ]


def nearest(variants: Sequence[Sequence[Sequence[str]]], heard: Sequence[str]) -> Tally:
    """The fewest errors of ``heard`` against any choice of one of the ``variants`` of each word; of equals the longest.

    By the recursion of Wagner and Fischer (1974), where a word's variants begin with the same row and the least of
    their last ones goes on.
    """
    said = np.array(heard, dtype=object)
    inserted = ERROR * np.arange(len(heard) + 1)
    row = inserted  # [j]: the least cost of the reference so far against the first j symbols heard
    for word in variants:
        rows = []
        for phones in word:
            after = row
            for phone in phones:
                before, after = after, after + ERROR - 1
                after[1:] = np.minimum(after[1:], before[:-1] + ERROR * (said != phone) - 1)
                after = np.minimum.accumulate(after - inserted) + inserted
            rows.append(after)
        row = np.minimum.reduce(rows)
    errors = -(-int(row[-1]) // ERROR)
    return Tally(errors, errors * ERROR - int(row[-1]))


def pronunciations(words: Sequence[str], lexicon: Weighted, fold: Fold) -> list[list[tuple[str, ...]]]:
    """The different pronunciations of each word, folded and without silence, in the order of the lexicon."""
    return [list(dict.fromkeys(spoken(phones, fold) for _, phones in lexicon[word])) for word in words]


def moved(comparison: Comparison) -> Moved | None:
    """How far the rates of each system move; None where all phones are gold, or no word has a choice."""
    gold = read_gold(comparison.data / "test", "phones")
    lexicon = reference_lexicon_of(comparison.data / "lang")
    variants = {
        u.id: pronunciations(u.words, lexicon, comparison.fold) for u in comparison.utterances if u.id not in gold
    }
    choices = sum(len(word) > 1 for words in variants.values() for word in words)
    if not choices:
        return None
    rates: dict[str, dict[str, Rates]] = {}
    for system in comparison.systems:
        own = _own_choice(comparison, system)
        for measure in MEASURES:
            found = _rates(system.alignments[measure], own, variants)
            rates.setdefault(measure, {})[system.name] = found
    return Moved(choices, sum(map(len, variants.values())), rates)


def _own_choice(comparison: Comparison, system: Result) -> Mapping[str, Sequence[str]]:
    """The phones that the system's alignment of the known text chooses; none where it has none."""
    path = alignments_in(system.model / "ali_test")[system.model.name]
    if not path.exists():
        return {}
    return {utt: spoken((s.label for s in u.segments), comparison.fold) for utt, u in Alignments(path).items()}


def _rates(
    alignments: Mapping[str, Pairs],
    own: Mapping[str, Sequence[str]],
    variants: Mapping[str, list[list[tuple[str, ...]]]],
) -> Rates:
    """The rates of one system. An utterance without a choice counts the same by every yardstick."""
    tallies: dict[str, list[Tally]] = {name: [] for name in YARDSTICKS}
    for utt, pairs in alignments.items():
        found = dict.fromkeys(YARDSTICKS, _tally(pairs))
        if any(len(word) > 1 for word in variants.get(utt, ())):
            heard = [hyp for _, hyp in pairs if hyp != GAP]
            if utt in own:
                found["own"] = _tally(pair_up(own[utt], heard))
            found["first"] = _tally(pair_up([phone for word in variants[utt] for phone in word[0]], heard))
            found["nearest"] = nearest(variants[utt], heard)
        for name, tally in found.items():
            tallies[name].append(tally)
    return {
        name: Tally(sum(tally.errors for tally in each), sum(tally.length for tally in each)).percent
        for name, each in tallies.items()
    }


def _tally(pairs: Pairs) -> Tally:
    counts = count(pairs)
    return Tally(counts.errors, counts.length)
