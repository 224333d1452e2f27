"""Search: the best words or phones for a matrix of scores, and everything the decoder considered, as a phone lattice.

Tokens are passed as by Kaldi's decoders, with the same beams (`pipeline.search.token_passing`). The lattice that
`search` gives holds a phone string once for every alignment that the search kept; see `pipeline.lattice.determinize`.
"""

from __future__ import annotations

import copyreg
import io
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import kaldifst
import numpy as np

from lexicon.phones import SILENT
from pipeline.base.training import setting
from pipeline.lattice import Lattice, best_path, forward_backward, frame_posteriors
from pipeline.search.topology import Topology
from pipeline.times.segments import Segment

if TYPE_CHECKING:
    from pipeline.search.token_passing import Arcs

# Links of a lattice for a row of scores; more of them are cut into phones and determinized for minutes. On dev
# `prompts` there are 18 at most, with a network that has learnt nothing thousands.
MOST_ARCS = 100
MOST_TOKENS = 4_000_000  # of 12 bytes; from there on those that no lattice needs are forgotten
ROOM = 4096  # for tokens, and rows, to begin with
LEAST_BEAM = 1e-3  # natural log; what is still too much are ties, which no beam cuts


@dataclass(frozen=True)
class Beams:
    """Pruning as Kaldi's: ``beam`` during the search, ``lattice_beam`` for what is kept beside the best path.

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
    """How a transducer goes to a process of another machine: kaldifst, which writes files alone, does not say."""
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

    @cached_property
    def arcs(self) -> Arcs:
        """Its arcs as the search reads them."""
        from pipeline.search.token_passing import Arcs  # with numba, which is slow to import

        states = self.fst.num_states
        final = np.array([self.fst.final(state).value for state in range(states)])
        lines = io.StringIO(self.fst.to_str(show_weight_one=True))  # of five columns, and of two where a state is final
        table = np.fromstring("".join(line for line in lines if len(line.split()) == 5), sep=" ").reshape(-1, 5)
        table = table[np.lexsort((table[:, 2] == 0, table[:, 0]))]
        source, target, label, word = np.ascontiguousarray(table[:, :4].T, np.int32)
        first, enter = np.zeros((2, states + 1), np.int64)
        np.cumsum(np.bincount(source, minlength=states), out=first[1:])
        np.cumsum(np.bincount(target, minlength=states), out=enter[1:])
        middle = first[:-1] + np.bincount(source[label != 0], minlength=states)
        into = np.argsort(target, kind="stable").astype(np.int32)
        column = np.append(-1, self.topology.labels.column)[label].astype(np.int32)
        cost = table[:, 4].astype(np.float32)
        return Arcs(first, middle, enter, into, source, target, label, word, column, cost, final)


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
    """Search one utterance; None if no path reaches the end.

    scores: (T, columns) log-likelihoods (or CTC log-posteriors), one row for ``step`` frames. Returns the phone
    lattice, with ``posteriors`` unless they are not wanted, its nodes counted in frames (``num_frames`` of
    them). Where there are more than MOST_ARCS links a row, the lattice beam is halved until there are no more;
    ``Lattice.beam`` says what it is then.
    """
    scores = _checked(scores, graph)
    passing = Search(graph, acoustic_scale, beams)
    passing.step(scores)
    found = passing.links()
    if found is None:
        return None
    links, lattice_beam = found
    lattice = _cut_into_phones(links, scores, acoustic_scale, graph)
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


class _Links(NamedTuple):
    """A lattice of rows: (L,) source, target, and arc of the graph of each link, by source; (S,) how many rows come
    before each state, and the cost of ending in it. State 0 is the start."""

    source: np.ndarray
    target: np.ndarray
    arc: np.ndarray
    row: np.ndarray
    final: np.ndarray


class Search:
    """Token passing through a graph for scores that come bit by bit, and what it found so far."""

    def __init__(self, graph: SearchGraph, acoustic_scale: float, beams: Beams):
        from pipeline.search.token_passing import Tokens, begin_at  # with numba, which is slow to import

        self.graph, self.acoustic_scale, self.beams = graph, acoustic_scale, beams
        self.num_rows, self.scaled = 0, np.empty((0, len(graph.topology.labels.readers)), np.float32)
        states = len(graph.arcs.final)
        self.most_tokens, size = MOST_TOKENS, states + ROOM
        self.tokens = Tokens(
            np.empty(size, np.int32), np.empty(size), np.zeros(2, np.int64), np.full(states, -1, np.int64)
        )
        self.work = np.empty(states, np.int32), np.zeros(states, np.bool_)
        if states:
            begin_at(graph.arcs, self.tokens, graph.fst.start, beams.beam, *self.work)

    def step(self, scores: np.ndarray) -> None:
        """The next rows (T, columns), any number of them, none among them."""
        from pipeline.search.token_passing import advance

        if not len(scores) or not len(self.graph.arcs.final):
            return
        scores, done = _checked(scores, self.graph), self.num_rows
        self.num_rows += len(scores)
        if self.num_rows > len(self.scaled):
            spare = np.empty((max(self.num_rows, ROOM), scores.shape[1]), np.float32)
            self.scaled = np.concatenate([self.scaled[:done], spare])
            self.tokens = self.tokens._replace(
                begins=np.concatenate([self.tokens.begins, np.zeros(len(spare), np.int64)])
            )
        self.scaled[done : self.num_rows] = self.acoustic_scale * scores
        while True:
            done = advance(self.graph.arcs, self.tokens, self._rows(), done, self.beams.beam, *self.work)
            if done == self.num_rows:
                return
            self._make_room(self._rows()[:done])

    def _rows(self) -> np.ndarray:
        """The scaled scores (T, columns) so far."""
        return self.scaled[: self.num_rows]

    def _make_room(self, every: np.ndarray) -> None:
        """For more tokens. Where there are many, those that can be in no lattice are forgotten before."""
        from pipeline.search.token_passing import forget, way_back

        kept = int(self.tokens.begins[len(every) + 1])
        if kept > self.most_tokens:
            beyond = np.full(kept, np.inf)
            beyond[self.tokens.begins[len(every)] :] = 0
            way_back(self.graph.arcs, self.tokens, every, self.beams.lattice_beam, beyond, 2**62)
            kept = forget(self.tokens, len(every), beyond, self.beams.lattice_beam)
            self.most_tokens = max(MOST_TOKENS, 2 * kept)
        size = kept + len(self.graph.arcs.final) + max(kept, ROOM)
        if size > len(self.tokens.state):
            state, cost = np.empty(size, np.int32), np.empty(size)
            state[:kept], cost[:kept] = self.tokens.state[:kept], self.tokens.cost[:kept]
            self.tokens = self.tokens._replace(state=state, cost=cost)

    def _last(self) -> tuple[np.ndarray, np.ndarray]:
        """The states and costs of the tokens after the last row."""
        begin, end = self.tokens.begins[self.num_rows : self.num_rows + 2]
        return self.tokens.state[begin:end], self.tokens.cost[begin:end]

    @property
    def at_end(self) -> bool:
        """Whether some path may end after these rows."""
        return self.num_rows > 0 and bool(np.isfinite(self.graph.arcs.final[self._last()[0]]).any())

    def best(self, end: bool = False) -> tuple[tuple[str, ...], list[tuple[str, int, int]]]:
        """The words so far, and the phones with their rows; nothing where no path is left. ``end``: of the paths that
        may end here."""
        from pipeline.search.token_passing import best_arcs

        states, costs = self._last()
        if not self.num_rows or not len(states):
            return (), []
        totals = costs + self.graph.arcs.final[states] if end and self.at_end else costs
        last = int(self.tokens.begins[self.num_rows]) + int(totals.argmin())
        path, arcs = best_arcs(self.graph.arcs, self.tokens, self._rows(), last), self.graph.arcs
        entered = self.graph.topology.labels.entered
        phones_of = [entered[label - 1] for label in arcs.label[path].tolist() if label]
        begins = [row for row, phone in enumerate(phones_of) if phone]
        phones = [(phones_of[a], a, b) for a, b in zip(begins, [*begins[1:], len(phones_of)])]
        return tuple(self.graph.words[word - 1] for word in arcs.word[path].tolist() if word), phones

    def links(self) -> tuple[_Links, float] | None:
        """What lies within the lattice beam of the best path to the end, or within what the beam is then; None if no
        path reaches the end."""
        from pipeline.search.token_passing import way_back

        if not self.at_end:
            return None
        every, lattice_beam = self._rows(), self.beams.lattice_beam
        (states, costs), final = self._last(), self.graph.arcs.final
        totals = costs + final[states]
        begins = self.tokens.begins[: len(every) + 2]
        while True:
            beyond = np.full(begins[-1], np.inf)
            beyond[begins[-2] :] = totals - totals.min()
            most = MOST_ARCS * len(every) if lattice_beam > LEAST_BEAM else 2**62
            number, source, target, arc = way_back(self.graph.arcs, self.tokens, every, lattice_beam, beyond, most)
            if number <= most:
                break
            lattice_beam /= 2
        order = np.lexsort((-arc, source))  # of equals that counts which comes last in the graph
        kept = np.flatnonzero(beyond <= lattice_beam)
        source, target = (np.searchsorted(kept, token[order]).astype(np.int32) for token in (source, target))
        row = np.searchsorted(begins, kept, side="right") - 1
        ends = np.where(row == len(every), final[self.tokens.state[kept]], np.inf)
        return _Links(source, target, arc[order], row, ends), lattice_beam


def _checked(scores: np.ndarray, graph: SearchGraph) -> np.ndarray:
    """ValueError unless they are scores (T, columns) for this graph, and finite."""
    scores, columns = np.asarray(scores, np.float32), len(graph.topology.labels.readers)
    if scores.ndim != 2 or scores.shape[1] != columns or not np.isfinite(scores).all():
        raise ValueError(f"scores {scores.shape} for {columns} columns, or not finite")
    return scores


def _cut_into_phones(links: _Links, scores: np.ndarray, scale: float, graph: SearchGraph) -> Lattice:
    """The lattice of phones: nodes are the states in which one may begin, and the end."""
    from pipeline.search.phone_arcs import phone_arcs  # with numba, which is slow to import

    arcs, states = graph.arcs, len(links.final)
    label, word = arcs.label[links.arc], arcs.word[links.arc]
    enters = np.array([False, *map(bool, graph.topology.labels.entered)])[label]
    rows = np.minimum(links.row[links.source], len(scores) - 1)
    acoustic = np.where(label > 0, scores[rows, arcs.column[links.arc]], 0.0).astype(np.float64)
    source, target, entry, words, acoustic, cost, cell_word, cell_rest = phone_arcs(
        np.searchsorted(links.source, np.arange(states + 1)),
        links.target,
        np.where(enters, label, 0).astype(np.int32),
        word,
        arcs.cost[links.arc].astype(np.float64),
        acoustic,
        links.final,
        scale,
        len(graph.words),
    )
    order = np.lexsort((entry, target, source))  # stable: as of equals the first is the best path
    nodes, ends = np.unique(np.concatenate([source[order], target[order], [states]]), return_inverse=True)
    texts = {string: _text(string, cell_word, cell_rest, graph.words) for string in set(words.tolist())}
    phones = graph.topology.labels.entered
    return Lattice(
        "",
        "",
        "",
        10.0,
        len(scores),
        scale,
        0.0,
        np.append(links.row, len(scores))[nodes].astype(np.int32),
        ends[: len(order)].astype(np.int32),
        ends[len(order) : 2 * len(order)].astype(np.int32),
        [phones[number - 1] for number in entry[order].tolist()],
        [texts[string] for string in words[order].tolist()],
        acoustic[order],
        -cost[order],
    )


def _text(string: int, cell_word: np.ndarray, cell_rest: np.ndarray, words: Sequence[str]) -> str:
    """The words of a string that `phone_arcs` numbered."""
    found = []
    while string:
        found.append(words[cell_word[string] - 1])
        string = int(cell_rest[string])
    return " ".join(found)


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
