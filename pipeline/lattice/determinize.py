"""Determinizing: each string of a lattice once, with the alignment that scores best.

A weighted subset construction in the tropical semiring (Mohri 1997), best first, pruned with the exact remaining cost,
as in Kaldi (Povey et al. 2012). Unlike there, times are kept: every element of a subset has back pointers, and the
lattice is traced back from the end. A string leads to one subset, and an element has one back pointer for each
transition into its subset, so no string has two paths.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from heapq import heappop, heappush
from typing import NamedTuple

import numpy as np

from lexicon.phones import BLANK
from pipeline.lattice.paths import ROUNDING, best_scores, forward_backward, prune_beam
from pipeline.lattice.schema import Lattice

MAX_SUBSETS = 20_000  # then the beam is cut to what was reached: a few seconds, and a few MB of file
RESOLUTION = 2.0**-10  # natural log; subsets whose costs differ by less are one (OpenFst's kDelta)

Arcs = tuple[int, ...]


class _Step(NamedTuple):
    """One symbol, with the silent arcs before it, to ``target``."""

    symbol: tuple[str, str]
    target: int
    cost: float
    arcs: Arcs


class _Transition(NamedTuple):
    """A way from one subset to another: for each of its nodes, the node it comes from and the arcs between."""

    source: int
    back: dict[int, tuple[int, Arcs]]


def determinize(
    lattice: Lattice,
    beam: float = np.inf,
    silent: Collection[str] = (BLANK,),
    max_subsets: int = MAX_SUBSETS,
    posteriors: bool = True,
) -> Lattice:
    """Every string whose score is within ``beam`` of the best, once, on its best alignment, with ``posteriors`` over
    these unless they are not wanted.

    A string is the (label, word) of a path's arcs without those that have a ``silent`` label and no word; these stay as
    arcs. After ``max_subsets`` the beam is cut to what was reached so far; ``Lattice.beam`` says what it is. Paths
    share arcs, so strings beyond ``beam`` may be there as well, as in any pruned lattice.
    """
    result = _Construction(lattice, min(beam, lattice.beam), silent).run(max_subsets)
    if posteriors:
        forward_backward(result)
    return result


class _Construction:
    """Subsets are {node: cost beyond that of the cheapest}; subset 0 is the start."""

    def __init__(self, lattice: Lattice, beam: float, silent: Collection[str]):
        self.lattice, self.beam = lattice, beam
        self.remaining = (-best_scores(lattice)[1]).tolist()  # cost from a node to the end
        self.steps = _Steps(lattice, silent)
        self.subsets: list[dict[int, float]] = [{0: 0.0}]
        self.numbers: dict[tuple, int] = {((0, 0),): 0}
        self.reached = [0.0]  # cost of the best string to each subset
        self.into: list[list[_Transition]] = [[]]
        self.ends: list[_Transition] = []

    def run(self, max_subsets: int) -> Lattice:
        best, beam = self.remaining[0], self.beam
        queue = [(best, 0)]
        done: set[int] = set()
        while queue:
            total, number = heappop(queue)
            if number in done:
                continue
            if len(done) == max_subsets:
                beam = max(total - best, 0.0)
                break
            done.add(number)
            self._end(number)
            for target, total in self._leave(number, best + beam + ROUNDING):
                heappush(queue, (total, target))
        return prune_beam(self._trace(), beam)

    def _end(self, number: int) -> None:
        """Note the cheapest end of the strings of a subset."""
        endings = self.steps.endings
        possible = [(cost + endings[node][0], node) for node, cost in self.subsets[number].items() if node in endings]
        if possible:
            _, node = min(possible)
            self.ends.append(_Transition(number, {self.lattice.num_nodes - 1: (node, endings[node][1])}))

    def _leave(self, number: int, limit: float) -> list[tuple[int, float]]:
        """The subsets after one more symbol that were reached more cheaply than before, and the best string's cost."""
        by_symbol: dict[tuple[str, str], dict[int, tuple[float, int, Arcs]]] = {}
        for node, cost in self.subsets[number].items():
            for symbol, target, more, arcs in self.steps.of(node):
                found = by_symbol.setdefault(symbol, {})
                if target not in found or found[target][0] > cost + more:
                    found[target] = (cost + more, node, arcs)
        reached, better = self.reached[number], []
        for found in by_symbol.values():
            ahead = min(cost + self.remaining[node] for node, (cost, _, _) in found.items())
            if reached + ahead > limit:
                continue
            # What is beyond the beam here is beyond it for every string that leads here, so equal subsets stay equal.
            found = {
                node: way
                for node, way in found.items()
                if way[0] + self.remaining[node] <= ahead + self.beam + ROUNDING
            }
            least = min(cost for cost, _, _ in found.values())
            target = self._number({node: cost - least for node, (cost, _, _) in found.items()})
            self.into[target].append(_Transition(number, {node: way[1:] for node, way in found.items()}))
            if reached + least < self.reached[target]:
                self.reached[target] = reached + least
                better.append((target, reached + ahead))
        return better

    def _number(self, subset: dict[int, float]) -> int:
        key = tuple(sorted((node, round(cost / RESOLUTION)) for node, cost in subset.items()))
        if key not in self.numbers:
            self.numbers[key] = len(self.subsets)
            self.subsets.append(subset)
            self.reached.append(np.inf)
            self.into.append([])
        return self.numbers[key]

    def _trace(self) -> Lattice:
        """The lattice, by the back pointers from the end."""
        last, end = self.lattice.num_nodes - 1, -1
        arcs: set[tuple[tuple, tuple, int]] = set()  # between (subset, node), after silent arcs (subset, node, arcs)
        waiting, seen = [], set()

        def follow(way: _Transition, node: int, to: tuple) -> None:
            source, between = way.back[node]
            here = (way.source, source)
            for i, arc in enumerate(between):
                there = to if i == len(between) - 1 else (way.source, source, between[: i + 1])
                arcs.add((here, there, arc))
                here = there
            if (way.source, source) not in seen:
                seen.add((way.source, source))
                waiting.append((way.source, source))

        for way in self.ends:
            source, between = way.back[last]
            if between:
                follow(way, last, (end, last))
            else:  # the subset holds the end itself
                waiting.append((way.source, source))
        while waiting:
            subset, node = waiting.pop()
            for way in self.into[subset]:
                follow(way, node, (end, last) if node == last else (subset, node))
        return self._assemble(arcs)

    def _assemble(self, arcs: set[tuple[tuple, tuple, int]]) -> Lattice:
        """Nodes are in the order of the lattice's nodes that they come from."""
        old, starts, ends = self.lattice, self.lattice.arc_from, self.lattice.arc_to
        stands = {here: int(starts[arc]) for here, _, arc in arcs} | {there: int(ends[arc]) for _, there, arc in arcs}
        keys = sorted(stands, key=lambda key: (stands[key], key[:2], key[2:]))
        number = {key: i for i, key in enumerate(keys)}
        ordered = sorted((number[here], number[there], arc) for here, there, arc in arcs)
        chosen = np.array([arc for _, _, arc in ordered])
        return replace(
            old,
            node_frame=old.node_frame[[stands[key] for key in keys]],
            arc_from=np.array([a for a, _, _ in ordered], np.int32),
            arc_to=np.array([b for _, b, _ in ordered], np.int32),
            label=[old.label[arc] for arc in chosen],
            word=[old.word[arc] for arc in chosen],
            acoustic=old.acoustic[chosen],
            language=old.language[chosen],
            posterior=np.zeros(0),
        )


class _Steps:
    """What may follow a node: symbols with the best silent arcs before them; ``endings``, the best silent way from a
    node to the end."""

    def __init__(self, lattice: Lattice, silent: Collection[str]):
        self.cost, self.targets = (-lattice.scores()).tolist(), lattice.arc_to.tolist()
        self.symbols = list(zip(lattice.label, lattice.word))
        self.silent_from: list[list[int]] = [[] for _ in range(lattice.num_nodes)]
        self.spoken_from: list[list[int]] = [[] for _ in range(lattice.num_nodes)]
        for arc, source in enumerate(lattice.arc_from.tolist()):
            label, word = self.symbols[arc]
            (self.silent_from if label in silent and not word else self.spoken_from)[source].append(arc)
        self.known: dict[int, list[_Step]] = {}
        last = lattice.num_nodes - 1
        self.endings: dict[int, tuple[float, Arcs]] = {last: (0.0, ())}
        for node in range(last - 1, -1, -1):
            ways = [
                (self.cost[arc] + self.endings[self.targets[arc]][0], arc)
                for arc in self.silent_from[node]
                if self.targets[arc] in self.endings
            ]
            if ways:
                total, arc = min(ways)
                self.endings[node] = total, (arc, *self.endings[self.targets[arc]][1])

    def of(self, node: int) -> list[_Step]:
        if node not in self.known:
            self.known[node] = self._find(node)
        return self.known[node]

    def _find(self, node: int) -> list[_Step]:
        found: dict[tuple, _Step] = {}
        silent = self.silent_from[node]
        ways = _silent_ways(node, self.silent_from, self.targets, self.cost) if silent else {node: (0.0, ())}
        for through, (before, arcs) in ways.items():
            for arc in self.spoken_from[through]:
                key, total = (self.symbols[arc], self.targets[arc]), before + self.cost[arc]
                if key not in found or found[key].cost > total:
                    found[key] = _Step(*key, total, (*arcs, arc))
        return list(found.values())


def _silent_ways(
    node: int, silent_from: list[list[int]], targets: list[int], cost: list[float]
) -> dict[int, tuple[float, Arcs]]:
    """The nodes that silent arcs alone lead to from ``node``, itself first, each with its cheapest way."""
    ways: dict[int, tuple[float, Arcs]] = {node: (0.0, ())}
    waiting = [node]
    while waiting:
        here = heappop(waiting)  # nodes are sorted, so the cheapest way to this one is known
        before, arcs = ways[here]
        for arc in silent_from[here]:
            target, so_far = targets[arc], before + cost[arc]
            if target not in ways:
                heappush(waiting, target)
            if target not in ways or ways[target][0] > so_far:
                ways[target] = (so_far, (*arcs, arc))
    return ways
