"""Search: the best words or phones for a matrix of scores, and everything the decoder considered, as a phone lattice.

The lattice that `search` gives holds a phone string once for every alignment that Kaldi's decoder kept; see
`pipeline.lattice.determinize`.
"""

from __future__ import annotations

import copyreg
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush

import kaldi_decoder
import kaldifst
import numpy as np

from lexicon.phones import SILENT
from pipeline.base.training import setting
from pipeline.lattice import Lattice, best_path, forward_backward, frame_posteriors
from pipeline.search.topology import Topology
from pipeline.times.segments import Segment

# Arcs of Kaldi's lattice for a row of scores; more of them are cut into phones and determinized for minutes. On dev
# `prompts` there are 18 at most, with a network that has learnt nothing thousands.
MOST_ARCS = 100
LEAST_BEAM = 1e-3  # natural log; what is still too much are ties, which no beam cuts


@dataclass(frozen=True)
class Beams:
    """Kaldi's pruning: ``beam`` during the search, ``lattice_beam`` for what is kept beside the best path.

    The beam is where dev gains no more (bench/beams.py): on `prompts` one of 13 costs the GMM 1.2 points of WER and the
    classifier 1.8, one of 20 gains nothing and takes twice the time.
    """

    beam: float = setting(16.0, "WFST search: beam (natural log, scaled scores)", least=0.001)
    lattice_beam: float = setting(6.0, "WFST search: beam of what lattices keep", least=0.001)


def _fst_from(data: bytes) -> kaldifst.StdVectorFst:
    """A transducer in OpenFst's own format."""
    with open(os.memfd_create("fst"), "wb") as file:
        file.write(data)
        file.flush()
        return kaldifst.StdVectorFst.read(f"/proc/self/fd/{file.fileno()}")


def _sent(fst: kaldifst.StdVectorFst) -> tuple:
    """How a transducer goes to a process of another machine: kaldifst does not say, and writes files alone."""
    with open(os.memfd_create("fst"), "rb") as file:
        fst.write(f"/proc/self/fd/{file.fileno()}")
        return _fst_from, (file.read(),)


copyreg.pickle(kaldifst.StdVectorFst, _sent)


@dataclass(frozen=True)
class SearchGraph:
    """A decoding graph with what its labels mean."""

    fst: kaldifst.StdVectorFst
    topology: Topology
    words: list[str]


@dataclass(frozen=True)
class _RawLattice:
    """Kaldi's frame-level lattice as arrays: arcs (A,), states (S,) with their frame and a topological rank."""

    source: np.ndarray
    target: np.ndarray
    label: np.ndarray
    word: np.ndarray
    graph_cost: np.ndarray
    final_cost: dict[int, float]
    start: int
    frame: np.ndarray
    rank: np.ndarray


def search(
    graph: SearchGraph,
    scores: np.ndarray,
    acoustic_scale: float,
    beams: Beams,
    utterance: str,
    system: str,
    name: str,
    frame_shift_ms: float,
    step: int = 1,
    num_frames: int | None = None,
    word_score: float = 0.0,
    posteriors: bool = True,
) -> Lattice | None:
    """Search one utterance with Kaldi's lattice decoder; None if no path reaches the end.

    scores: (T, columns) log-likelihoods (or CTC log-posteriors), one row for ``step`` frames. Returns the phone
    lattice, with ``posteriors`` unless they are not wanted, its nodes counted in frames (``num_frames`` of
    them). Where Kaldi's lattice has more than MOST_ARCS a row, its beam is halved until it has no more;
    ``Lattice.beam`` says what it is then.
    """
    scores, labels = _checked(scores, graph), graph.topology.labels
    found = _raw_lattice(graph, labels.widen(acoustic_scale * scores), beams)
    if found is None:
        return None
    text, lattice_beam = found
    lattice = _cut_into_phones(_parse(text), scores, acoustic_scale, graph)
    if lattice is None:
        return None
    num_frames = len(scores) * step if num_frames is None else num_frames
    # Row j of a network that takes every step-th frame is centred on frame j * step, so it begins half a step before.
    frames = np.clip(lattice.node_frame * step - step // 2, 0, num_frames)
    frames[-1] = num_frames
    lattice.node_frame = frames.astype(np.int32)
    lattice.utterance, lattice.system, lattice.graph = utterance, system, name
    lattice.frame_shift_ms, lattice.num_frames, lattice.word_score = frame_shift_ms, num_frames, word_score
    lattice.beam = lattice_beam
    if posteriors:
        forward_backward(lattice)
    return lattice


def _raw_lattice(graph: SearchGraph, widened: np.ndarray, beams: Beams) -> tuple[str, float] | None:
    """Kaldi's lattice for scores (T, labels) as OpenFst text, and the lattice beam that left so much; None if no path
    reaches the end."""
    lattice_beam = beams.lattice_beam
    while True:
        config = kaldi_decoder.LatticeSimpleDecoderConfig(beam=beams.beam, lattice_beam=lattice_beam)
        decoder = kaldi_decoder.LatticeSimpleDecoder(graph.fst, config)
        if not decoder.decode(kaldi_decoder.DecodableCtc(widened)):
            return None
        found, raw = decoder.get_raw_lattice()
        if not found:
            return None
        text = raw.to_str()  # a line for each arc and each end
        if text.count("\n") <= MOST_ARCS * len(widened) or lattice_beam <= LEAST_BEAM:
            return text, lattice_beam
        lattice_beam /= 2


class BestPath:
    """The best path through a graph for scores that come bit by bit: Kaldi's FasterDecoder, which keeps no lattice.

    kaldi_decoder's lattice decoder takes the scores of an utterance all at once. So this says what is heard so far, and
    `search`, at the end, what was heard. On dev `prompts` the two have the same words, but for words that sound and
    score alike. It takes a sixth of the time.
    """

    def __init__(self, graph: SearchGraph, acoustic_scale: float, beam: float):
        self.graph, self.acoustic_scale, self.num_rows = graph, acoustic_scale, 0
        options = kaldi_decoder.FasterDecoderOptions()
        options.beam = beam
        self.decoder = kaldi_decoder.FasterDecoder(graph.fst, options)
        self.decoder.init_decoding()

    def step(self, scores: np.ndarray) -> None:
        """The next rows (T, columns), any number of them, none among them."""
        if not len(scores):
            return
        widened = self.graph.topology.labels.widen(self.acoustic_scale * _checked(scores, self.graph))
        self.decoder.advance_decoding(kaldi_decoder.DecodableCtc(widened, offset=self.num_rows))
        self.num_rows += len(scores)

    @property
    def at_end(self) -> bool:
        """Whether some path may end after these rows."""
        return self.num_rows > 0 and self.decoder.reached_final()

    def best(self, end: bool = False) -> tuple[tuple[str, ...], list[tuple[str, int, int]]]:
        """The words so far, and the phones with their rows; nothing where no path is left. ``end``: of the paths that
        may end here."""
        if not self.num_rows:
            return (), []
        found, path = self.decoder.get_best_path(use_final_probs=end)
        if not found:
            return (), []
        _, labels, words, _ = kaldifst.get_linear_symbol_sequence(path)
        entered = [self.graph.topology.labels.entered[label - 1] for label in labels]
        begins = [row for row, phone in enumerate(entered) if phone]
        phones = [(entered[begin], begin, end) for begin, end in zip(begins, [*begins[1:], len(entered)])]
        return tuple(self.graph.words[word - 1] for word in words), phones


def _checked(scores: np.ndarray, graph: SearchGraph) -> np.ndarray:
    """ValueError unless they are scores (T, columns) for this graph, and finite."""
    scores, columns = np.asarray(scores, np.float32), len(graph.topology.labels.readers)
    if scores.ndim != 2 or scores.shape[1] != columns or not np.isfinite(scores).all():
        raise ValueError(f"scores {scores.shape} for {columns} columns, or not finite")
    return scores


def _parse(text: str) -> _RawLattice:
    """Read the decoder's lattice from OpenFst text (its Python iterators are broken in kaldifst 1.8.3)."""
    start: int | None = None
    final_cost: dict[int, float] = {}
    arcs = []
    for line in text.splitlines():
        fields = line.split()
        if not fields:
            continue
        start = int(fields[0]) if start is None else start
        if len(fields) <= 2:
            final_cost[int(fields[0])] = float(fields[1].split(",")[0]) if len(fields) == 2 else 0.0
        else:
            cost = float(fields[4].split(",")[0]) if len(fields) > 4 else 0.0
            arcs.append((int(fields[0]), int(fields[1]), int(fields[2]), int(fields[3]), cost))
    source, target, label, word, costs = (np.array(column) for column in zip(*arcs))
    assert start is not None  # where there is an arc, there is a line
    size = int(max(source.max(), target.max())) + 1
    frame, rank = _frames_and_ranks(source, target, label, start, size)
    return _RawLattice(source, target, label, word, costs, final_cost, start, frame, rank)


def _frames_and_ranks(
    source: np.ndarray, target: np.ndarray, label: np.ndarray, start: int, size: int
) -> tuple[np.ndarray, np.ndarray]:
    """Frame of every state (arcs with a label take one), and a topological order (Kahn 1962)."""
    waiting = np.bincount(target, minlength=size).tolist()
    outgoing: list[list[tuple[int, int]]] = [[] for _ in range(size)]
    for a, b, i in zip(source.tolist(), target.tolist(), label.tolist()):
        outgoing[a].append((b, 1 if i else 0))
    frame, rank = [0] * size, [0] * size
    ready, position = [start], 0
    while ready:
        state = ready.pop()
        rank[state] = position
        position += 1
        for after, taken in outgoing[state]:
            frame[after] = frame[state] + taken
            waiting[after] -= 1
            if not waiting[after]:
                ready.append(after)
    return np.array(frame), np.array(rank)


def _cut_into_phones(raw: _RawLattice, scores: np.ndarray, scale: float, graph: SearchGraph) -> Lattice | None:
    """Contract the frame-level lattice: arcs become whole phones, with the best way through each phone's states.

    Nodes are the states in which a phone may begin. From each, a shortest-path search runs along the arcs within the
    phone until it meets states where the next may begin (or the end).
    """
    labels = graph.topology.labels
    column = np.append(0, labels.column)[raw.label]
    is_entry = np.array([False, *map(bool, labels.entered)])[raw.label]
    acoustic = np.where(raw.label > 0, scores[np.minimum(raw.frame[raw.source], len(scores) - 1), column], 0.0)
    inner: dict[int, list[tuple[int, float, float, int]]] = {}
    entries: dict[int, list[tuple[int, float, float, int, int]]] = {}
    for a, b, enters, cost, ac, word, label in zip(
        raw.source.tolist(),
        raw.target.tolist(),
        is_entry.tolist(),
        raw.graph_cost.tolist(),
        acoustic.tolist(),
        raw.word.tolist(),
        raw.label.tolist(),
    ):
        if enters:
            entries.setdefault(a, []).append((b, cost, ac, word, label))
        else:
            inner.setdefault(a, []).append((b, cost, ac, word))
    cutter = _Cutter(inner, entries, raw, scale)
    arcs: list[tuple[int, int, int, tuple[int, ...], float, float]] = []  # from, to, label, words, acoustic, cost
    pending, seen = [(0, raw.start)], {raw.start}
    while pending:
        _, origin = heappop(pending)
        for found in cutter.phones_from(origin):
            arcs.append((origin, *found))
            target = found[0]
            if target != cutter.END and target not in seen:
                seen.add(target)
                heappush(pending, (int(raw.rank[target]), target))
    return _assemble(arcs, raw, cutter.END, len(scores), scale, graph)


class _Cutter:
    """Shortest paths from a state where phones begin to the states where the next may begin."""

    END = -1

    def __init__(self, inner: Mapping, entries: Mapping, raw: _RawLattice, scale: float):
        self.inner, self.entries, self.scale = inner, entries, scale
        self.final, self.start = raw.final_cost, raw.start
        self.ways: dict[int, dict[tuple[int, tuple[int, ...]], tuple[float, float]]] = {}

    def phones_from(self, origin: int) -> list[tuple[int, int, tuple[int, ...], float, float]]:
        """(target, entry label, words, acoustic, graph cost) of the best way through each phone that begins in
        ``origin``."""
        begins: dict[int, list[tuple[int, float, float, tuple[int, ...]]]] = {}
        for state, prefix_cost, prefix_words in self._openings(origin):
            for target, cost, acoustic, word, label in self.entries.get(state, ()):
                words = (*prefix_words, word) if word else prefix_words
                begins.setdefault(label, []).append((target, prefix_cost + cost, acoustic, words))
        return [found for label, firsts in begins.items() for found in self._through(label, firsts)]

    def _openings(self, origin: int) -> list[tuple[int, float, tuple[int, ...]]]:
        """``origin``; from the start of the lattice also what arcs without frames lead to before the first phone."""
        if origin != self.start:
            return [(origin, 0.0, ())]
        found: list[tuple[int, float, tuple[int, ...]]] = []
        stack: list[tuple[int, float, tuple[int, ...]]] = [(origin, 0.0, ())]
        while stack:
            state, cost, words = stack.pop()
            found.append((state, cost, words))
            stack += [
                (target, cost + more, (*words, word) if word else words)
                for target, more, _, word in self.inner.get(state, ())
            ]
        return found

    def _through(self, label: int, firsts: Sequence[tuple[int, float, float, tuple[int, ...]]]):
        """The best way to each state for each string of words emitted on it: homophones that the grammar then treats
        alike come to the same states."""
        best: dict[tuple[int, tuple[int, ...]], tuple[float, float, float]] = {}
        for state, cost, acoustic, words in firsts:
            for (target, more_words), (more, more_acoustic) in self._ways(state).items():
                here, sound = cost + more, acoustic + more_acoustic
                total, key = here - self.scale * sound, (target, words + more_words)
                if key not in best or best[key][0] > total:
                    best[key] = total, here, sound
        for (target, words), (_, cost, acoustic) in best.items():
            yield target, label, words, acoustic, cost

    def _ways(self, first: int) -> dict[tuple[int, tuple[int, ...]], tuple[float, float]]:
        """(target, words) -> (graph cost, acoustic) of the best way on from a state within a phone to each end of it.

        Kept, because what began a frame earlier passes through the same states.
        """
        waiting = [first]
        while waiting:
            state = waiting[-1]
            arcs = self.inner.get(state, ())
            if missing := [arc[0] for arc in arcs if arc[0] not in self.ways]:
                waiting += missing
                continue
            waiting.pop()
            found: dict[tuple[int, tuple[int, ...]], tuple[float, float]]
            found = {(state, ()): (0.0, 0.0)} if state in self.entries else {}
            if state in self.final:
                found[self.END, ()] = self.final[state], 0.0
            for target, cost, acoustic, word in arcs:
                for (end, words), (more, more_acoustic) in self.ways[target].items():
                    key, way = (end, (word, *words) if word else words), (cost + more, acoustic + more_acoustic)
                    if key not in found or self._total(found[key]) > self._total(way):
                        found[key] = way
            self.ways[state] = found
        return self.ways[first]

    def _total(self, way: tuple[float, float]) -> float:
        return way[0] - self.scale * way[1]


def _assemble(
    arcs: list, raw: _RawLattice, end: int, num_steps: int, scale: float, graph: SearchGraph
) -> Lattice | None:
    """Number the nodes by time and put the arcs into a Lattice; arcs that lead to no end are dropped."""
    useful = {end}
    by_rank = sorted(arcs, key=lambda arc: -int(raw.rank[arc[0]]))
    kept = []
    for arc in by_rank:
        if arc[1] in useful:
            useful.add(arc[0])
            kept.append(arc)
    if raw.start not in useful:
        return None
    states = sorted(
        useful - {end}, key=lambda state: (int(raw.frame[state]) if state != raw.start else -1, int(raw.rank[state]))
    )
    number = {state: i for i, state in enumerate(states)} | {end: len(states)}
    # The same phone may reach the end by several final states; only its best way counts.
    merged: dict[tuple[int, int, int, tuple[int, ...]], tuple[float, float]] = {}
    for source, target, label, words, acoustic, cost in kept:
        key = (number[source], number[target], label, words)
        if key not in merged or merged[key][1] - scale * merged[key][0] > cost - scale * acoustic:
            merged[key] = (acoustic, cost)
    keys = sorted(merged, key=lambda key: key[:3])  # words in the order found, as of equals the first is the best path
    phone, words = graph.topology.labels.entered, graph.words
    frames = [0 if state == raw.start else int(raw.frame[state]) for state in states] + [num_steps]
    return Lattice(
        "",
        "",
        "",
        10.0,
        num_steps,
        scale,
        0.0,
        np.array(frames, np.int32),
        np.array([key[0] for key in keys], np.int32),
        np.array([key[1] for key in keys], np.int32),
        [phone[key[2] - 1] for key in keys],
        [" ".join(words[w - 1] for w in key[3]) for key in keys],
        np.array([merged[key][0] for key in keys]),
        -np.array([merged[key][1] for key in keys]),
    )


def best_segments(lattice: Lattice) -> tuple[list[Segment], list[float], list[str]]:
    """The phones of the best path with their frames and the word each belongs to, their posteriors, and these words.

    A word begins with the phone whose arc emits it (see `pipeline.lattice.words.place_words`).
    The posterior of a phone is the share of the paths that say the phone at its frames, averaged over them (Wessel et
    al. 2001, C_med): a phone a frame earlier or later is no doubt about the phone.
    """
    path, segments, words = best_path(lattice), [], []
    for arc in path:
        words += lattice.word[arc].split()
        segments.append(
            Segment(
                lattice.label[arc],
                int(lattice.node_frame[lattice.arc_from[arc]]),
                int(lattice.node_frame[lattice.arc_to[arc]]),
                len(words) - 1 if lattice.label[arc] not in SILENT else -1,
            )
        )
    labels, shares = frame_posteriors(lattice)
    rows = {label: shares[i] for i, label in enumerate(labels)}
    posteriors = [
        float(np.clip(rows[s.label][s.start : s.end].mean(), 0, 1))
        if s.end > s.start
        else float(lattice.posterior[arc])
        for s, arc in zip(segments, path)
    ]
    return segments, posteriors, words
