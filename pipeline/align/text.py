"""Forced alignment of a text with a recording of any length, by any system that scores frames."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np

from lexicon.dictionary import Pronunciations, Weighted, look_up
from lexicon.errors import UserError
from lexicon.lang import Lang, written_with
from lexicon.phones import SILENT
from lexicon.written import Written
from pipeline.align.correction import Correction
from pipeline.align.forced_alignment import force_align
from pipeline.search.system import System
from pipeline.sound.pauses import Cutting
from pipeline.sound.recording import Recording
from pipeline.times.segments import Segment, word_segments

DOUBTFUL = 0.05  # a word of less confidence was hardly said there (for `System.posterior_scale`)
LONGEST_WORD = 200  # frames; a longer one hides something else
USUAL_WORD = 60  # frames; what goes beyond this in a longer word does not count as explained by the text
LEAST_PAUSE = 50  # frames; a shorter pause is not checked for speech


@dataclass(frozen=True)
class Placed:
    """Words and phones with their frames, and the confidence in [0, 1] of each (see `forced_alignment.Path`); the words
    that were ``left_out`` because they were not said, at the frame where the word before them ends; how many frames are
    ``speech``."""

    words: list[Segment]
    phones: list[Segment]
    word_confidence: list[float]
    phone_confidence: list[float]
    left_out: list[Segment]
    speech: int

    @property
    def fits(self) -> bool:
        """Whether this is the text of the recording: more than half of its words are there, or they are at least half
        of the speech. With the right text of a dev prompt 115 of 120 fit (three systems, 40 texts each), with that of
        another prompt 22."""
        doubtful = {word.word for word in self.doubtful}
        sure = [word for word in self.words if word.word not in doubtful]
        explained = sum(min(word.end - word.start, USUAL_WORD) for word in sure)
        return 2 * len(sure) > len(self.words) + len(self.left_out) or 2 * explained >= self.speech > 0

    @property
    def doubtful(self) -> list[Segment]:
        """The words that were hardly said where they had to be placed."""
        return [
            word
            for word, confidence in zip(self.words, self.word_confidence)
            if confidence < DOUBTFUL or word.end - word.start > LONGEST_WORD
        ]

    @property
    def unexplained(self) -> list[Segment]:
        """The pauses that are hardly pauses: speech that is not in the text."""
        return [
            phone
            for phone, confidence in zip(self.phones, self.phone_confidence)
            if phone.label in SILENT and confidence < DOUBTFUL and phone.end - phone.start >= LEAST_PAUSE
        ]


def written_in(lang: Lang) -> Written:
    """How the words of a text are read with the experiment's lexicon."""
    return written_with(lang.reference_lexicon, lang.info)


def pronounce(
    words: Collection[str],
    lang: Lang,
    phones: Collection[str],
    guess: Callable[[list[str]], Pronunciations] | None = None,
) -> tuple[Weighted, list[str]]:
    """Pronunciations in the model's ``phones`` for the words, and which of them were guessed.

    From the experiment's lexicon; where that is the English dictionary's, then from the dictionary, then by ``guess``
    (None: not). Raises UserError that names all words without one.
    """
    found: Weighted = {word: lang.reference_lexicon[word] for word in words if word in lang.reference_lexicon}
    missing, guessed = sorted(set(words) - found.keys()), []
    if missing and lang.info.get("lexicon") == "dictionary":
        more = look_up(missing)
        if guess and (unknown := [word for word in missing if word not in more]):
            guesses = guess(unknown)
            guessed, more = sorted(guesses), more | guesses
        found |= {word: [(1.0, said) for said in variants] for word, variants in more.items()}
        missing = [word for word in missing if word not in found]
    if missing:
        raise UserError(
            f"TEXT: no pronunciation of {_some(missing)}; correct the text, or add `WORD P1 P2 ...` to"
            " lexicon/extra.txt"
        )
    usable = {
        word: [(prob, said) for prob, said in variants if set(said) <= set(phones)] for word, variants in found.items()
    }
    if unsaid := sorted(word for word, variants in usable.items() if not variants):
        strange = sorted({phone for word in unsaid for _, said in found[word] for phone in said} - set(phones))
        raise UserError(
            f"TEXT: {_some(unsaid)}: the model was not trained on {' '.join(strange)}; take the words out, or"
            " use a model of a corpus that has all phones"
        )
    return usable, guessed


def _some(words: Sequence[str]) -> str:
    more = f" ... ({len(words)} words in all)" if len(words) > 20 else ""
    return " ".join(f'"{word}"' for word in words[:20]) + more


def score_pieces(system: System, recording: Recording) -> np.ndarray:
    """Scores of the whole recording, (T', columns). A long one is scored in parts, cut at its pauses, since models are
    trained on utterances; a short one at once, as an utterance of a corpus is."""
    total, step = recording.num_frames, system.step
    bounds, cuts = [0], [*(piece.end // step * step for piece in recording.pieces() if piece.end < total), total]
    for cut, following in zip(cuts, [*cuts[1:], total]):
        if cut == total or following - bounds[-1] > Cutting.limit:
            bounds.append(cut)

    def scored(start: int, end: int) -> np.ndarray:
        return system.scores(recording.feats(system.front_end, start, end))[: -(-(end - start) // step)]

    return np.concatenate([scored(a, b) for a, b in zip(bounds, bounds[1:])])


def place_text(
    system: System, recording: Recording, words: Sequence[str], lexicon: Weighted, correction: Correction | None = None
) -> Placed | None:
    """The forced alignment of the words in this order; None if there are more words than frames. With the system's
    ``correction`` boundaries are moved to where gold boundaries would be."""
    path = force_align(
        system, score_pieces(system, recording), recording.num_frames, words, lexicon, recording.name, skipping=True
    )
    if path is None:
        return None
    phones = path.phones
    if correction:
        phones = correction.correct(recording.feats(correction.front_end), phones)
    placed = word_segments(phones, words)
    speech = recording.num_frames - sum(end - start for start, end in recording.pauses)
    return Placed(placed, phones, path.word_confidence, path.phone_confidence, _left_out(placed, words), speech)


def _left_out(placed: Sequence[Segment], words: Sequence[str]) -> list[Segment]:
    """The words that are not placed, at the end of the one before."""
    ends = {word.word: word.end for word in placed}
    found, at = [], 0
    for index, word in enumerate(words):
        at = ends.get(index, at)
        if index not in ends:
            found.append(Segment(word, at, at, index))
    return found
