"""Words in lattices: where each begins among the phones, and lattices whose arcs are words."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from heapq import heappop, heappush
from itertools import groupby
from typing import NamedTuple

import numpy as np

from lexicon.phones import BLANK, SILENT
from pipeline.lattice.determinize import determinize
from pipeline.lattice.schema import Lattice

Pending = tuple[tuple[str, ...], tuple[str, ...]]  # words emitted but not yet spelled, and spelled but not yet emitted
NONE_PENDING: Pending = ((), ())


@dataclass
class SpellingTree:
    """Pronunciations by their beginnings: what may follow, and the words that are spelled here."""

    after: dict[str, SpellingTree] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, lexicon: Mapping[str, Sequence[tuple[float, tuple[str, ...]]]]) -> SpellingTree:
        """The tree of a lexicon."""
        root = cls()
        for word, variants in lexicon.items():
            for phones in dict.fromkeys(phones for _, phones in variants):
                here = root
                for phone in phones:
                    here = here.after.setdefault(phone, cls())
                here.words.append(word)
        return root


class _Border(NamedTuple):
    """A node between words."""

    node: int
    pending: Pending


class _Inside(NamedTuple):
    """A node within a word of which ``phones`` were spelled so far."""

    node: int
    pending: Pending
    phones: tuple[str, ...]


def place_words(lattice: Lattice, tree: SpellingTree) -> Lattice:
    """The lattice with each ``word`` on the first of its phones, each string once.

    A decoding graph emits a word where no other word is possible any more: somewhere between its first phone and the
    silence after its last, depending on the vocabulary. Raises ValueError if no path spells words.
    """
    start, end = _Border(0, NONE_PENDING), _Border(lattice.num_nodes - 1, NONE_PENDING)
    placer = _Placer(lattice, tree)
    waiting, seen = [start], {start}
    while waiting:
        for border in placer.leave(heappop(waiting)):
            if border not in seen:
                seen.add(border)
                heappush(waiting, border)
    return determinize(_assemble(lattice, placer.arcs, start, end))


class _Placer:
    """Follows the lattice and the spelling tree together; ``arcs`` are (from, to, arc of the lattice, word)."""

    def __init__(self, lattice: Lattice, tree: SpellingTree):
        self.tree, self.labels, self.targets = tree, lattice.label, lattice.arc_to.tolist()
        self.emitted = [tuple(word.split()) for word in lattice.word]
        self.bounds = np.searchsorted(lattice.arc_from, np.arange(lattice.num_nodes + 1)).tolist()
        self.arcs: dict[tuple[tuple, tuple, int, str], None] = {}  # a set in the order found

    def leave(self, border: _Border) -> set[_Border]:
        """Add the words and silences that begin at a border; returns where they end."""
        begin = _Inside(*border, ())
        into: dict[_Inside, list[tuple[_Inside, int]]] = {begin: []}  # how each node within a word is reached
        spelled: dict[str, list[tuple[_Inside, int, _Border]]] = {}
        trees: dict[tuple[str, ...], SpellingTree] = {(): self.tree}
        ends: set[_Border] = set()
        waiting = [begin]
        while waiting:
            here = heappop(waiting)
            for arc in range(self.bounds[here.node], self.bounds[here.node + 1]):
                pending = _after_emitting(here.pending, self.emitted[arc])
                label, target = self.labels[arc], self.targets[arc]
                if pending is None:
                    continue
                if here == begin and label in SILENT:
                    ends.add(_Border(target, pending))
                    self.arcs[border, _Border(target, pending), arc, ""] = None
                    continue
                phones = here.phones if label == BLANK else (*here.phones, label)
                tree = trees[here.phones] if label == BLANK else trees[here.phones].after.get(label)
                if tree is None:
                    continue
                trees[phones] = tree
                for word in tree.words if label != BLANK else ():
                    if (rest := _after_spelling(pending, word)) is not None:
                        spelled.setdefault(word, []).append((here, arc, _Border(target, rest)))
                there = _Inside(target, pending, phones)
                if there not in into:
                    into[there] = []
                    heappush(waiting, there)
                into[there].append((here, arc))
        for word, lasts in spelled.items():
            ends.update(to for *_, to in lasts)
            self._add(border, begin, word, into, lasts)
        return ends

    def _add(
        self,
        border: _Border,
        begin: _Inside,
        word: str,
        into: Mapping[_Inside, list[tuple[_Inside, int]]],
        lasts: Sequence[tuple[_Inside, int, _Border]],
    ) -> None:
        """Trace one word back from where it ends to the border where it begins."""

        def name(inside: _Inside) -> tuple:
            return border if inside == begin else (*inside, border, word)

        waiting = [here for here, _, _ in lasts]
        self.arcs.update({(name(here), to, arc, word if here == begin else ""): None for here, arc, to in lasts})
        seen = set()
        while waiting:
            there = waiting.pop()
            if there not in seen:
                seen.add(there)
                for here, arc in into[there]:
                    self.arcs[name(here), name(there), arc, word if here == begin else ""] = None
                    waiting.append(here)


def _after_emitting(pending: Pending, words: tuple[str, ...]) -> Pending | None:
    """``pending`` after an arc that emits these words; None if others were spelled."""
    emitted, spelled = pending
    for word in words:
        if spelled and spelled[0] != word:
            return None
        emitted, spelled = (emitted, spelled[1:]) if spelled else ((*emitted, word), spelled)
    return emitted, spelled


def _after_spelling(pending: Pending, word: str) -> Pending | None:
    """``pending`` after the last phone of a word; None if another was emitted. At most one word is emitted after its
    end."""
    emitted, spelled = pending
    if emitted:
        return (emitted[1:], spelled) if emitted[0] == word else None
    return ((), (word,)) if not spelled else None


def _assemble(
    lattice: Lattice, arcs: Collection[tuple[tuple, tuple, int, str]], start: _Border, end: _Border
) -> Lattice:
    """The lattice of the arcs that lead to the end. Nodes are in the order of the nodes they come from, and copies of
    one node in the order of the arcs that leave them, so that of equally good paths the same stays first."""
    rank: dict[tuple, int] = {end: 0}
    kept: list[tuple[tuple, tuple, int, str]] = []
    for _, leaving in groupby(sorted(arcs, key=lambda item: item[0][0], reverse=True), key=lambda item: item[0][0]):
        ways: dict[tuple, list[tuple[int, int]]] = {}
        for here, there, arc, word in leaving:
            if there in rank:
                ways.setdefault(here, []).append((arc, rank[there]))
                kept.append((here, there, arc, word))
        rank.update({here: i for i, here in enumerate(sorted(ways, key=lambda here: min(ways[here])))})
    if start not in rank:
        raise ValueError("no path through the lattice spells words of the lexicon")
    order = sorted(rank, key=lambda key: (key[0], rank[key]))
    number = {key: i for i, key in enumerate(order)}
    rows = sorted((number[here], number[there], arc, word) for here, there, arc, word in kept)
    chosen = [arc for _, _, arc, _ in rows]
    return replace(
        lattice,
        node_frame=lattice.node_frame[[key[0] for key in order]],
        arc_from=np.array([a for a, *_ in rows], np.int32),
        arc_to=np.array([b for _, b, *_ in rows], np.int32),
        label=[lattice.label[arc] for arc in chosen],
        word=[word for *_, word in rows],
        acoustic=lattice.acoustic[chosen],
        language=lattice.language[chosen],
        posterior=np.zeros(0),
    )


# ---- words as arcs


def word_lattice(lattice: Lattice) -> Lattice:
    """The lattice of words: an arc is a word, from the beginning of its first phone to the end of its last, with the
    sum of their scores; each word string once, on its best alignment. Silences (and `<blk>`) between words stay as
    arcs, but are no part of strings.

    lattice: phones with each ``word`` on its first phone, as `place_words` puts it.
    """
    bounds = np.searchsorted(lattice.arc_from, np.arange(lattice.num_nodes + 1)).tolist()
    targets, scores = lattice.arc_to.tolist(), lattice.scores().tolist()
    found: list[tuple[int, int, str, float, float, str]] = []
    waiting, seen = [0], {0}
    while waiting:
        border = heappop(waiting)
        for arc in range(bounds[border], bounds[border + 1]):
            if lattice.word[arc]:
                ways = _ends_of_word(arc, lattice, bounds, targets, scores)
            elif lattice.label[arc] in SILENT:
                ways = {targets[arc]: [arc]}
            else:
                continue  # a phone within a word that began earlier
            for target, arcs in ways.items():
                found.append(
                    (
                        border,
                        target,
                        lattice.word[arc] or lattice.label[arc],
                        float(lattice.acoustic[arcs].sum()),
                        float(lattice.language[arcs].sum()),
                        lattice.word[arc],
                    )
                )
                if target not in seen:
                    seen.add(target)
                    heappush(waiting, target)
    return determinize(_of_words(lattice, found), silent=SILENT)


def _ends_of_word(
    first: int, lattice: Lattice, bounds: Sequence[int], targets: Sequence[int], scores: Sequence[float]
) -> dict[int, list[int]]:
    """Where the word that begins with an arc may end, and the best path there: after each phone that begins no other
    word."""
    best = {targets[first]: (scores[first], [first])}
    ends, waiting = {targets[first]: (scores[first], [first])}, [targets[first]]
    while waiting:
        here = heappop(waiting)
        so_far, arcs = best[here]
        for arc in range(bounds[here], bounds[here + 1]):
            if lattice.word[arc] or lattice.label[arc] in SILENT and lattice.label[arc] != BLANK:
                continue
            target, way = targets[arc], (so_far + scores[arc], [*arcs, arc])
            if target not in best:
                heappush(waiting, target)
            for places in (best, ends) if lattice.label[arc] != BLANK else (best,):
                if target not in places or places[target][0] < way[0]:
                    places[target] = way
    return {node: arcs for node, (_, arcs) in ends.items()}


def _of_words(lattice: Lattice, found: Sequence[tuple[int, int, str, float, float, str]]) -> Lattice:
    """The lattice of words and silences (from, to, label, acoustic, language, word) without those that lead nowhere. A
    silence has no word, because a word may be called SIL."""
    useful, kept = {lattice.num_nodes - 1}, []
    for way in sorted(found, key=lambda way: way[0], reverse=True):
        if way[1] in useful:
            useful.add(way[0])
            kept.append(way)
    order = sorted(useful)
    number = {node: i for i, node in enumerate(order)}
    kept.sort(key=lambda way: way[:2])
    return replace(
        lattice,
        graph="word_arcs",
        node_frame=lattice.node_frame[order],
        arc_from=np.array([number[way[0]] for way in kept], np.int32),
        arc_to=np.array([number[way[1]] for way in kept], np.int32),
        label=[way[2] for way in kept],
        word=[way[5] for way in kept],
        acoustic=np.array([way[3] for way in kept]),
        language=np.array([way[4] for way in kept]),
        posterior=np.zeros(0),
    )
