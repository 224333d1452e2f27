"""Word lattices: what the phone lattice of a word search says in words."""
from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from heapq import heappop, heappush
from typing import NamedTuple

import numpy as np

from lexicon.phones import BLANK, SILENT
from pipeline.lattice.determinize import determinize
from pipeline.lattice.schema import Lattice

Debts = tuple[tuple[str, ...], tuple[str, ...]]  # words settled but not yet spelled, and spelled but not yet settled


@dataclass
class SpellingTree:
    """Pronunciations by their beginnings: what may follow, and the words that are spelled here."""

    after: dict[str, SpellingTree] = field(default_factory=dict)
    words: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, lexicon: Mapping[str, Sequence[tuple[float, tuple[str, ...]]]]) -> SpellingTree:
        """The tree of a lexicon."""
        root = cls()
        for word, variants in lexicon.items():
            for _, phones in variants:
                here = root
                for phone in phones:
                    here = here.after.setdefault(phone, cls())
                here.words.add(word)
        return root


class _Border(NamedTuple):
    """A node between words. The search settles a word where nothing else is possible any more: not always at its end."""

    node: int
    debts: Debts


class _Way(NamedTuple):
    """Arcs that make one word, or one silence, to a border."""

    to: _Border
    label: str
    acoustic: float
    language: float


def word_lattice(lattice: Lattice, tree: SpellingTree) -> Lattice:
    """Arcs are words, from the beginning of their first phone to the end of their last, with the sum of the scores; each
    word string once, on its best alignment. Silences (and `<blk>`) between words stay as arcs, without a part in strings.

    lattice: phones of a word search, whose ``word`` says what an arc settles. Raises ValueError if no path through it
    spells words.
    """
    arcs = _Arcs(lattice)
    start, end = _Border(0, ((), ())), _Border(lattice.num_nodes - 1, ((), ()))
    ways: dict[tuple[_Border, _Border, str], _Way] = {}
    waiting, seen = [start], {start}
    while waiting:
        border = heappop(waiting)
        for way in arcs.ways(border, tree):
            key, score = (border, way.to, way.label), lattice.acoustic_scale * way.acoustic + way.language
            if key not in ways or lattice.acoustic_scale * ways[key].acoustic + ways[key].language < score:
                ways[key] = way
            if way.to not in seen:
                seen.add(way.to)
                heappush(waiting, way.to)
    return determinize(_assemble(lattice, ways, start, end), lattice.beam, SILENT)


class _Arcs:
    """A lattice's arcs by the node they leave."""

    def __init__(self, lattice: Lattice):
        self.leaving: list[list[tuple[int, str, tuple[str, ...], float, float]]] = [[] for _ in range(lattice.num_nodes)]
        for source, *arc in zip(lattice.arc_from.tolist(), lattice.arc_to.tolist(), lattice.label,
                                map(tuple, map(str.split, lattice.word)), lattice.acoustic.tolist(),
                                lattice.language.tolist()):
            self.leaving[source].append(tuple(arc))

    def ways(self, border: _Border, tree: SpellingTree) -> Iterator[_Way]:
        """The words and silences that begin at a border."""
        open_words = [(border.node, tree, border.debts, 0.0, 0.0)]
        while open_words:
            node, here, debts, acoustic, language = open_words.pop()
            for target, label, settles, ac, lm in self.leaving[node]:
                owed = _settle(debts, settles)
                if owed is None:
                    continue
                if label in SILENT:
                    if here is tree:
                        yield _Way(_Border(target, owed), label, ac, lm)
                    elif label == BLANK:
                        open_words.append((target, here, owed, acoustic + ac, language + lm))
                elif label in here.after:
                    spelled = here.after[label]
                    for word in sorted(spelled.words):
                        paid = _spell(owed, word)
                        if paid is not None:
                            yield _Way(_Border(target, paid), word, acoustic + ac, language + lm)
                    open_words.append((target, spelled, owed, acoustic + ac, language + lm))


def _settle(debts: Debts, words: tuple[str, ...]) -> Debts | None:
    """After an arc that settles these words; None if others were spelled."""
    settled, spelled = debts
    for word in words:
        if spelled and spelled[0] != word:
            return None
        settled, spelled = (settled, spelled[1:]) if spelled else ((*settled, word), spelled)
    return settled, spelled


def _spell(debts: Debts, word: str) -> Debts | None:
    """After the last phone of a word; None if another was settled. No more than one word is settled after its end."""
    settled, spelled = debts
    if settled:
        return (settled[1:], spelled) if settled[0] == word else None
    return ((), (word,)) if not spelled else None


def _assemble(lattice: Lattice, ways: Mapping[tuple[_Border, _Border, str], _Way], start: _Border, end: _Border) -> Lattice:
    """The lattice of the ways that lead to the end."""
    useful, kept = {end}, []
    for (here, to, label), way in sorted(ways.items(), key=lambda item: item[0][0].node, reverse=True):
        if to in useful:
            useful.add(here)
            kept.append((here, to, label, way))
    if start not in useful:
        raise ValueError("no path through the lattice spells words of the lexicon")
    number = {border: i for i, border in enumerate(sorted(useful))}
    kept.sort(key=lambda item: (number[item[0]], number[item[1]], item[2]))
    return replace(lattice, graph="word_arcs", node_frame=lattice.node_frame[[border.node for border in sorted(useful)]],
                   arc_from=np.array([number[here] for here, *_ in kept], np.int32),
                   arc_to=np.array([number[to] for _, to, *_ in kept], np.int32),
                   label=[label for _, _, label, _ in kept],
                   word=["" if label in SILENT else label for _, _, label, _ in kept],
                   acoustic=np.array([way.acoustic for *_, way in kept]),
                   language=np.array([way.language for *_, way in kept]), posterior=np.zeros(0))
