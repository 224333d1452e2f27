"""Hidden Markov models over whole utterances: topologies, utterance graphs, Baum-Welch posteriors, Viterbi paths.

Everything works on one `Graph`, a list of states and arcs. An utterance's graph holds its words one after the other,
all pronunciation variants side by side, an optional silence between words; the graph of a batch of utterances is
simply the graphs side by side, so that one numpy step per frame serves them all.
"""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lexicon.errors import UserError
from lexicon.phones import SILENCE

LOG_ZERO = -1e30  # finite, so that the difference of two impossible scores is no NaN
NEGLIGIBLE = -30.0  # log posterior below which a state at a time is not counted
SILENCE_PROB = 0.5  # of a pause between two words, as in Kaldi's lexicon graph


@dataclass(frozen=True)
class Topology:
    """The states of one phone. ``start`` (n,), ``trans`` (n, n) and ``exit`` (n,) hold probabilities; the rows of
    [trans | exit] sum to one."""

    start: np.ndarray
    trans: np.ndarray
    exit: np.ndarray


def phone_topology() -> Topology:
    """Three states from left to right, without skips (HTK Book, ch. 1; Kaldi's default for phones)."""
    return Topology(np.array([1.0, 0, 0]), np.array([[.75, .25, 0], [0, .75, .25], [0, 0, .75]]), np.array([0, 0, .25]))


def silence_topology() -> Topology:
    """Five states: an entry, three that all reach one another, an exit (Kaldi's default for silence).

    A pause can be long and of several kinds in any order, so its middle is ergodic."""
    trans = np.zeros((5, 5))
    trans[0, :4] = trans[1:4, 1:] = .25
    trans[4, 4] = .75
    return Topology(np.eye(5)[0], trans, np.array([0, 0, 0, 0, .25]))


class Transitions:
    """The transition probabilities of all phones in one flat vector, so that counts are one `bincount`.

    Phone p with n states owns n * (n + 1) numbers: row i holds i -> 0..n-1 and, last, i -> exit.
    """

    def __init__(self, phones: Sequence[str], topologies: Mapping[str, Topology]):
        self.phones = list(phones)
        self.topologies = dict(topologies)
        sizes = [len(self.topologies[phone].start) for phone in self.phones]
        self.first_pdf = dict(zip(self.phones, np.concatenate([[0], np.cumsum(sizes)[:-1]]).tolist()))
        self.num_pdfs = sum(sizes)
        offsets = np.cumsum([0] + [n * (n + 1) for n in sizes])
        self.first_id = dict(zip(self.phones, offsets[:-1].tolist()))
        self.log_probs = np.full(offsets[-1], LOG_ZERO)
        for phone in self.phones:
            self._store(phone)
        self.phone_of_pdf = [phone for phone, size in zip(self.phones, sizes) for _ in range(size)]

    def _store(self, phone: str) -> None:
        top = self.topologies[phone]
        rows = np.column_stack([top.trans, top.exit]).ravel()
        first = self.first_id[phone]
        with np.errstate(divide="ignore"):
            self.log_probs[first:first + len(rows)] = np.maximum(np.log(rows), LOG_ZERO)

    def num_states(self, phone: str) -> int:
        """How many states ``phone`` has."""
        return len(self.topologies[phone].start)

    def transition_id(self, phone: str, source: int, target: int) -> int:
        """Where log P(source -> target) stands; target = number of states means the exit."""
        return self.first_id[phone] + source * (self.num_states(phone) + 1) + target

    def set(self, phone: str, topology: Topology) -> None:
        """Give ``phone`` new probabilities."""
        self.topologies[phone] = topology
        self._store(phone)

    def reestimate(self, counts: np.ndarray, floor: float = 1e-4) -> None:
        """Set the probabilities to the relative counts (a maximum-likelihood M step).

        ``counts`` is laid out as ``log_probs``. Arcs that exist keep at least ``floor``; rows never visited stay.
        """
        for phone in self.phones:
            old, n = self.topologies[phone], self.num_states(phone)
            first = self.first_id[phone]
            rows = counts[first:first + n * (n + 1)].reshape(n, n + 1)
            probs = np.column_stack([old.trans, old.exit])
            for i in np.flatnonzero(rows.sum(1) > 0):
                row = np.where(probs[i] > 0, np.maximum(rows[i] / rows[i].sum(), floor), 0)
                probs[i] = row / row.sum()
            self.set(phone, Topology(old.start, probs[:, :n], probs[:, n]))


@dataclass
class Graph:
    """States and arcs of one utterance, or of several side by side.

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


def utterance_graph(words: Sequence[str], lexicon: Mapping[str, Sequence[tuple[float, tuple[str, ...]]]],
                    transitions: Transitions, silence: bool = True) -> Graph:
    """The graph of ``words`` in order: variants in parallel, silence optional before, between and after words.

    lexicon: word -> [(probability, phones)]. Raises UserError for a word that the lexicon lacks.
    """
    builder = _GraphBuilder(transitions)
    exits: list[tuple[int, float]] = []  # (phone instance that may end here, log weight); empty: nothing yet
    for position, word in enumerate(words):
        if word not in lexicon:
            raise UserError(f'word "{word}" is not in lexicon.txt; add it to lexicon/extra.txt and run make again')
        entries = builder.optional_silence(exits, position == 0) if silence else exits
        exits = []
        for prob, phones in lexicon[word]:
            ends, first = entries, position == 0
            for index, phone in enumerate(phones):
                weight = np.log(prob) if index == 0 else 0.0
                instance = builder.add(phone, position, [(end, score + weight) for end, score in ends],
                                       start=(weight + (np.log(1 - SILENCE_PROB) if silence else 0.0))
                                       if first and index == 0 else None)
                ends = [(instance, 0.0)]
            exits += ends
    if silence:
        exits = builder.optional_silence(exits, not words)
    return builder.finish(exits)


class _GraphBuilder:
    def __init__(self, transitions: Transitions):
        self.transitions = transitions
        self.phones: list[tuple[str, int]] = []
        self.first: list[int] = []
        self.pdf: list[int] = []
        self.instance: list[int] = []
        self.start: list[float] = []
        self.arcs: list[tuple[int, int, int, float]] = []

    def add(self, phone: str, word: int, entries: Sequence[tuple[int, float]], start: float | None = None) -> int:
        """Append one phone; ``entries`` are the (instance, log weight) it may follow, ``start`` its initial weight."""
        trans, topology = self.transitions, self.transitions.topologies[phone]
        n, base, instance = len(topology.start), len(self.pdf), len(self.phones)
        self.phones.append((phone, word))
        self.first.append(base)
        self.pdf += range(trans.first_pdf[phone], trans.first_pdf[phone] + n)
        self.instance += [instance] * n
        begin = [np.log(p) if p > 0 else LOG_ZERO for p in topology.start]
        self.start += [LOG_ZERO if start is None else max(start + b, LOG_ZERO) for b in begin]
        self.arcs += [(base + i, base + j, trans.transition_id(phone, i, j), 0.0)
                      for i in range(n) for j in range(n) if topology.trans[i, j] > 0]
        for before, weight in entries:
            for state, exit_id in self._exits(before):
                self.arcs += [(state, base + j, exit_id, weight + b) for j, b in enumerate(begin) if b > LOG_ZERO]
        return instance

    def _exits(self, instance: int) -> list[tuple[int, int]]:
        phone = self.phones[instance][0]
        n, leave = self.transitions.num_states(phone), self.transitions.topologies[phone].exit
        return [(self.first[instance] + i, self.transitions.transition_id(phone, i, n)) for i in range(n)
                if leave[i] > 0]

    def optional_silence(self, exits: list[tuple[int, float]], at_start: bool) -> list[tuple[int, float]]:
        """Ways on from ``exits``: straight, or through a silence."""
        pause = self.add(SILENCE, -1, [(end, score + np.log(SILENCE_PROB)) for end, score in exits],
                         start=np.log(SILENCE_PROB) if at_start else None)
        return [(end, score + np.log(1 - SILENCE_PROB)) for end, score in exits] + [(pause, 0.0)]

    def finish(self, exits: Sequence[tuple[int, float]]) -> Graph:
        size = len(self.pdf)
        final, final_id = np.full(size, LOG_ZERO), np.full(size, -1)
        for instance, weight in exits:
            for state, exit_id in self._exits(instance):
                final[state], final_id[state] = weight, exit_id
        source, target, trans_id, constant = (np.array(column) for column in zip(*self.arcs))
        return Graph(np.array(self.pdf), np.array(self.start), final, final_id, source, target, trans_id, constant,
                     np.array(self.instance), self.phones)


def side_by_side(graphs: Sequence[Graph]) -> Graph:
    """One graph that holds all ``graphs`` without arcs between them."""
    states = np.cumsum([0] + [len(graph.pdf) for graph in graphs])
    phones = np.cumsum([0] + [len(graph.phones) for graph in graphs])

    def join(name: str, shifts: np.ndarray | None = None) -> np.ndarray:
        parts = [getattr(graph, name) for graph in graphs]
        return np.concatenate(parts if shifts is None else [part + shift for part, shift in zip(parts, shifts)])

    return Graph(join("pdf"), join("start"), join("final"), join("final_id"), join("source", states),
                 join("target", states), join("trans_id"), join("constant"), join("instance", phones),
                 [phone for graph in graphs for phone in graph.phones])


class _Incoming:
    """Arcs by target: for every state its predecessors and their log weights, in tables of one row per slot.

    Nearly all states have two predecessors (themselves and the one before), word beginnings many. So ``before`` and
    ``weight`` (2, S) serve all, and ``many`` names the states whose whole lists stand in ``before_many``,
    ``weight_many`` (P, M).
    """

    def __init__(self, source: np.ndarray, target: np.ndarray, weight: np.ndarray, size: int):
        order = np.argsort(target, kind="stable")
        degree = np.bincount(target, minlength=size)
        slot = np.arange(len(target)) - np.repeat(np.cumsum(degree) - degree, degree)
        before = np.zeros((max(2, degree.max(initial=0)), size), np.int64)
        weights = np.full(before.shape, LOG_ZERO)
        before[slot, target[order]] = source[order]
        weights[slot, target[order]] = weight[order]
        self.many = np.flatnonzero(degree > 2)
        self.before, self.weight = before[:2].copy(), weights[:2].copy()
        self.before_many, self.weight_many = before[:, self.many], weights[:, self.many]


def _log_sum(paths: np.ndarray) -> np.ndarray:
    """Log of the sum of exponentials over the first axis."""
    best = paths.max(0)
    return best + np.log(np.exp(paths - best).sum(0))


def _forward(start: np.ndarray, incoming: _Incoming, emissions: np.ndarray) -> np.ndarray:
    """(T, S) log probability of all paths that reach each state, its own emission counted in."""
    alpha = np.empty_like(emissions)
    alpha[0] = start + emissions[0]
    for t in range(1, len(emissions)):
        last = alpha[t - 1]
        now = alpha[t]
        one, two = last[incoming.before[0]] + incoming.weight[0], last[incoming.before[1]] + incoming.weight[1]
        np.maximum(one, two, out=now)
        # log(e^a + e^b) with one exponential and one logarithm: this line is where Baum-Welch spends its time.
        now += np.log1p(np.exp(-np.abs(np.subtract(one, two, out=one), out=one), out=one), out=one)
        now[incoming.many] = _log_sum(last[incoming.before_many] + incoming.weight_many)
        now += emissions[t]
    return alpha


class Batch:
    """Utterances that are searched together. ``emissions[u]``: (T_u, S_u) log p(frame | state)."""

    def __init__(self, graphs: Sequence[Graph], emissions: Sequence[np.ndarray], log_probs: np.ndarray):
        self.graphs, self.log_probs = graphs, log_probs
        self.graph = side_by_side(graphs)
        self.lengths = [len(scores) for scores in emissions]
        self.bounds = np.cumsum([0] + [len(graph.pdf) for graph in graphs])
        self.arc_bounds = np.cumsum([0] + [len(graph.source) for graph in graphs])
        self.weights = self.graph.arc_weights(log_probs)
        self.final = self.graph.final_weights(log_probs)
        self.emissions = np.full((max(self.lengths), self.bounds[-1]), 0.0)
        for u, scores in enumerate(emissions):
            self.emissions[:len(scores), self.bounds[u]:self.bounds[u + 1]] = scores

    def _reversed(self, frames: np.ndarray) -> np.ndarray:
        """Each utterance's frames in reverse order (padding stays behind)."""
        out = frames.copy()
        for u, length in enumerate(self.lengths):
            columns = slice(self.bounds[u], self.bounds[u + 1])
            out[:length, columns] = frames[:length, columns][::-1]
        return out

    def posteriors(self) -> tuple[list[np.ndarray], list[float], np.ndarray]:
        """Forward-backward (Baum et al. 1970; Rabiner 1989, eq. 27 and 37).

        Returns per utterance the state posteriors (T_u, S_u) and the log likelihood (below LOG_ZERO / 2: no path fits
        the frames), and the expected count of every transition, laid out as ``log_probs``.
        """
        graph, size = self.graph, len(self.graph.pdf)
        alpha = _forward(graph.start, _Incoming(graph.source, graph.target, self.weights, size), self.emissions)
        # The backward pass is the forward pass of the reversed graph over the reversed frames.
        beta = self._reversed(_forward(self.final, _Incoming(graph.target, graph.source, self.weights, size),
                                       self._reversed(self.emissions)))
        counts = np.zeros(len(self.log_probs))
        gammas, totals = [], []
        for u, (sub, length) in enumerate(zip(self.graphs, self.lengths)):
            columns = slice(self.bounds[u], self.bounds[u + 1])
            a, b = alpha[:length, columns], beta[:length, columns]
            ends = a[-1] + self.final[columns]
            total = float(np.logaddexp.reduce(ends))
            totals.append(total)
            if total < LOG_ZERO / 2:
                gammas.append(np.zeros_like(a))
                continue
            log_gamma = a + b - self.emissions[:length, columns] - total
            alive = log_gamma > NEGLIGIBLE
            gamma = np.zeros_like(log_gamma)
            gamma[alive] = np.exp(np.minimum(log_gamma[alive], 0.0))
            gammas.append(gamma)
            t, arc = np.nonzero(alive[:-1, sub.source] & alive[1:, sub.target])
            passing = np.exp(a[t, sub.source[arc]] + self.weights[self.arc_bounds[u] + arc]
                             + b[t + 1, sub.target[arc]] - total)
            used = sub.trans_id[arc] >= 0
            counts += np.bincount(sub.trans_id[arc][used], passing[used], len(counts))
            leaving = sub.final_id >= 0
            counts += np.bincount(sub.final_id[leaving], np.exp(ends - total)[leaving], len(counts))
        return gammas, totals, counts

    def best_paths(self) -> list[tuple[np.ndarray, float]]:
        """Viterbi (1967): per utterance the states of the best path (T_u,), numbered within its own graph, and its
        log likelihood (below LOG_ZERO / 2: no path fits the frames)."""
        graph, size = self.graph, len(self.graph.pdf)
        incoming = _Incoming(graph.source, graph.target, self.weights, size)
        num_frames = len(self.emissions)
        origin = np.zeros((num_frames, size), np.int32)
        score = graph.start + self.emissions[0]
        at_end: dict[int, list[int]] = {}
        for u, length in enumerate(self.lengths):
            at_end.setdefault(length - 1, []).append(u)
        results: list = [None] * len(self.graphs)
        for t in range(num_frames):
            if t:
                first, second = score[incoming.before] + incoming.weight
                origin[t] = np.where(second > first, incoming.before[1], incoming.before[0])
                paths = score[incoming.before_many] + incoming.weight_many
                score = np.maximum(first, second)
                if len(incoming.many):
                    best = paths.argmax(0), np.arange(len(incoming.many))
                    origin[t, incoming.many], score[incoming.many] = incoming.before_many[best], paths[best]
                score += self.emissions[t]
            for u in at_end.get(t, ()):
                block = slice(self.bounds[u], self.bounds[u + 1])
                ends = score[block] + self.final[block]
                results[u] = (int(ends.argmax()) + self.bounds[u], float(ends.max()))
        return [(self._trace(origin, state, length) - self.bounds[u], total)
                for u, ((state, total), length) in enumerate(zip(results, self.lengths))]

    @staticmethod
    def _trace(origin: np.ndarray, state: int, length: int) -> np.ndarray:
        path = np.empty(length, np.int64)
        path[-1] = state
        for t in range(length - 1, 0, -1):
            path[t - 1] = origin[t, path[t]]
        return path
