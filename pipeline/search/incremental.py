"""Searches for words in scores that come bit by bit, as while one speaks: the best so far, and at the end a hypothesis
which is that of the whole utterance at once, whatever the sizes of the steps."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from lexicon.errors import UserError
from pipeline.neural.paths import input_frames
from pipeline.search.decode import (
    Decoder,
    FlashlightWords,
    Hypothesis,
    LetterSearch,
    SpellingDecoder,
    WfstDecoder,
)
from pipeline.search.wfst import Search
from pipeline.times.segments import Segment


class Incremental(Protocol):
    """Scores (T', columns) of an utterance in steps of any number of rows."""

    def begin(self) -> None:
        """A new utterance; what came of another is forgotten."""

    def step(self, scores: np.ndarray) -> None:
        """The next rows."""

    def best(self) -> tuple[tuple[str, ...], list[Segment]]:
        """The words so far, and with their frames the phones (without words), those of the word that is being said
        among them; or the letters, of a search that spells. A later row may change any of it."""

    def end(self, utterance: str, num_frames: int) -> Hypothesis:
        """What the decoder says of all rows at once."""


def incremental(decoder: Decoder) -> Incremental:
    """UserError for a decoder that needs a whole utterance."""
    if isinstance(decoder, WfstDecoder):
        return IncrementalWfst(decoder)
    if isinstance(decoder, FlashlightWords):
        return IncrementalFlashlight(decoder)
    if isinstance(decoder, SpellingDecoder):
        if isinstance(decoder.search, WfstDecoder):
            return IncrementalWfst(decoder.search, decoder)
        if isinstance(decoder.search, LetterSearch):
            from pipeline.neural.spelling import TransducerSpelling  # with PyTorch, which is slow to import

            if isinstance(decoder.search.beam.spelling, TransducerSpelling):
                return IncrementalTransducer(decoder.search, decoder)
    raise UserError("this search needs whole utterances: an attention decoder may look anywhere in them")


class _Kept:
    """The rows so far (4 bytes for each column of one), and the decoder that hears them all at the end."""

    def __init__(self, whole: Decoder):
        self.whole = whole
        self.begin()

    def begin(self) -> None:
        self.rows: list[np.ndarray] = []

    def step(self, scores: np.ndarray) -> None:
        self.rows.append(scores)

    def end(self, utterance: str, num_frames: int) -> Hypothesis:
        rows, self.rows = self.rows, []
        return self.heard(utterance, np.concatenate(rows), num_frames) if rows else Hypothesis([], [])

    def heard(self, utterance: str, scores: np.ndarray, num_frames: int) -> Hypothesis:
        return self.whole.decode(utterance, scores, num_frames)


class IncrementalWfst(_Kept):
    """One pass for the best path while the rows come, and at the end one for the lattice: ``whole``, if the search is
    for the letters of its words."""

    def __init__(self, decoder: WfstDecoder, whole: SpellingDecoder | None = None):
        self.decoder = decoder
        super().__init__(whole or decoder)

    def begin(self) -> None:
        super().begin()
        self.path = Search(self.decoder.graph, self.decoder.settings.acoustic_scale, self.decoder.beams)

    def step(self, scores: np.ndarray) -> None:
        self.path.step(scores)
        super().step(scores)

    def best(self) -> tuple[tuple[str, ...], list[Segment]]:
        words, phones = self.path.best()
        return words, _segments(phones, self.decoder.system.step, self.path.num_rows)


class IncrementalFlashlight(_Kept):
    """flashlight's own beam, row by row."""

    def __init__(self, words: FlashlightWords):
        self.words = words
        super().__init__(words)

    def begin(self) -> None:
        super().begin()
        self.words.decoder.decode_begin()

    def step(self, scores: np.ndarray) -> None:
        self.words.decoder.decode_step(scores)
        super().step(scores)

    def best(self) -> tuple[tuple[str, ...], list[Segment]]:
        words, tokens = self.words.decoder.decode_best()
        phones = [(token.phone, token.begin, token.end) for token in tokens]
        return words, _segments(phones, self.words.system.step, sum(map(len, self.rows)))

    def end(self, utterance: str, num_frames: int) -> Hypothesis:
        self.readings = self.words.decoder.decode_end()
        return super().end(utterance, num_frames)

    def heard(self, utterance: str, scores: np.ndarray, num_frames: int) -> Hypothesis:
        return self.words.hypothesis(self.readings, scores, num_frames)


class IncrementalTransducer(_Kept):
    """The search through a transducer's rows for letters; at the end ``whole`` also finds the phones of the words.
    Letters that were written in one row have a frame each."""

    def __init__(self, search: LetterSearch, whole: SpellingDecoder):
        self.search = search
        super().__init__(whole)

    def begin(self) -> None:
        from pipeline.search.letter_beam import TransducerTexts  # with PyTorch, which is slow to import

        super().begin()
        self.texts = TransducerTexts(self.search.beam)

    def step(self, scores: np.ndarray) -> None:
        self.texts.step(scores[:, self.search.writer.first :])
        super().step(scores)

    def best(self) -> tuple[tuple[str, ...], list[Segment]]:
        text, num_rows = self.texts.beam[0], self.texts.num_rows
        letters = self.search.placed(text, num_rows, num_rows * self.search.system.step)
        shown = [Segment(one.label, one.start, max(one.end, one.start + 1)) for one in letters]
        return text.text.words, shown


def _segments(phones: list[tuple[str, int, int]], step: int, num_rows: int) -> list[Segment]:
    return [Segment(phone, *input_frames(begin, end, step, num_rows * step)) for phone, begin, end in phones]
