"""How phones become columns of a score matrix: the H and the C of H ∘ C ∘ L ∘ G (Mohri et al. 2002).

A path through a graph reads labels. A label is a column of the score matrix, and tells whether a phone begins on that
frame and which: several phones may read the same column. So any path can be cut into phones (`pipeline.search.wfst`).
Costs are negative natural logarithms.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from lexicon.phones import BLANK
from pipeline.hmm.decisions import EDGE, Decisions, Group
from pipeline.hmm.topology import Transitions

Arc = tuple[int, int, int, int, float]  # source, target, input, output, cost


class Labels:
    """The input labels of graphs, from 1: for each column that which reads it inside a phone, and one for each of its
    phones, which reads it on the frame that enters this phone.

    ``readers`` (columns,): the phones that read each column; ``column`` and ``entered`` (labels,): of each label its
    column, and the phone that it enters or "".
    """

    def __init__(self, readers: Sequence[Sequence[str]]):
        self.readers = [tuple(phones) for phones in readers]
        both = [(column, phone) for column, phones in enumerate(self.readers) for phone in ("", *phones)]
        self.column, self.entered = np.array([column for column, _ in both]), [phone for _, phone in both]
        self._number = {one: label for label, one in enumerate(both, 1)}

    def inside(self, column: int) -> int:
        """Label that reads ``column`` within a phone."""
        return self._number[column, ""]

    def entry(self, column: int, phone: str) -> int:
        """Label that reads ``column`` on the first frame of a phone."""
        return self._number[column, phone]

    def widen(self, scores: np.ndarray) -> np.ndarray:
        """(T, columns) -> (T, labels) float32, contiguous: to each label its column."""
        return np.ascontiguousarray(scores[:, self.column], dtype=np.float32)


class Context(NamedTuple):
    """The transducer C, of models in context to phones. ``models`` names the phone of each model (symbol i + 1 is
    models[i]); ``arcs`` are (source, target, model, phone symbol, cost); ``finals``, where the speech may end."""

    models: list[str]
    arcs: list[Arc]
    finals: list[int]


@dataclass(frozen=True)
class Topology:
    """The transducer H, of labels to phones, or, with a ``context``, to models.

    ``phones`` are the graph's phone symbols (symbol i + 1 is phones[i]); ``arcs`` of the transducer, (source, target,
    label, symbol, cost); state 0 is where phones begin, ``finals`` are the states in which the speech may end.
    """

    phones: list[str]
    labels: Labels
    arcs: list[Arc]
    finals: list[int]
    silence: bool
    context: Context | None = None

    @property
    def models(self) -> list[str]:
        """The phone of each symbol that H writes."""
        return self.context.models if self.context else self.phones


def hmm_topology(transitions: Transitions) -> Topology:
    """Every phone its states, with the trained transition probabilities; columns are densities. Where these depend on
    the phones beside it, a phone has a model for each choice of densities."""
    phones, decisions, labels = transitions.phones, transitions.decisions, Labels(transitions.decisions.phones_of)
    context, models = None, [(phone, decisions.pdfs(phone)) for phone in phones]
    if decisions.width > 1:
        context, models = _context(decisions)
    arcs: list[Arc] = []
    state = 1
    for symbol, (phone, pdfs) in enumerate(models, 1):
        top, n = transitions.topologies[phone], len(pdfs)
        for i in range(n):
            if top.start[i] > 0:
                arcs.append((0, state + i, labels.entry(pdfs[i], phone), symbol, -math.log(top.start[i])))
            arcs += [
                (state + i, state + j, labels.inside(pdfs[j]), 0, -math.log(top.trans[i, j]))
                for j in range(n)
                if top.trans[i, j] > 0
            ]
            if top.exit[i] > 0:
                arcs.append((state + i, 0, 0, 0, -math.log(top.exit[i])))
        state += n
    return Topology(phones, labels, arcs, [0], True, context)


def _context(decisions: Decisions) -> tuple[Context, list[tuple[str, tuple[int, ...]]]]:
    """C, and the (phone, densities) of its models.

    Kaldi's C writes a model when it has read the phone after it, so that words come a phone early. This one writes
    it at once for each group of phones that may follow, and its state allows no others then: words stay where they
    are, and composing drops what leads nowhere. A state is (phone before, or one that makes no other difference;
    phones that may follow, EDGE for the end).
    """
    phones = list(decisions.roots)
    symbols: dict[tuple[str, tuple[int, ...]], int] = {}
    ways: dict[tuple[str, str], list[Group]] = {}  # (phone before, phone) -> what may come of them
    for phone in phones:
        for group in decisions.groups(phone, decisions.contexts, decisions.contexts):
            symbols.setdefault((phone, group.pdfs), len(symbols) + 1)
            for before in group.lefts:
                ways.setdefault((before, phone), []).append(group)
    alike: dict[tuple, str] = {}
    stands_for = {
        before: alike.setdefault(tuple(ways[before, phone][0].lefts for phone in phones), before)
        for before in decisions.contexts
    }
    states = {(EDGE, frozenset(decisions.contexts)): 0}
    arcs: list[Arc] = []
    waiting = list(states)
    while waiting:
        before, allowed = waiting.pop()
        for symbol, phone in enumerate(phones, 1):
            for group in ways[before, phone] if phone in allowed else ():
                there = stands_for[phone], group.rights
                if there not in states:
                    states[there] = len(states)
                    waiting.append(there)
                arcs.append((states[before, allowed], states[there], symbols[phone, group.pdfs], symbol, 0.0))
    finals = [number for (_, allowed), number in states.items() if EDGE in allowed]
    return Context([phone for phone, _ in symbols], arcs, finals), list(symbols)


def ctc_topology(tokens: Sequence[str], before: int = 0, after: int = 0) -> Topology:
    """Connectionist temporal classification (Graves et al. 2006): the first column is the blank, others are phones.
    There may be columns ``before`` and ``after`` them that it does not read.

    A token may be followed by any other at once, by itself only after a blank. A stretch of blanks counts as a phone
    named `<blk>`, so that what is cut from a path covers all its frames.
    """
    phones = list(tokens[1:])
    labels = Labels([*[()] * before, (BLANK,), *((phone,) for phone in phones), *[()] * after])
    blank, first = 1, 2  # states: 0 start, 1 inside a blank, 2... inside each token
    begins = labels.entry(before, BLANK)
    arcs: list[Arc] = [(0, blank, begins, 0, 0.0), (blank, blank, labels.inside(before), 0, 0.0)]
    for i, phone in enumerate(phones):
        column, here = before + i + 1, first + i
        arcs += [
            (source, here, labels.entry(column, phone), i + 1, 0.0)
            for source in (0, blank, *(first + j for j in range(len(phones)) if j != i))
        ]
        arcs += [(here, here, labels.inside(column), 0, 0.0), (here, blank, begins, 0, 0.0)]
    return Topology(phones, labels, arcs, list(range(first + len(phones))), silence=False)
