"""Hidden Markov models over whole utterances: topologies, utterance graphs, Baum-Welch posteriors, Viterbi paths.

Everything works on one `Graph`, a list of states and arcs. An utterance's graph holds its words one after the other,
all pronunciation variants side by side, an optional silence between words; a phone whose densities depend on the phones
beside it (`pipeline.hmm.decisions`) is there once for each group of them.

Training and exact forced alignment use this graph: each arc names the transition whose count it adds to. A text of any
length is placed by the search instead, in a graph of its own (`pipeline.search.graph.linear_graph`): that has fixed
costs, any topology (CTC too) and a beam, for the text of an hour has too many states to go through all of them at every
frame. So there are two aligners.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from lexicon.errors import UserError
from lexicon.phones import SILENCE
from pipeline.hmm.decisions import EDGE, Group
from pipeline.hmm.topology import LOG_ZERO, PhoneTopology, Transitions

BLOCK_CELLS = 3_000_000  # frames x states kept at a time: 25 MB
SILENCE_PROB = 0.5  # of a pause between two words, as in Kaldi's lexicon graph


@dataclass
class Graph:
    """States and arcs of one utterance.

    ``pdf`` (S,) names each state's output density; ``start`` and ``final`` (S,) are log weights; arc a leads from
    ``source[a]`` to ``target[a]`` with log weight ``constant[a] + log_probs[trans_id[a]]``; a final state leaves its
    phone through ``final_id`` (-1: none). ``instance`` (S,) is the index into ``phones`` of the phone a state belongs
    to; ``phones`` lists (phone, index of its word or -1 for silence).
    """

    pdf: np.ndarray
    start: np.ndarray
    final: np.ndarray
    final_id: np.ndarray
    source: np.ndarray
    target: np.ndarray
    trans_id: np.ndarray
    constant: np.ndarray
    instance: np.ndarray
    phones: list[tuple[str, int]]

    def arc_weights(self, log_probs: np.ndarray) -> np.ndarray:
        """(A,) log weight of each arc."""
        return self.constant + np.where(self.trans_id >= 0, log_probs[self.trans_id], 0.0)

    def final_weights(self, log_probs: np.ndarray) -> np.ndarray:
        """(S,) log weight of ending in each state."""
        return self.final + np.where(self.final_id >= 0, log_probs[self.final_id], 0.0)


def frames_needed(
    words: Sequence[str], lexicon: Mapping[str, Sequence[tuple[float, tuple[str, ...]]]], transitions: Transitions
) -> int:
    """The fewest frames in which the words can be said, each in its shortest pronunciation."""
    shortest = {phone: _shortest(topology) for phone, topology in transitions.topologies.items()}
    return sum(min(sum(shortest[phone] for phone in phones) for _, phones in lexicon[word]) for word in words)


def _shortest(topology: PhoneTopology) -> int:
    """The fewest states on a way through a phone."""
    reached, length = topology.start > 0, 1
    while not topology.exit[reached].any() and length < len(reached):
        reached, length = np.asarray(topology.trans[reached].any(0)), length + 1
    return length


def utterance_graph(
    words: Sequence[str],
    lexicon: Mapping[str, Sequence[tuple[float, tuple[str, ...]]]],
    transitions: Transitions,
    silence: bool = True,
) -> Graph:
    """The graph of ``words`` in order: variants in parallel, silence optional before, between and after words.

    A silence is a neighbour like any phone; without one, context goes across words.

    lexicon: word -> [(probability, phones)]. Raises UserError for a word that the lexicon lacks.
    """
    row = _Row()
    exits: list[tuple[int, float]] = []  # (place that may end here, log weight); empty: nothing yet
    for position, word in enumerate(words):
        if word not in lexicon:
            raise UserError(f'word "{word}" is not in lexicon.txt; add it to lexicon/extra.txt and run make again')
        entries = row.optional_silence(exits, position == 0) if silence else exits
        exits = []
        for prob, phones in lexicon[word]:
            ends, first = entries, position == 0
            for index, phone in enumerate(phones):
                weight = np.log(prob) if index == 0 else 0.0
                place = row.add(
                    phone,
                    position,
                    [(end, score + weight) for end, score in ends],
                    start=(weight + (np.log(1 - SILENCE_PROB) if silence else 0.0)) if first and index == 0 else None,
                )
                ends = [(place, 0.0)]
            exits += ends
    if silence:
        exits = row.optional_silence(exits, not words)
    return _States(transitions, row.places, exits).graph()


class _Place(NamedTuple):
    """A phone of an utterance: of which word (-1: silence), the (place, log weight) it may follow, and the log weight
    of beginning with it."""

    phone: str
    word: int
    entries: Sequence[tuple[int, float]]
    start: float | None


class _Row:
    """The phones of an utterance, before they become states."""

    def __init__(self) -> None:
        self.places: list[_Place] = []

    def add(self, phone: str, word: int, entries: Sequence[tuple[int, float]], start: float | None) -> int:
        self.places.append(_Place(phone, word, entries, start))
        return len(self.places) - 1

    def optional_silence(self, exits: list[tuple[int, float]], at_start: bool) -> list[tuple[int, float]]:
        """Ways on from ``exits``: straight, or through a silence."""
        pause = self.add(
            SILENCE,
            -1,
            [(end, score + np.log(SILENCE_PROB)) for end, score in exits],
            np.log(SILENCE_PROB) if at_start else None,
        )
        return [(end, score + np.log(1 - SILENCE_PROB)) for end, score in exits] + [(pause, 0.0)]


class _States:
    """The states of an utterance's phones. A place has a copy for each group of neighbours that makes a difference to
    its densities; copies follow one another where each is among the other's neighbours."""

    def __init__(self, transitions: Transitions, places: Sequence[_Place], exits: Sequence[tuple[int, float]]):
        self.transitions, self.exits = transitions, exits
        self.copies: list[list[tuple[int, Group]]] = []  # (phone instance, its neighbours) of each place
        self.phones: list[tuple[str, int]] = []
        self.first: list[int] = []
        self.pdf: list[int] = []
        self.instance: list[int] = []
        self.start: list[float] = []
        self.arcs: list[tuple[int, int, int, float]] = []
        rights: list[set[str]] = [set() for _ in places]
        for place in places:
            for before, _ in place.entries:
                rights[before].add(place.phone)
        for end, _ in exits:
            rights[end].add(EDGE)
        for place, after in zip(places, rights):
            lefts = {places[i].phone for i, _ in place.entries} | ({EDGE} if place.start is not None else set())
            self.copies.append([])
            for group in transitions.decisions.groups(place.phone, lefts, after):
                entries = [
                    (instance, weight)
                    for i, weight in place.entries
                    if places[i].phone in group.lefts
                    for instance, its in self.copies[i]
                    if place.phone in its.rights
                ]
                start = place.start if EDGE in group.lefts else None
                self.copies[-1].append((self._add(place, group.pdfs, entries, start), group))

    def _add(
        self, place: _Place, pdfs: Sequence[int], entries: Sequence[tuple[int, float]], start: float | None
    ) -> int:
        """Append one phone instance; ``entries`` are the (instance, log weight) it may follow."""
        trans, phone, topology = self.transitions, place.phone, self.transitions.topologies[place.phone]
        n, base, instance = len(topology.start), len(self.pdf), len(self.phones)
        self.phones.append((phone, place.word))
        self.first.append(base)
        self.pdf += pdfs
        self.instance += [instance] * n
        begin = [np.log(p) if p > 0 else LOG_ZERO for p in topology.start]
        self.start += [LOG_ZERO if start is None else max(start + b, LOG_ZERO) for b in begin]
        self.arcs += [
            (base + i, base + j, trans.transition_id(phone, i, j), 0.0)
            for i in range(n)
            for j in range(n)
            if topology.trans[i, j] > 0
        ]
        for before, weight in entries:
            for state, exit_id in self._exits(before):
                self.arcs += [(state, base + j, exit_id, weight + b) for j, b in enumerate(begin) if b > LOG_ZERO]
        return instance

    def _exits(self, instance: int) -> list[tuple[int, int]]:
        phone = self.phones[instance][0]
        n, leave = self.transitions.num_states(phone), self.transitions.topologies[phone].exit
        return [
            (self.first[instance] + i, self.transitions.transition_id(phone, i, n)) for i in range(n) if leave[i] > 0
        ]

    def graph(self) -> Graph:
        size = len(self.pdf)
        final, final_id = np.full(size, LOG_ZERO), np.full(size, -1)
        for place, weight in self.exits:
            for instance, group in self.copies[place]:
                if EDGE in group.rights:
                    for state, exit_id in self._exits(instance):
                        final[state], final_id[state] = weight, exit_id
        source, target, trans_id, constant = (np.array(column) for column in zip(*self.arcs))
        return Graph(
            np.array(self.pdf),
            np.array(self.start),
            final,
            final_id,
            source,
            target,
            trans_id,
            constant,
            np.array(self.instance),
            self.phones,
        )


@dataclass(frozen=True)
class _Arcs:
    """The arcs that begin in each state, or end there; those of state s are ``offset[s]`` to ``offset[s + 1]``."""

    offset: np.ndarray
    other: np.ndarray
    weight: np.ndarray
    trans_id: np.ndarray

    @classmethod
    def by(cls, states: np.ndarray, others: np.ndarray, weight: np.ndarray, trans_id: np.ndarray, size: int) -> _Arcs:
        order = np.argsort(states, kind="stable")
        offset = np.concatenate([[0], np.cumsum(np.bincount(states, minlength=size))])
        return cls(offset, others[order], weight[order], trans_id[order])


def _block(frames: int, states: int) -> int:
    """How many frames are kept with all their states: all if they are few, else so that the blocks' first frames, which
    are kept as well, take no more."""
    return max(1, BLOCK_CELLS // states, math.isqrt(frames))


def posteriors(
    graph: Graph, scores: np.ndarray, columns: np.ndarray, log_probs: np.ndarray
) -> tuple[np.ndarray, float, np.ndarray]:
    """Forward-backward (Baum et al. 1970; Rabiner 1989, eq. 27 and 37).

    scores: (T, n) log p(frame | density), of which state s of the graph reads column ``columns[s]``. Returns how likely
    the densities are at each frame (T, n), the log likelihood (below LOG_ZERO / 2: no path fits the frames, and nothing
    is counted), and the expected count of every transition, laid out as ``log_probs``.
    """
    from pipeline.hmm.loops import forward_backward, scaled_forward_backward  # with numba, which is slow to import

    size, weights, final = len(graph.pdf), graph.arc_weights(log_probs), graph.final_weights(log_probs)
    scores, columns, start = np.ascontiguousarray(scores, np.float64), columns.astype(np.int64), graph.start * 1.0
    back = _Arcs.by(graph.source, graph.target, weights, graph.trans_id, size)
    found = scaled_forward_backward(
        scores,
        columns,
        np.exp(start),
        np.exp(final),
        back.offset,
        back.other,
        np.exp(back.weight),
        back.trans_id,
        graph.final_id,
        len(log_probs),
        min(BLOCK_CELLS, len(scores) * size),
    )
    if found[1] > LOG_ZERO / 2:
        return found
    there = _Arcs.by(graph.target, graph.source, weights, graph.trans_id, size)
    return forward_backward(
        scores,
        columns,
        start,
        final,
        there.offset,
        there.other,
        there.weight,
        back.offset,
        back.other,
        back.weight,
        back.trans_id,
        graph.final_id,
        len(log_probs),
        _block(len(scores), size),
    )


def best_path(graph: Graph, scores: np.ndarray, columns: np.ndarray, log_probs: np.ndarray) -> tuple[np.ndarray, float]:
    """Viterbi (1967): the states of the best path (T,) and its log likelihood (below LOG_ZERO / 2: no path fits the
    frames). Arguments as those of `posteriors`."""
    from pipeline.hmm.loops import best_path as loop

    size = len(graph.pdf)
    arcs = _Arcs.by(graph.target, graph.source, graph.arc_weights(log_probs), graph.trans_id, size)
    return loop(
        np.ascontiguousarray(scores, np.float64),
        columns.astype(np.int64),
        graph.start.astype(np.float64),
        graph.final_weights(log_probs),
        arcs.offset,
        arcs.other,
        arcs.weight,
        _block(len(scores), size),
    )
