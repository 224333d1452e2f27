"""Decoding: what a system hears in an utterance, through one of two searches, as words, phones and a lattice."""

from __future__ import annotations

import contextlib
import copy
import gc
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

from lexicon.errors import UserError
from lexicon.lang import Lang
from lexicon.ngram import NGram
from lexicon.own_lm import KENLM_BINARY
from lexicon.pauses import Pauses
from lexicon.spelling import spelled, spelling_lexicon
from lexicon.text import numbered_lines
from pipeline.lattice import LARGEST, Lattice, determinize
from pipeline.lattice.words import SpellingTree, place_words, word_lattice
from pipeline.neural.paths import greedy, input_frames
from pipeline.search.flashlight import FlashlightDecoder, FlashlightSettings, Reading
from pipeline.search.graph import Lexicon, decoding_graph, linear_graph, phone_loop
from pipeline.search.letter_grammar import Candidate, Grammar, LetterBeamSettings
from pipeline.search.posteriors import log_phone_posteriors, phone_labels
from pipeline.search.system import System
from pipeline.search.topology import Topology
from pipeline.search.wfst import Beams, Search, SearchGraph, best_segments, search
from pipeline.times.clock import FRAME_SHIFT_MS
from pipeline.times.segments import Segment, word_segments

PHONE_SILENCE_PROB = 0.1  # of a pause after a phone in the free search; between words it is the lexicon's, or this:
WORD_SILENCE_PROB = 0.5
PLACING_BEAMS = (200.0, 800.0)  # natural log, for unscaled scores: one text is there
WIDENING = 4  # a search that found no way to the end is tried again with beams this many times as wide


@dataclass(frozen=True)
class SearchSettings:
    """What is tuned on dev: ``acoustic_scale`` times the acoustic log score, ``insertion_score`` (natural log) for each
    word (or phone, in the free search). flashlight scales the language model by 1 / acoustic_scale instead."""

    acoustic_scale: float
    insertion_score: float = 0.0


@dataclass(frozen=True)
class Hypothesis:
    """What was heard: words and phones with their frames, a posterior in [0, 1] for each phone where the search gives
    one, the lattices of phones and of words, the processor seconds it took to make them of what the decoder kept, and
    further readings (score, words), best first."""

    words: list[Segment]
    phones: list[Segment]
    posteriors: list[float] = field(default_factory=list)
    lattice: Lattice | None = None
    word_lattice: Lattice | None = None
    lattice_seconds: float = 0.0
    nbest: list[tuple[float, tuple[str, ...]]] = field(default_factory=list)

    def word_posteriors(self) -> list[float]:
        """The least posterior of each word's phones; none where the phones have none."""
        return (
            [min(p for phone, p in zip(self.phones, self.posteriors) if phone.word == word.word) for word in self.words]
            if self.posteriors
            else []
        )


class Decoder(Protocol):
    """Maps the scores of one utterance (T', columns) to a hypothesis; they stand for ``num_frames`` frames.

    ``graphs``: of the lattices that it makes, first that of a hypothesis' ``lattice``, then of its ``word_lattice``.
    """

    @property
    def graphs(self) -> Sequence[str]: ...

    def decode(self, utterance: str, scores: np.ndarray, num_frames: int) -> Hypothesis: ...


class Knowledge(NamedTuple):
    """What a graph is made of; in the order of `decoding_graph`'s arguments."""

    topology: Topology
    lexicon: Lexicon
    lm: NGram
    words: list[str]
    pauses: Pauses | float


def has_word_graph(lang: Lang) -> bool:
    """Whether words can be searched in a graph: their language model is an n-gram that is known state by state."""
    return lang.own_lm is None and not (lang.path / KENLM_BINARY).exists()


def free_knowledge(topology: Topology, phone_lm: NGram) -> Knowledge:
    """Of the graph in which phones are the words, with their bigram."""
    lexicon, words = phone_loop(topology)
    return Knowledge(topology, lexicon, phone_lm, words, PHONE_SILENCE_PROB)


def knowledge(system: System, lang: Lang, graph: str) -> Knowledge:
    """Of the graph "words" (n-gram, and the lexicon of pronunciations or, where the system spells, of spellings) or
    "free" (phones are the words, with their bigram)."""
    if graph == "free":
        return free_knowledge(system.topology, lang.phone_lm)
    if not has_word_graph(lang):
        raise UserError(
            "LM=: only an ARPA file can become a graph; give one, or SYSTEMS with flashlight's search alone"
        )
    if system.spelling:
        return Knowledge(system.spelling, spelling_lexicon(lang.words), lang.lm, lang.words, WORD_SILENCE_PROB)
    return Knowledge(system.topology, lang.lexicon, lang.lm, lang.words, lang.pauses or WORD_SILENCE_PROB)


class WfstDecoder:
    """Token passing through a graph: "words" (lexicon and n-gram) or "free" (phone bigram)."""

    def __init__(
        self,
        system: System,
        lang: Lang,
        graph: str,
        settings: SearchSettings,
        beams: Beams = Beams(),
        word_arcs: bool = True,
    ):
        """``word_arcs``: whether the lattice of words is wanted."""
        self.system, self.lang, self.name, self.settings, self.beams = system, lang, graph, settings, beams
        self.word_arcs = word_arcs
        self.graphs = (graph, "word_arcs") if word_arcs and graph != "free" else (graph,)
        known = knowledge(system, lang, graph)
        self.lexicon = known.lexicon
        fst = decoding_graph(*known, settings.insertion_score)
        self.graph = SearchGraph(fst, known.topology, list(known.words))
        self.spelling = SpellingTree.of(self.lexicon)

    def decode(self, utterance: str, scores: np.ndarray, num_frames: int) -> Hypothesis:
        """Search; where nothing reaches the end, once more with wider beams, and then give up with no words."""
        with _uncollected():
            for factor in (1, WIDENING):
                beams = Beams(self.beams.beam * factor, self.beams.lattice_beam)
                lattice = search(
                    self.graph,
                    scores,
                    self.settings.acoustic_scale,
                    beams,
                    utterance,
                    self.system.name,
                    self.name,
                    FRAME_SHIFT_MS,
                    self.system.step,
                    num_frames,
                    self.settings.insertion_score,
                    posteriors=False,
                )  # once each string is there once
                if lattice is not None:
                    return self._read(lattice)
        return Hypothesis([], [])

    def best(self, scores: np.ndarray) -> tuple[tuple[str, ...], list[str]]:
        """The words and phones of the best path alone, for those who count errors: in a fifth of the time."""
        for factor in (1, WIDENING):
            path = Search(
                self.graph, self.settings.acoustic_scale, Beams(self.beams.beam * factor, self.beams.lattice_beam)
            )
            path.step(scores)
            if path.at_end:
                words, phones = path.best(end=True)
                return words, [phone for phone, _, _ in phones]
        return (), []

    def scaled(self, settings: SearchSettings) -> WfstDecoder:
        """The same search with another acoustic scale: its graph depends on the insertion score alone."""
        other = copy.copy(self)
        other.settings = settings
        return other

    def _read(self, found: Lattice) -> Hypothesis:
        """What a lattice of the search says, each string once."""
        began = time.process_time()
        free = self.name == "free"
        if free:
            found.word = [""] * len(found.word)  # there the phones are the words: no need to say it twice
        lattice, words = determinize(found, posteriors=free), None
        if not free:
            lattice = place_words(lattice, self.spelling)
            words = word_lattice(lattice) if self.word_arcs else None
        seconds = time.process_time() - began
        phones, posteriors, said = best_segments(lattice)
        return Hypothesis(word_segments(phones, said), phones, posteriors, lattice, words, seconds)


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """No search for cycles of objects, of which lattices have none: it takes a third of the time, for they are many."""
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()


def as_flashlight(tuned: SearchSettings) -> FlashlightSettings:
    """flashlight's settings that say what was tuned: it scales the language model, and not the network."""
    weight = 1 / tuned.acoustic_scale
    return FlashlightSettings(lm_weight=weight, word_score=tuned.insertion_score * weight)


class FlashlightWords:
    """flashlight-text's lexicon beam search with KenLM, over the scores of a CTC network."""

    graphs = ()

    def __init__(self, system: System, lang: Lang, settings: FlashlightSettings):
        self.system = system
        self.decoder = FlashlightDecoder(lang, list(system.tokens), settings)

    def decode(self, utterance: str, scores: np.ndarray, num_frames: int) -> Hypothesis:
        """The best of the n-best list; phones are as long as their spikes, as CTC says no more. There is no lattice, so
        the posterior of a phone is the probability that the frames of the spike give it, as for a placed text."""
        return self.hypothesis(self.decoder.decode(scores), scores, num_frames)

    def hypothesis(self, readings: Sequence[Reading], scores: np.ndarray, num_frames: int) -> Hypothesis:
        """The n-best list of these scores as `decode` gives it."""
        best = readings[0]
        log_probs = dict(zip(phone_labels(self.system), log_phone_posteriors(self.system, scores).T))
        posteriors = [float(np.exp(log_probs[token.phone][token.begin : token.end].mean())) for token in best.tokens]
        phones = [
            Segment(token.phone, *input_frames(token.begin, token.end, self.system.step, num_frames), token.word)
            for token in best.tokens
        ]
        words = []
        for index, word in enumerate(best.words):
            own = [phone for phone in phones if phone.word == index]
            words.append(Segment(word, own[0].start, own[-1].end, index))
        return Hypothesis(words, phones, posteriors, nbest=[(reading.score, reading.words) for reading in readings])


class LetterSearch:
    """The search for words of a network that writes letter by letter."""

    graphs = ()

    def __init__(
        self, system: System, lang: Lang, settings: SearchSettings, beam: LetterBeamSettings = LetterBeamSettings()
    ):
        from pipeline.search.letter_beam import LetterBeam  # with PyTorch, which is slow to import

        assert system.writer
        self.system, self.writer = system, system.writer
        grammar = Grammar(lang, self.writer.letters)
        self.beam = LetterBeam(
            self.writer.network, grammar, settings.acoustic_scale, settings.insertion_score, beam.letter_beam
        )

    def decode(self, utterance: str, scores: np.ndarray, num_frames: int) -> Hypothesis:
        """Words with their letters as phones, which go from the row where one was written to that of the next; the
        posterior of a letter is that of its word among all texts found."""
        from pipeline.search.letter_beam import word_posteriors

        candidates = self.beam.search(scores[:, self.writer.first :])
        if not candidates or not candidates[0].text.words:
            return Hypothesis([], [])
        best, sure = candidates[0], word_posteriors(candidates)
        letters = self.placed(best, len(scores), num_frames)
        words = word_segments(letters, list(best.text.words))
        posteriors = [sure[letter.word] for letter in letters]
        return Hypothesis(words, letters, posteriors, nbest=[(one.score, one.text.words) for one in candidates])

    def placed(self, candidate: Candidate, num_rows: int, num_frames: int) -> list[Segment]:
        """The letters of the words of a text, of so many rows, each from that where it was written to the next's."""
        rows = [*candidate.rows, num_rows]
        letters: list[Segment] = []
        for index, word in enumerate(candidate.text.words):
            for letter in spelled(word):
                begin, end = rows[len(letters)], max(rows[len(letters) : len(letters) + 2])
                letters.append(Segment(letter, *input_frames(begin, end, self.system.step, num_frames), index))
        return letters


class SpellingDecoder:
    """The search of a network that spells: ``search`` finds words as strings of letters, and then the phones of these
    words are found by the network's phone posteriors."""

    def __init__(self, system: System, lang: Lang, search: Decoder, lattice_beam: float):
        self.system, self.lang, self.search, self.lattice_beam = system, lang, search, lattice_beam
        self.graphs = search.graphs

    def decode(self, utterance: str, scores: np.ndarray, num_frames: int) -> Hypothesis:
        """The posterior of a phone is at most that of its word's letters; the lattice of phones holds the ways in
        which the words may have been said. Where there are too few rows for the phones, these share the time of their
        word evenly."""
        heard = self.search.decode(utterance, scores, num_frames)
        if not heard.words:
            return heard
        began, said = time.process_time(), [word.label for word in heard.words]
        letters, lattice = heard.word_posteriors(), self._placed(utterance, said, scores, num_frames)
        phones, placed, _ = best_segments(lattice) if lattice else (self._evenly(heard.words), [], [])
        posteriors = [
            min([letters[phone.word], *placed[i : i + 1]]) if phone.word >= 0 else 1.0 for i, phone in enumerate(phones)
        ]
        return replace(
            heard,
            words=word_segments(phones, said),
            phones=phones,
            posteriors=posteriors,
            lattice=lattice,
            lattice_seconds=heard.lattice_seconds + time.process_time() - began,
        )

    def _placed(self, utterance: str, words: list[str], scores: np.ndarray, num_frames: int) -> Lattice | None:
        system, lexicon = self.system, self.lang.lexicon
        graph = SearchGraph(linear_graph(system.topology, lexicon, words, WORD_SILENCE_PROB), system.topology, words)
        for beam in PLACING_BEAMS:
            found = search(
                graph,
                scores,
                1.0,
                Beams(beam, self.lattice_beam),
                utterance,
                system.name,
                "words",
                FRAME_SHIFT_MS,
                system.step,
                num_frames,
            )
            if found is not None:
                return place_words(
                    determinize(found, posteriors=False), SpellingTree.of({word: lexicon[word] for word in words})
                )
        return None

    def _evenly(self, words: list[Segment]) -> list[Segment]:
        found = []
        for index, word in enumerate(words):
            phones = self.lang.lexicon[word.label][0][1]
            edges = np.linspace(word.start, word.end, len(phones) + 1).round().astype(int).tolist()
            found += [Segment(phone, a, b, index) for phone, a, b in zip(phones, edges, edges[1:])]
        return found


def greedy_phones(system: System, feats: np.ndarray) -> list[str]:
    """What a CTC network says without any help: the best token of each frame, repeats joined, blanks left out."""
    assert system.posteriors is not None  # it is a CTC network
    phones = system.posteriors(feats)[:, : len(system.tokens)]
    return [list(system.tokens)[token] for token, _, _ in greedy(phones)]


def read_nbest(path: Path) -> dict[str, list[tuple[float, tuple[str, ...]]]]:
    """Each utterance's n-best list, (score, words), best first. UserError, with the line, for what is none."""
    found = {}
    for number, line in numbered_lines(path):
        try:
            entry = json.loads(line)
            readings = [(float(score), tuple(words.split())) for score, words in entry["nbest"]]
            if not all(abs(score) < LARGEST for score, _ in readings):
                raise ValueError("scores are not finite")
            found[str(entry["utterance"])] = readings
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise UserError(
                f"{path}:{number}: not an n-best list ({error!r}); remove {path.with_name('hyp.txt')} and run:"
                " make decode"
            ) from error
    return found


SEARCHES = {
    "wfst": "a search through one graph of lexicon and n-gram, which keeps a lattice",
    "flashlight": "flashlight-text's beam search with lexicon and n-gram, which keeps an n-best list",
    "letters": "a beam search over spellings with lexicon and n-gram, which keeps an n-best list",
}
WITH_NBEST = ("flashlight", "letters")  # they keep readings instead of lattices of words


def word_decoder(
    system: System,
    lang: Lang,
    search_name: str,
    settings: SearchSettings,
    beams: Beams = Beams(),
    word_arcs: bool = True,
    flashlight: FlashlightSettings | None = None,
    letter_beam: LetterBeamSettings = LetterBeamSettings(),
) -> Decoder:
    """The word search called ``search_name``; flashlight's takes its settings from ``flashlight``, if given, and else
    those that were tuned."""
    if search_name == "letters":
        if system.writer is None:
            raise UserError(f"{system.directory}: does not write letter by letter, as --search letters wants")
        return SpellingDecoder(system, lang, LetterSearch(system, lang, settings, letter_beam), beams.lattice_beam)
    if search_name == "flashlight":
        if system.posteriors is None:
            raise UserError(f"{system.directory}: no CTC network, as --search flashlight wants; use --search wfst")
        return FlashlightWords(system, lang, flashlight or as_flashlight(settings))
    found = WfstDecoder(system, lang, "words", settings, beams, word_arcs)
    return SpellingDecoder(system, lang, found, beams.lattice_beam) if system.spelling else found
