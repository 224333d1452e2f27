"""Goodness of pronunciation: how much better another phone fits than the one that should be there (Witt & Young 2000).

    GOP(p) = (log L(p) - max over q of log L(q)) / n

L(q) is the likelihood of the n rows of scores in which p was placed if phone q alone fills them, by the best way
through q's own states (for CTC: blanks, q, blanks), in whatever context suits it best; q runs over all phones with
silence, or the blank, among them. 0: no phone fits better. The scores are scaled by `System.posterior_scale`, so that
values of a GMM, a hybrid and a network can stand side by side. It is one definition for all of them; only the
scores are theirs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lexicon.phones import BLANK
from pipeline.align.forced_alignment import rows
from pipeline.hmm.topology import LOG_ZERO
from pipeline.search.posteriors import phone_labels
from pipeline.search.system import System
from pipeline.search.topology import Topology
from pipeline.times.segments import Segment


@dataclass(frozen=True)
class PhoneModels:
    """The states of each phone on its own, side by side: ``column`` (M, n) of the score matrix that a state reads, log
    weights ``start`` (M, n), ``trans`` (M, n, n) and ``end`` (M, n). Models of fewer than n states are padded. Those of
    a phone, one for each context that makes a difference, begin at its ``first`` (P,)."""

    phones: list[str]
    first: np.ndarray
    column: np.ndarray
    start: np.ndarray
    trans: np.ndarray
    end: np.ndarray

    def likelihoods(self, scores: np.ndarray) -> np.ndarray:
        """(P,) log score of the best way through all rows of ``scores`` (n, columns) by each phone alone (Viterbi)."""
        emissions = scores[:, self.column]  # (n, M, states)
        best = self.start + emissions[0]
        for row in emissions[1:]:
            best = (best[:, :, None] + self.trans).max(1) + row
        return np.maximum.reduceat((best + self.end).max(1), self.first)


def phone_models(topology: Topology, phones: Sequence[str]) -> PhoneModels:
    """Cut the phones out of a topology: what a path may read from the state where phones begin until it has read one
    phone and the next could begin."""
    symbols: dict[str, list[int]] = {BLANK: [0]}
    for symbol, phone in enumerate(topology.models, 1):
        symbols.setdefault(phone, []).append(symbol)
    leaving: dict[tuple[int, int], list[tuple[int, int, float]]] = {}  # by source, and the model that begins or 0
    for source, target, label, symbol, cost in topology.arcs:
        leaving.setdefault((source, symbol), []).append((target, label, cost))
    parts = [_states_of(topology, leaving, symbol) for phone in phones for symbol in symbols[phone]]
    sizes = [len(symbols[phone]) for phone in phones]
    most = max(len(columns) for columns, *_ in parts)
    column = np.zeros((len(parts), most), int)
    start, end = (np.full((len(parts), most), LOG_ZERO) for _ in range(2))
    trans = np.full((len(parts), most, most), LOG_ZERO)
    for p, (columns, begin, arcs, finals) in enumerate(parts):
        column[p, : len(columns)] = columns
        for state, cost in begin.items():
            start[p, state] = -cost
        for (source, target), cost in arcs.items():
            trans[p, source, target] = -cost
        for state, cost in finals.items():
            end[p, state] = -cost
    return PhoneModels(list(phones), np.cumsum(sizes) - sizes, column, start, trans, end)


def _states_of(
    topology: Topology, leaving: Mapping[tuple[int, int], Sequence[tuple[int, int, float]]], symbol: int
) -> tuple[list[int], dict, dict, dict]:
    """Columns, start, arc and final costs of one model. A state counts twice where it may be passed before the phone
    and after it, as the blank of CTC may: (state, whether the phone has begun)."""
    number: dict[tuple[int, bool], int] = {}
    columns: list[int] = []
    begin, arcs, finals = {}, {}, {}
    waiting = [(0, symbol == 0)]
    while waiting:
        here = state, begun = waiting.pop()
        if here in number and begun and state in topology.finals:
            finals[number[here]] = 0.0
        ways = [(way, begun) for way in leaving.get((state, 0), ())]
        if symbol and not begun:  # no second time, and no other phone
            ways += [(way, True) for way in leaving.get((state, symbol), ())]
        for (target, label, cost), begins in ways:
            if label == 0:
                if begun and here in number:
                    finals[number[here]] = cost
                continue
            there = (target, begins)
            if there not in number:
                number[there] = len(columns)
                columns.append(int(topology.labels.column[label - 1]))
                waiting.append(there)
            if here in number:
                arcs[number[here], number[there]] = cost
            else:
                begin[number[there]] = cost
    return columns, begin, arcs, finals


class Goodness:
    """Scores and goodness of pronunciation of the phones that a system has placed."""

    def __init__(self, system: System):
        self.system, self.models = system, phone_models(system.topology, phone_labels(system))
        self.index = {phone: i for i, phone in enumerate(self.models.phones)}
        self.scale = system.posterior_scale

    def of(self, scores: np.ndarray, segment: Segment) -> tuple[float, float]:
        """(log score per row of the phone through its segment, its goodness of pronunciation, 0 at best)."""
        own = rows(scores, self.system.step, segment)
        likelihoods = self.models.likelihoods(own)
        mine = likelihoods[self.index[segment.label]]
        return float(mine / len(own)), float(self.scale * (mine - likelihoods.max()) / len(own))
