"""A search frame by frame: what its beam held, and where the grammar overruled the sound.

Kaldi's decoder does not show its beam, so `replay_graph` passes tokens (Young et al. 1989) over the same graph, with
the same beam: it finds the same best path. flashlight's decoder takes frames one by one, and `replay_flashlight` asks
it after each. A prefix is what was said so far; of the ways to say it the best counts. Scores are natural logs, after
scaling.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import kaldifst
import numpy as np

from pipeline.search.flashlight import FlashlightDecoder
from pipeline.search.wfst import SearchGraph

Words = tuple[str, ...]
NEVER = -np.inf


@dataclass(frozen=True)
class Prefix:
    """Words (or phones) so far, with the acoustic score, and that of all else: grammar, lexicon, transitions.

    A graph charges a word where it begins, of several that are still possible the likeliest.
    """

    words: Words
    acoustic: float
    graph: float

    @property
    def total(self) -> float:
        return self.acoustic + self.graph


@dataclass
class Replay:
    """``rows``: for each row of scores the prefixes in the beam, best first; ``said`` the best reading of all, and
    ``so_far`` what of it was said at each row; ``final`` the totals of whole readings. ``met``, where the search tells:
    for each row the prefixes that met another one in the same state, and the least by which they were worse there."""

    rows: list[list[Prefix]] = field(default_factory=list)
    said: Words = ()
    so_far: list[Words] = field(default_factory=list)
    met: list[dict[Words, float]] = field(default_factory=list)
    final: dict[Words, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Overruled:
    """From ``row`` on ``rival`` sounded better than what was said at that time (``winner``), and scored worse.

    ``lead``: by how much it sounded better where that was most; ``cost``: by how much its graph score was worse there.
    ``last``: the last row at which it was in the beam for itself; ``fate``: "met" (another prefix came to the same
    state, with a better score, so that nothing that follows could help it), "pruned", "gone" (one of the two), or
    "lost" (it reached the end); ``behind`` how far behind the best it was then.
    """

    row: int
    winner: Words
    rival: Words
    lead: float
    cost: float
    last: int
    fate: str
    behind: float


# ---- token passing


class _Arcs:
    """Arcs of a graph by their source: those that take a row of scores, or those that take none."""

    def __init__(self, arcs: np.ndarray, num_states: int):
        arcs = arcs[np.argsort(arcs[:, 0], kind="stable")]
        self.target, self.label, self.word = (arcs[:, i].astype(np.int64) for i in (1, 2, 3))
        self.score = -arcs[:, 4]
        self.first = np.searchsorted(arcs[:, 0], np.arange(num_states + 1))

    def leaving(self, states: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(index into ``states``, arc) for every arc that leaves one of them."""
        counts = self.first[states + 1] - self.first[states]
        token = np.repeat(np.arange(len(states)), counts)
        return token, np.arange(len(token)) - np.repeat(np.cumsum(counts) - counts, counts) + self.first[states][token]


class _Histories:
    """What tokens have said, as numbers: (history before, word, row) -> number; ``words`` of each."""

    def __init__(self, names: Sequence[str]):
        self.names, self.row, self.before = names, [-1], [0]
        self.words: list[Words] = [()]
        self.known: dict[tuple[int, int, int], int] = {}
        self.texts: dict[Words, int] = {(): 0}
        self.text = np.zeros(1024, np.int64)  # of each history, the number of its words

    def after(self, before: np.ndarray, words: np.ndarray, row: int) -> np.ndarray:
        """The histories that follow, where ``words`` is not 0."""
        result = before.copy()
        for i in np.flatnonzero(words):
            key = (int(before[i]), int(words[i]), row)
            if key not in self.known:
                self.known[key] = len(self.words)
                self.words.append((*self.words[key[0]], self.names[key[1] - 1]))
                self.row.append(row)
                self.before.append(key[0])
                if len(self.words) > len(self.text):
                    self.text = np.concatenate([self.text, np.zeros_like(self.text)])
                self.text[len(self.words) - 1] = self.texts.setdefault(self.words[-1], len(self.texts))
            result[i] = self.known[key]
        return result


@dataclass
class _Tokens:
    """One token a state: (N,) states, totals, acoustic scores, histories."""

    state: np.ndarray
    total: np.ndarray
    acoustic: np.ndarray
    history: np.ndarray

    def best(self, histories: _Histories, met: dict[Words, float]) -> _Tokens:
        """The best token of each state; ``met`` learns of prefixes that met a better one, and how much worse they
        were."""
        order = np.lexsort((-self.total, self.state))
        first = np.diff(self.state[order], prepend=-1) != 0
        winner = order[np.flatnonzero(first)[np.cumsum(first) - 1]]
        text = histories.text[self.history]
        beaten = np.flatnonzero(text[order] != text[winner])
        for token, loss in zip(order[beaten], self.total[winner[beaten]] - self.total[order[beaten]]):
            words = histories.words[self.history[token]]
            met[words] = min(met.get(words, np.inf), float(loss))
        return self.take(order[first])

    def take(self, kept: np.ndarray) -> _Tokens:
        return _Tokens(self.state[kept], self.total[kept], self.acoustic[kept], self.history[kept])

    def with_others(self, more: _Tokens) -> _Tokens:
        return _Tokens(
            *(
                np.concatenate([getattr(self, name), getattr(more, name)])
                for name in ("state", "total", "acoustic", "history")
            )
        )


def replay_graph(graph: SearchGraph, scores: np.ndarray, scale: float, beam: float) -> Replay:
    """Search (T, columns) scores as Kaldi's decoder does, and keep what was in the beam at every row."""
    emitting, silent, final, start = _read(graph.fst)
    histories, replay, column = _Histories(graph.words), Replay(), graph.topology.labels.column
    tokens = _Tokens(np.array([start]), np.zeros(1), np.zeros(1), np.zeros(1, np.int64))
    tokens = _without_frames(tokens, silent, histories, 0, beam, {})
    for row, frame in enumerate(scale * np.asarray(scores, np.float32)):
        token, arc = emitting.leaving(tokens.state)
        sound = frame[column[emitting.label[arc] - 1]].astype(float)
        tokens = _Tokens(
            emitting.target[arc],
            tokens.total[token] + emitting.score[arc] + sound,
            tokens.acoustic[token] + sound,
            histories.after(tokens.history[token], emitting.word[arc], row),
        )
        if not len(tokens.total):
            return replay
        met: dict[Words, float] = {}
        tokens = tokens.take(np.flatnonzero(tokens.total >= tokens.total.max() - beam)).best(histories, met)
        tokens = _without_frames(tokens, silent, histories, row, beam, met)
        replay.met.append(met)
        replay.rows.append(_prefixes(tokens, histories))
    ended = tokens.take(np.flatnonzero(final[tokens.state] > NEVER))
    ended.total = ended.total + final[ended.state]
    if len(ended.total):
        replay.final = {prefix.words: prefix.total for prefix in _prefixes(ended, histories)}
        said = int(ended.history[ended.total.argmax()])
        replay.said = histories.words[said]
        chain = [said]
        while chain[-1]:
            chain.append(histories.before[chain[-1]])
        for row in range(len(scores)):
            replay.so_far.append(histories.words[next(h for h in chain if histories.row[h] <= row)])
    return replay


def _read(fst: kaldifst.StdVectorFst) -> tuple[_Arcs, _Arcs, np.ndarray, int]:
    """Arcs with and without a label, (states,) natural log of ending in a state, and the start."""
    arcs, final = [], np.full(fst.num_states, NEVER)
    for line in fst.to_str().splitlines():
        fields = line.split()
        if len(fields) > 2:
            arcs.append([float(x) for x in fields] + [0.0] * (5 - len(fields)))
        elif fields:
            final[int(fields[0])] = -float(fields[1]) if len(fields) == 2 else 0.0
    table = np.array(arcs)
    return (*(_Arcs(table[which], fst.num_states) for which in (table[:, 2] > 0, table[:, 2] == 0)), final, fst.start)


def _without_frames(
    tokens: _Tokens, silent: _Arcs, histories: _Histories, row: int, beam: float, met: dict[Words, float]
) -> _Tokens:
    """With the states that arcs without a label lead to."""
    fresh = tokens
    while True:
        fresh = fresh.take(np.flatnonzero(fresh.total >= tokens.total.max() - beam))
        token, arc = silent.leaving(fresh.state)
        if not len(arc):
            return tokens
        there = _Tokens(
            silent.target[arc],
            fresh.total[token] + silent.score[arc],
            fresh.acoustic[token],
            histories.after(fresh.history[token], silent.word[arc], row),
        )
        known = dict(zip(tokens.state.tolist(), tokens.total.tolist()))
        tokens = tokens.with_others(there).best(histories, met)
        fresh = tokens.take(
            np.flatnonzero(
                [total > known.get(state, NEVER) for state, total in zip(tokens.state.tolist(), tokens.total.tolist())]
            )
        )


def _prefixes(tokens: _Tokens, histories: _Histories) -> list[Prefix]:
    """The best token of each word sequence, best first."""
    found: dict[Words, Prefix] = {}
    for i in np.argsort(-tokens.total, kind="stable").tolist():
        words = histories.words[tokens.history[i]]
        if words not in found:
            acoustic = float(tokens.acoustic[i])
            found[words] = Prefix(words, acoustic, float(tokens.total[i]) - acoustic)
    return list(found.values())


# ---- flashlight


def replay_flashlight(decoder: FlashlightDecoder, log_posteriors: np.ndarray) -> Replay:
    """The prefixes that flashlight's beam held, in the words' nats: its scores divided by its language model weight."""
    replay, paths, weight = Replay(), [], decoder.settings.lm_weight
    for results in decoder.steps(log_posteriors):
        found: dict[Words, Prefix] = {}
        for result in results:
            words = tuple(decoder.words[label] for label in result.words if label >= 0)
            acoustic, total = result.emittingModelScore / weight, result.score / weight
            if words not in found or total > found[words].total:
                found[words] = Prefix(words, acoustic, total - acoustic)
        replay.rows.append(sorted(found.values(), key=lambda prefix: -prefix.total))
        paths = results
    replay.final = {prefix.words: prefix.total for prefix in replay.rows.pop()} if replay.rows else {}
    if paths:
        labels = max(paths, key=lambda result: result.score).words
        replay.said = tuple(decoder.words[label] for label in labels if label >= 0)
        replay.so_far = [
            tuple(decoder.words[label] for label in labels[: row + 2] if label >= 0) for row in range(len(replay.rows))
        ]
    return replay


# ---- what it means


def overruled(replay: Replay) -> list[Overruled]:
    """The prefixes that sounded better than what was said in the end, the one that sounded better by most first."""
    rivals: dict[Words, list[tuple[int, Prefix, Prefix]]] = {}
    for row, (prefixes, so_far) in enumerate(zip(replay.rows, replay.so_far)):
        winner = next((prefix for prefix in prefixes if prefix.words == so_far), None)
        if winner is None:
            continue
        for prefix in prefixes:
            rival = _parted(prefix.words, replay.said)
            if rival and prefix.acoustic > winner.acoustic and prefix.total < winner.total:
                rivals.setdefault(rival, []).append((row, winner, prefix))
    found = [_overruled(replay, rival, seen) for rival, seen in rivals.items()]
    return sorted(found, key=lambda one: -one.lead)


def _parted(words: Words, said: Words) -> Words:
    """``words`` up to the first that was not said; empty if all were."""
    same = next((i for i, (a, b) in enumerate(zip(words, said)) if a != b), min(len(words), len(said)))
    return words[: same + 1] if same < len(words) else ()


def _overruled(replay: Replay, rival: Words, seen: list[tuple[int, Prefix, Prefix]]) -> Overruled:
    size, first = len(rival), seen[0]
    _, winner, most = max(seen, key=lambda one: one[2].acoustic - one[1].acoustic)
    last = max(row for row, prefixes in enumerate(replay.rows) if any(p.words[:size] == rival for p in prefixes))
    meetings = [
        (loss, row)
        for row in range(first[0], len(replay.met))
        for words, loss in replay.met[row].items()
        if words[:size] == rival
    ]
    if meetings:
        fate, (behind, last) = "met", min(meetings)
        last -= 1
    elif last + 1 == len(replay.rows):
        total = max((score for words, score in replay.final.items() if words[:size] == rival), default=NEVER)
        fate, behind = "lost", replay.final.get(replay.said, NEVER) - total
    else:
        prefixes = replay.rows[last]
        behind = prefixes[0].total - max(p.total for p in prefixes if p.words[:size] == rival)
        fate = "pruned" if replay.met else "gone"
    return Overruled(
        first[0],
        first[1].words,
        rival,
        most.acoustic - winner.acoustic,
        winner.graph - most.graph,
        last,
        fate,
        float(behind),
    )


def changes(replay: Replay, top: int) -> Iterator[tuple[int, list[Prefix]]]:
    """The rows at which the best ``top`` prefixes are others, or in another order, than before."""
    before: list[Words] = []
    for row, prefixes in enumerate(replay.rows):
        now = [prefix.words for prefix in prefixes[:top]]
        if now != before:
            yield row, prefixes[:top]
        before = now
