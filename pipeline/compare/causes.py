"""Where an error comes from: was the right answer pruned, impossible, or did the models prefer another, and which of
them?

Each stretch of wrong words (or phones) is judged by itself: what was heard, against the same with that stretch put
right. Both are scored by the search's own graph and scales, cut down to this one answer and searched with a wide beam,
so that their scores are comparable to the last digit. (Chase 1997, Error-responsive feedback mechanisms for speech
recognizers, does so with words.) What is compared, in nats after scaling:

    acoustic   acoustic scale x log score of the frames
    lexicon    pronunciation, pauses, and the HMMs' transitions, which is all that they say of durations
    language   n-gram and insertion score
"""

from __future__ import annotations

import math
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import groupby, product
from typing import Any

import numpy as np

from lexicon.dictionary import Weighted
from lexicon.fold import Fold
from lexicon.lang import Lang
from lexicon.phones import SILENT, spoken
from pipeline.base.edits import GAP, pair_up
from pipeline.lattice import Lattice, best_path
from pipeline.search.decode import LetterSearch, SearchSettings, knowledge
from pipeline.search.graph import AnswerGraphs
from pipeline.search.system import System
from pipeline.search.tuning import BEST_PATH_ONLY
from pipeline.search.wfst import Beams, SearchGraph, search
from pipeline.times.clock import FRAME_SHIFT_MS
from pipeline.times.intervals import Interval

BEAMS = (40.0, 400.0)  # natural log, scaled scores, for each frame that a row of scores stands for: one answer is there
MOST_WAYS = 64  # in which a word may have been said, where several phones are of one class
EQUAL = 0.02  # nats; determinizing rounds costs to 1/1024 here and there
CONTEXT = {
    "words": 3,
    "free": 8,
}  # words (phones) on either side of a stretch that is scored again; more than n-grams see
COMPONENTS = ("acoustic", "lexicon", "language")
CAUSES = {
    "search": "search: the right answer scores better, but was pruned",
    "lexicon": "lexicon: the right answer, or the way it was said, is not in it",
    "short": "models, short: too few frames for all phones of the right answer",
    "outside": "models, outside: the right answer was too unlikely to be kept",
    "kept": "models, kept: the right answer was kept, and lost",
}
Answer = Sequence[Collection[str]]  # by position, the words (or phones) that will do there


@dataclass(frozen=True)
class Scored:
    """The best path that says an answer: what it scores, in nats after scaling, and the rows of scores at which its
    words begin."""

    acoustic: float
    lexicon: float
    language: float
    begins: tuple[int, ...]

    @property
    def total(self) -> float:
        return self.acoustic + self.lexicon + self.language


@dataclass(frozen=True)
class Wrong:
    """One stretch of errors: ``right`` should have been heard instead of ``heard``, between ``start`` and ``end`` (s).

    ``pairs`` are the errors, (reference, hypothesis) as in `pipeline.compare.score`; ``cause`` is one of CAUSES. Where
    the models are the cause, ``difference`` holds, by component, by how much what was heard scores better than what is
    right, and ``decided`` names the components without whose difference the right answer would have won: several, or
    none alone.
    """

    right: tuple[str, ...]
    heard: tuple[str, ...]
    start: float
    end: float
    pairs: tuple[tuple[str, str], ...]
    cause: str
    difference: Mapping[str, float] | None = None
    decided: tuple[str, ...] = ()

    def of(self, pairs: Sequence[tuple[str, str]]) -> Wrong:
        """The same with some of its errors."""
        return replace(self, pairs=tuple(pairs))

    def as_json(self) -> dict[str, Any]:
        """Plain values, scores to a thousandth."""
        rounded = self.difference and {name: round(value, 3) for name, value in self.difference.items()}
        return asdict(self) | {"difference": rounded}


class AnswerScorer:
    """Scores answers as the search of a system does: graph "words" or "free", with its tuned settings."""

    def __init__(self, system: System, lang: Lang, graph: str, settings: SearchSettings):
        self.system, self.graph, self.settings = system, graph, settings
        self.context = CONTEXT[graph]
        self.known = knowledge(system, lang, graph)
        self.words = self.known.words
        self.answers = AnswerGraphs(*self.known, settings.insertion_score)

    def score(
        self,
        scores: np.ndarray,
        answer: Answer,
        said: Mapping[str, Collection[tuple[str, ...]]] = {},
        history: Sequence[str] = (),
        ends: bool = True,
    ) -> Scored | None:
        """The best path that says ``answer``; None if none does. Arguments as those of `AnswerGraphs.graph`.

        scores: (T', columns) of the frames in which it is said.
        """
        fst = self.answers.graph(answer, said, history, ends) if len(scores) else None
        if fst is None or not fst.num_states:
            return None
        graph, scale = SearchGraph(fst, self.known.topology, self.known.words), self.settings.acoustic_scale
        for beam in BEAMS:
            lattice = search(
                graph,
                scores,
                scale,
                Beams(beam * self.system.step, BEST_PATH_ONLY),
                "",
                self.system.name,
                self.graph,
                FRAME_SHIFT_MS,
            )
            if lattice is not None:
                return self._scored(lattice, history, ends)
        return None

    def _scored(self, lattice: Lattice, history: Sequence[str], ends: bool) -> Scored:
        path = best_path(lattice)
        begins = lattice.node_frame[lattice.arc_from[path]].tolist()
        said = [(begin, word) for begin, arc in zip(begins, path) for word in lattice.word[arc].split()]
        language = self.answers.language(
            [word for _, word in said], history, ends
        ) + self.settings.insertion_score * len(said)
        return Scored(
            lattice.acoustic_scale * float(lattice.acoustic[path].sum()),
            float(lattice.language[path].sum()) - language,
            language,
            tuple(begin for begin, _ in said),
        )


class LetterScorer:
    """Scores answers in words as a network that writes letter by letter does: whole utterances, for it reads where it
    likes."""

    context = sys.maxsize

    def __init__(self, system: System, lang: Lang, settings: SearchSettings):
        self.search, self.settings = LetterSearch(system, lang, settings), settings
        self.words = self.search.beam.grammar.words

    def score(self, scores: np.ndarray, answer: Answer, *_: Any, **__: Any) -> Scored | None:
        """As `AnswerScorer.score`, of all the ``scores`` of an utterance and all that is said in it."""
        beam, words = self.search.beam, [min(choice) for choice in answer if choice]
        text = beam.grammar.written(words)
        if text is None or len(words) < len(answer) or not len(scores):
            return None
        acoustic = beam.log_prob(scores[:, self.search.writer.first :], text.letters)
        language = text.language + self.settings.insertion_score * len(words)
        return Scored(self.settings.acoustic_scale * acoustic, 0.0, language, (0,) * len(words))


def judge_of(system: System, lang: Lang, graph: str, settings: SearchSettings) -> AnswerScorer | LetterScorer:
    """What scores answers as the search of a system does: graph "words" or "free", with its tuned settings."""
    if graph == "words" and system.writer:
        return LetterScorer(system, lang, settings)
    return AnswerScorer(system, lang, graph, settings)


def holds(lattice: Lattice, answer: Answer) -> bool:
    """Whether a path of the lattice, of phones or of words, says ``answer``."""
    reached: list[set[int]] = [set() for _ in range(lattice.num_nodes)]
    reached[0].add(0)
    for arc, label in enumerate(lattice.label):  # sorted by source, so each node is final before its arcs are used
        before, there = reached[lattice.arc_from[arc]], reached[lattice.arc_to[arc]]
        if label in SILENT:
            there |= before
        else:
            there.update(position + 1 for position in before if position < len(answer) and label in answer[position])
    return len(answer) in reached[-1]


class ErrorAnalysis:
    """The wrong stretches of one utterance, each with its cause.

    scores: (T', columns). ``heard``: words, or phones without silence, with their times; ``fold``: in which classes
    phones are compared with the (folded) reference. ``kept``: the search's lattice, or the readings of an n-best list.
    ``said``: for each reference word pronunciations that the lexicon lacks, where it is known how it was said.
    """

    def __init__(
        self,
        judge: AnswerScorer | LetterScorer,
        scores: np.ndarray,
        reference: Sequence[str],
        heard: Sequence[Interval],
        kept: Lattice | Collection[Sequence[str]],
        fold: Fold = {},
        said: Sequence[Collection[tuple[str, ...]]] = (),
    ):
        self.judge, self.scores, self.reference, self.heard, self.kept = judge, scores, reference, heard, kept
        self.said = said or [()] * len(reference)
        self.labels = [interval.label for interval in heard]
        self.pairs = pair_up(reference, [fold.get(label, label) for label in self.labels])
        members: dict[str, set[str]] = {}
        for word in judge.words:
            members.setdefault(fold.get(word, word), set()).add(word)
        self.right = [members.get(word, set()) for word in reference]

    def wrong(self) -> list[Wrong]:
        """All of them, in order of time."""
        stretches = list(_stretches(self.pairs))
        if not stretches:
            return []
        self.found = self.judge.score(self.scores, [{label} for label in self.labels])
        several = len(stretches) > 1 and all(self.right)
        self.whole = self.judge.score(self.scores, self.right) if several else None
        return [
            Wrong(
                tuple(self.reference[ref]),
                tuple(self.labels[hyp]),
                *self._times(hyp),
                tuple(errors),
                **self._judge(ref, hyp),
            )
            for errors, ref, hyp in stretches
        ]

    def _times(self, hyp: slice) -> tuple[float, float]:
        """Seconds; of what was left out, the gap."""
        begin = (
            self.heard[hyp.start].start if hyp.start < hyp.stop else self.heard[hyp.start - 1].end if hyp.start else 0.0
        )
        return begin, max(begin, self.heard[hyp.stop - 1].end if hyp.stop else begin)

    def _judge(self, ref: slice, hyp: slice) -> dict[str, Any]:
        """Cause, difference and decision of one stretch."""
        if not all(self.right[ref]):
            return {"cause": "lexicon"}
        if self.found and self.whole and self.whole.total > self.found.total + EQUAL:
            return {"cause": "search"}
        here, rows = self._window(hyp)
        before, after = (
            tuple({label} for label in self.labels[part])
            for part in (slice(here.start, hyp.start), slice(hyp.stop, here.stop))
        )
        answer, scores = (*before, *self.right[ref], *after), self.scores[rows]
        place = {"history": self.labels[: here.start], "ends": here.stop == len(self.labels)}
        found = self.found and self.judge.score(scores, [{label} for label in self.labels[here]], **place)
        right = self.judge.score(scores, answer, **place)
        if right is None:
            return {"cause": "short"}
        if found is None or right.total > found.total + EQUAL:
            return {"cause": "search"}
        difference = {name: getattr(found, name) - getattr(right, name) for name in COMPONENTS}
        new = {word: variants for word, variants in zip(self.reference[ref], self.said[ref]) if variants}
        known = self.judge.score(scores, answer, new, **place) if new else None
        if known and known.total > found.total + EQUAL:
            return {"cause": "lexicon", "difference": difference}
        total = sum(difference.values())
        decided = tuple(name for name, value in difference.items() if total < value)
        return {
            "cause": "kept" if self._was_kept(ref, hyp) else "outside",
            "difference": difference,
            "decided": decided,
        }

    def _window(self, hyp: slice) -> tuple[slice, slice]:
        """The stretch with some words of context, and the rows of scores in which these were heard."""
        if self.found is None:
            return slice(0, len(self.labels)), slice(0, len(self.scores))
        context, begins = self.judge.context, self.found.begins
        here = slice(max(0, hyp.start - context), min(len(self.labels), hyp.stop + context))
        return here, slice(
            begins[here.start] if here.start else 0,
            begins[here.stop] if here.stop < len(self.labels) else len(self.scores),
        )

    def _was_kept(self, ref: slice, hyp: slice) -> bool:
        """Whether the search kept the sentence with this stretch put right, or the whole reference."""
        for answer in (
            [
                *({label} for label in self.labels[: hyp.start]),
                *self.right[ref],
                *({label} for label in self.labels[hyp.stop :]),
            ],
            self.right,
        ):
            if (
                holds(self.kept, answer)
                if isinstance(self.kept, Lattice)
                else any(
                    len(reading) == len(answer) and all(map(lambda word, choice: word in choice, reading, answer))
                    for reading in self.kept
                )
            ):
                return True
        return False


def said_otherwise(
    words: Sequence[Interval], placed: Sequence[Interval], lexicon: Weighted, fold: Fold
) -> list[list[tuple[str, ...]]]:
    """For each word, how it was said if the lexicon has no such pronunciation: in the lexicon's phones, from phones
    of the gold labels. Empty where it has one, or where none of its phones can be said so."""
    members: dict[str, set[str]] = {}
    for phone in sorted({phone for variants in lexicon.values() for _, phones in variants for phone in phones}):
        members.setdefault(fold.get(phone, phone), set()).add(phone)
    found = []
    for word in words:
        own = spoken((phone.label for phone in placed if word.start < (phone.start + phone.end) / 2 < word.end), fold)
        known = {spoken(phones, fold) for _, phones in lexicon.get(word.label, ())}
        ways = [sorted(members.get(phone, ())) for phone in own]
        few = math.prod(map(len, ways)) <= MOST_WAYS and own and word.label in lexicon and own not in known
        found.append(list(product(*ways)) if few else [])
    return found


def _stretches(pairs: Sequence[tuple[str, str]]) -> Iterator[tuple[list[tuple[str, str]], slice, slice]]:
    """Errors without a right word between them, with where they are in the reference and in the hypothesis."""
    ref = hyp = 0
    for right, group in groupby(pairs, lambda pair: pair[0] == pair[1]):
        errors = list(group)
        ends = (ref + sum(a != GAP for a, _ in errors), hyp + sum(b != GAP for _, b in errors))
        if not right:
            yield errors, slice(ref, ends[0]), slice(hyp, ends[1])
        ref, hyp = ends
