"""Decoding graphs H ∘ C ∘ L ∘ G, as weighted finite-state transducers (Mohri et al. 2002): an HMM or CTC topology, the
context of its phones where that makes a difference (`pipeline.search.topology`), lexicon and grammar.

Costs are negative natural logarithms.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import kaldifst

from lexicon.ngram import BEGIN, END, NATURAL, UNKNOWN, NGram
from lexicon.pauses import Pauses
from lexicon.phones import SILENCE
from pipeline.neural.arc_graph import READS_NOTHING, ArcGraph
from pipeline.search.topology import Arc, Labels, Topology

Lexicon = Mapping[str, Sequence[tuple[float, tuple[str, ...]]]]


def _compile(arcs: Sequence[Arc], finals: Mapping[int, float]) -> kaldifst.StdVectorFst:
    """The transducer of ``arcs`` whose start is state 0."""
    ordered = sorted(arcs, key=lambda arc: arc[0])  # OpenFst takes the first line's state as the start
    lines = [f"{a} {b} {i} {o} {w:.9g}" for a, b, i, o, w in ordered]
    lines += [f"{state} {w:.9g}" for state, w in finals.items()]
    return kaldifst.compile("\n".join(lines) + "\n", keep_state_numbering=True)


def _grammar(
    lm: NGram, words: Mapping[str, int], backoff_label: int, word_score: float
) -> tuple[kaldifst.StdVectorFst, dict[tuple[str, ...], int]]:
    """The n-gram model as an acceptor, and its states: one a history, backoff arcs labelled #0 (Kaldi's arpa2fst)."""
    states: dict[tuple[str, ...], int] = {}

    def state(history: tuple[str, ...]) -> int:
        return states.setdefault(history, len(states))

    state(_longest(lm, (BEGIN,)))
    arcs, finals = [], {}
    for ngram, log10 in lm.logprob.items():
        history, word = ngram[:-1], ngram[-1]
        if _longest(lm, history) != history or BEGIN == word or word == UNKNOWN or log10 < -90:
            continue
        if word == END:
            finals[state(history)] = -log10 * NATURAL
        elif word in words:
            arcs.append(
                (state(history), state(_longest(lm, ngram)), words[word], words[word], -log10 * NATURAL - word_score)
            )
    for history, log10 in lm.backoff.items():
        if history and history in states:
            arcs.append((state(history), state(_longest(lm, history[1:])), backoff_label, 0, -log10 * NATURAL))
    return _compile(arcs, finals), states


def _longest(lm: NGram, history: tuple[str, ...]) -> tuple[str, ...]:
    """As much of a history as the model knows as one."""
    history = history[-(lm.order - 1) :] if lm.order > 1 else ()
    while history and history not in lm.backoff:
        history = history[1:]
    return history


def _pronunciations(
    lexicon: Lexicon, words: Mapping[str, int], symbols: Mapping[str, int]
) -> list[tuple[int, float, list[int], int]]:
    """(word, cost, phone symbols, number of the disambiguation symbol or 0): homophones and prefixes of other
    pronunciations get one, so that the lexicon can be determinized (Kaldi's add_lex_disambig.pl)."""
    entries = [
        (words[word], -math.log(prob), tuple(symbols[p] for p in phones))
        for word in words
        for prob, phones in lexicon[word]
    ]
    prefixes = {phones[:k] for _, _, phones in entries for k in range(1, len(phones))}
    seen: dict[tuple[int, ...], int] = {}
    count: dict[tuple[int, ...], int] = {}
    for _, _, phones in entries:
        count[phones] = count.get(phones, 0) + 1
    result = []
    for word, cost, phones in entries:
        extra = 0
        if count[phones] > 1 or phones in prefixes:
            extra = seen[phones] = seen.get(phones, 0) + 1
        result.append((word, cost, list(phones), extra))
    return result


def _lexicon_fst(
    entries: Sequence[tuple[int, float, list[int], int]],
    silence: int,
    pauses: Pauses | float,
    after: Sequence[float],
    first_disambig: int,
    backoff_word: int,
) -> kaldifst.StdVectorFst:
    """Phones to words, with optional silence (Kaldi's make_lexicon_fst.pl); ``silence`` 0: none.

    State 0 start, 1 between words, 2 before a silence, 4 the end, 5 before its silence. ``pauses`` is the probability
    of every silence, or those of the first and the last, ``after`` then holding those after each entry where another
    word follows: only a path that ends may go to 4 and 5. Symbol first_disambig is #0 (backoff), the next follows
    silence.
    """

    def fork(prob: float, no: int, yes: int) -> list[tuple[int, float]]:
        return [(no, -math.log(1 - prob)), (yes, -math.log(prob))] if silence else [(no, 0.0)]

    counted = silence and isinstance(pauses, Pauses)
    begin, last = (pauses.begin, fork(pauses.end, 4, 5)) if isinstance(pauses, Pauses) else (pauses, [])
    last = last if counted else []
    arcs = [(1, 1, first_disambig, backoff_word, 0.0)]
    arcs += [(0, there, 0, 0, cost) for there, cost in fork(begin, 1, 2) + (fork(begin, 4, 5) if counted else [])]
    if silence:
        arcs += [(2, 3, silence, 0, 0.0), (3, 1, first_disambig + 1, 0, 0.0)]
    if counted:
        arcs += [(5, 6, silence, 0, 0.0), (6, 4, first_disambig + 1, 0, 0.0), (4, 4, first_disambig, backoff_word, 0.0)]
    state = 7 if counted else 4
    for (word, cost, phones, extra), prob in zip(entries, after):
        leave = fork(prob, 1, 2) + last
        path = [*phones, first_disambig + 1 + extra] if extra else phones
        here = 1
        for index, symbol in enumerate(path):
            output, weight = (word, cost) if index == 0 else (0, 0.0)
            if index == len(path) - 1:
                arcs += [(here, end, symbol, output, weight + extra_cost) for end, extra_cost in leave]
            else:
                arcs.append((here, state, symbol, output, weight))
                here, state = state, state + 1
    return _compile(arcs, {4 if counted else 1: 0.0})


def decoding_graph(
    topology: Topology,
    lexicon: Lexicon,
    lm: NGram,
    words: Sequence[str],
    pauses: Pauses | float,
    word_score: float = 0.0,
) -> kaldifst.StdVectorFst:
    """H ∘ C ∘ min(det(lexicon ∘ grammar)): reads labels, writes words (symbol i + 1 is words[i]).

    ``words`` is the vocabulary, ``word_score`` is added (natural log) for each word, ``pauses`` the probability of a
    pause wherever there may be one, or the counted ones. For a free phone search the phones are their own words.
    """
    numbers = {word: i for i, word in enumerate(words, 1)}
    grammar, _ = _grammar(lm, numbers, len(numbers) + 1, word_score)
    graph = _expand(topology, lexicon, grammar, numbers, len(numbers) + 1, pauses)
    if graph.num_states == 0:
        raise ValueError("empty decoding graph")
    return graph


class AnswerGraphs:
    """`decoding_graph` with the same arguments, cut down to one answer at a time: what it scores there, it scores
    here."""

    def __init__(
        self,
        topology: Topology,
        lexicon: Lexicon,
        lm: NGram,
        words: Sequence[str],
        pauses: Pauses | float,
        word_score: float = 0.0,
    ):
        self.topology, self.lexicon, self.pauses, self.lm = topology, lexicon, pauses, lm
        self.numbers = {word: i for i, word in enumerate(words, 1)}
        self.grammar, self.states = _grammar(lm, self.numbers, len(self.numbers) + 1, word_score)
        kaldifst.arcsort(self.grammar, "olabel")
        self.unending = self.grammar.copy()
        for state in self.states.values():
            self.unending.set_final(state, 0.0)

    def graph(
        self,
        answer: Sequence[Collection[str]],
        said: Mapping[str, Collection[tuple[str, ...]]] = {},
        history: Sequence[str] = (),
        ends: bool = True,
    ) -> kaldifst.StdVectorFst:
        """Only the paths with as many words as ``answer``, word i being one of answer[i]; without states if there are
        none.

        ``said`` adds pronunciations to words, as probable as the first that they have, and with its pauses. A part of a
        sentence begins after the words of ``history``, and may go on where it does not end.
        """
        line = _compile(
            [
                (i, i + 1, self.numbers[word], self.numbers[word], 0.0)
                for i, choice in enumerate(answer)
                for word in sorted(choice)
            ],
            {len(answer): 0.0},
        )
        kaldifst.arcsort(line, "ilabel")
        grammar = self.grammar if ends else self.unending
        grammar.start = self.states[_longest(self.lm, (BEGIN, *history))]
        lexicon, pauses = self.lexicon, self.pauses
        for word, variants in said.items():
            prob, first = lexicon[word][0]
            lexicon = {**lexicon, word: [*lexicon[word], *((prob, phones) for phones in variants)]}
            if isinstance(pauses, Pauses):
                pauses = replace(
                    pauses,
                    after={
                        **pauses.after,
                        **dict.fromkeys(((word, phones) for phones in variants), pauses.after[word, first]),
                    },
                )
        used = {word: self.numbers[word] for word in sorted(set().union(*answer))}
        return _expand(self.topology, lexicon, kaldifst.compose(grammar, line), used, len(self.numbers) + 1, pauses)

    def language(self, words: Sequence[str], history: Sequence[str] = (), ends: bool = True) -> float:
        """Natural log of what the grammar gives to words, as the graph does: it may back off where that is likelier."""
        ways = {_longest(self.lm, (BEGIN, *history)): 0.0}
        for word in [*words, END] if ends else words:
            after: dict[tuple[str, ...], float] = {}
            for seen, log10 in ways.items():
                for known in (seen[i:] for i in range(len(seen) + 1)):
                    if (*known, word) in self.lm.logprob:
                        there = _longest(self.lm, (*known, word))
                        after[there] = max(after.get(there, -math.inf), log10 + self.lm.logprob[*known, word])
                    log10 += self.lm.backoff.get(known, 0.0)
            ways = after
        return NATURAL * max(ways.values())


def _expand(
    topology: Topology,
    lexicon: Lexicon,
    grammar: kaldifst.StdVectorFst,
    numbers: Mapping[str, int],
    backoff_word: int,
    pauses: Pauses | float,
) -> kaldifst.StdVectorFst:
    """H ∘ C ∘ min(det(lexicon ∘ grammar)), the lexicon being of the words that ``numbers`` has."""
    symbols = {phone: i for i, phone in enumerate(topology.phones, 1)}
    entries = _pronunciations(lexicon, numbers, symbols)
    first = len(symbols) + 1
    disambig = range(first, first + 2 + max((extra for *_, extra in entries), default=0))
    after = [
        pauses.after[word, phones] if isinstance(pauses, Pauses) else pauses
        for word in numbers
        for _, phones in lexicon[word]
    ]  # in the order of the entries
    lexicon_fst = _lexicon_fst(
        entries, symbols.get(SILENCE, 0) if topology.silence else 0, pauses, after, first, backoff_word
    )
    kaldifst.arcsort(lexicon_fst, "olabel")
    kaldifst.arcsort(grammar, "ilabel")
    graph = kaldifst.compose(lexicon_fst, grammar)
    if graph.num_states == 0:
        return graph
    kaldifst.determinize_star(graph)
    kaldifst.minimize_encoded(graph)
    return _read_by(topology, graph, disambig)


def _read_by(topology: Topology, graph: kaldifst.StdVectorFst, disambig: Sequence[int] = ()) -> kaldifst.StdVectorFst:
    """H ∘ C ∘ a graph that reads phones, or H ∘ it where phones have no context."""
    if topology.context:
        states = sorted({state for arc in topology.context.arcs for state in arc[:2]})
        graph = _after(topology.context.arcs, topology.context.finals, states, disambig, graph)
        disambig = ()
    # A phone may begin in any state where one may end.
    return _after(topology.arcs, topology.finals, topology.finals, disambig, graph)


def _after(
    arcs: Sequence[Arc],
    finals: Sequence[int],
    passing: Sequence[int],
    disambig: Sequence[int],
    graph: kaldifst.StdVectorFst,
) -> kaldifst.StdVectorFst:
    """The transducer of ``arcs`` ∘ ``graph``; disambiguation symbols are passed in the states ``passing``, and
    vanish."""
    loops = [(state, state, 0, symbol, 0.0) for state in passing for symbol in disambig]
    machine = _compile([*arcs, *loops], dict.fromkeys(finals, 0.0))
    kaldifst.arcsort(machine, "olabel")
    kaldifst.arcsort(graph, "ilabel")
    return kaldifst.compose(machine, graph)


class Skip(NamedTuple):
    """The cost of leaving words of a text out: of the first of a run of them, and of each further one. At the beginning
    and at the end of the text the further ones cost nothing."""

    first: float
    further: float


def linear_graph(
    topology: Topology, lexicon: Lexicon, words: Sequence[str], silence_prob: float, skip: Skip | None = None
) -> kaldifst.StdVectorFst:
    """H ∘ C ∘ these words in this order: a path reads one pronunciation of each, with pauses between or without.

    Word i is written as symbol i + 1 where its first phone begins. States 2i and 2i + 1 stand before word i, before and
    after the choice of a pause. With ``skip`` a path may leave words out: it goes from state 2i to a lane beside the
    words, a state for each, and back wherever it likes.
    """
    symbols = {phone: i for i, phone in enumerate(topology.phones, 1)}
    pause = [(0, 0.0)]
    if topology.silence:
        pause = [(0, -math.log(1 - silence_prob)), (symbols[SILENCE], -math.log(silence_prob))]
    arcs = [(2 * i, 2 * i + 1, symbol, 0, cost) for i in range(len(words) + 1) for symbol, cost in pause]
    state = 2 * len(words) + 2
    for i, word in enumerate(words):
        for prob, phones in lexicon[word]:
            inner = range(state, state + len(phones) - 1)
            path = [2 * i + 1, *inner, 2 * i + 2]
            arcs += [
                (a, b, symbols[phone], 0 if k else i + 1, 0.0 if k else -math.log(prob))
                for k, (a, b, phone) in enumerate(zip(path, path[1:], phones))
            ]
            state += len(inner)
    if skip:
        lane = [state + i for i in range(len(words))]  # where words up to i have been left out
        arcs += [(2 * i, after, 0, 0, skip.first) for i, after in enumerate(lane)]
        arcs += [(before, after, 0, 0, skip.further) for before, after in zip(lane, lane[1:])]
        arcs += [(after, 2 * i + 2, 0, 0, 0.0) for i, after in enumerate(lane)]
        arcs += [(0, 2 * i, 0, 0, skip.first) for i in range(2, len(words))]  # further than along the lane
        arcs += [(2 * i, 2 * len(words), 0, 0, skip.first) for i in range(len(words) - 1)]
    line = _compile(arcs, {2 * len(words) + 1: 0.0})
    return _read_by(topology, line)


def arc_graph(fst: kaldifst.StdVectorFst, labels: Labels) -> ArcGraph:
    """A decoding graph for sums over all its paths: its labels as the columns of scores that they read."""
    lines = [line.split() for line in fst.to_str().splitlines()]  # of arcs and ends; those of the start come first
    arcs = [
        (int(a), int(b), int(labels.column[int(label) - 1]) if int(label) else READS_NOTHING, float(*(cost or "0")))
        for a, b, label, _, *cost in (line for line in lines if len(line) > 2)
    ]
    finals = {int(state): float(*(cost or "0")) for state, *cost in (line for line in lines if 0 < len(line) <= 2)}
    return ArcGraph.of(arcs, finals, int(lines[0][0]))


def phone_loop(topology: Topology) -> tuple[dict[str, list[tuple[float, tuple[str, ...]]]], list[str]]:
    """The lexicon and vocabulary of a free phone search: each phone but silence spells itself."""
    phones = [phone for phone in topology.phones if phone != SILENCE]
    return {phone: [(1.0, (phone,))] for phone in phones}, phones
