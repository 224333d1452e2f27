"""A known text placed in a recording of any length, by any system that scores frames."""
from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np

from lexicon.dictionary import Pronunciations, Weighted, look_up
from lexicon.errors import UserError
from lexicon.lang import Lang
from lexicon.phones import BLANK, SILENT
from lexicon.written import Written
from pipeline.align import Segment, word_segments
from pipeline.align_scores import best_placing
from pipeline.own_audio import Recording
from pipeline.systems import System

DOUBTFUL = 0.05       # a word of less confidence was hardly said there (see posteriors.SCALE)
LONGEST_WORD = 200    # frames; a longer one hides something else
TAIL = 5              # frames of blanks that belong to the phone before: CTC says where a phone is, not how long
LEAST_PAUSE = 50      # frames; a shorter pause is not looked into


@dataclass(frozen=True)
class Placed:
    """Words and phones with their frames, and the confidence in [0, 1] of each (see `align_scores.Path`)."""

    words: list[Segment]
    phones: list[Segment]
    word_confidence: list[float]
    phone_confidence: list[float]

    @property
    def doubtful(self) -> list[Segment]:
        """The words that were hardly said where they had to be placed."""
        return [word for word, confidence in zip(self.words, self.word_confidence)
                if confidence < DOUBTFUL or word.end - word.start > LONGEST_WORD]

    @property
    def untold(self) -> list[Segment]:
        """The pauses that sound like anything but pauses: speech of which the text says nothing."""
        return [phone for phone, confidence in zip(self.phones, self.phone_confidence) if phone.label in SILENT
                and confidence < DOUBTFUL and phone.end - phone.start >= LEAST_PAUSE]


def words_of(text: str, lang: Lang) -> list[str]:
    """The words of a text, spelled as the experiment's lexicon has them."""
    return Written(lang.reference_lexicon, english=lang.info.get("lexicon") == "dictionary").words(text)


def pronounce(words: Collection[str], lang: Lang, phones: Collection[str],
              guess: Callable[[list[str]], Pronunciations] | None = None) -> tuple[Weighted, list[str]]:
    """Pronunciations in the model's ``phones`` for the words, and which of them were guessed.

    From the experiment's lexicon; where that is of English, then from the dictionary, then guessed (None: not).
    Raises UserError that names all words without one.
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
        raise UserError(f"TEXT: no pronunciation of {_some(missing)}; correct the text, or add `WORD P1 P2 ...` to"
                        " lexicon/extra.txt")
    usable = {word: [(prob, said) for prob, said in variants if set(said) <= set(phones)]
              for word, variants in found.items()}
    if unsaid := sorted(word for word, variants in usable.items() if not variants):
        strange = sorted({phone for word in unsaid for _, said in found[word] for phone in said} - set(phones))
        raise UserError(f"TEXT: {_some(unsaid)}: the model has never heard {' '.join(strange)}; take the words out, or"
                        " use a model of a corpus that has all phones")
    return usable, guessed


def _some(words: Sequence[str]) -> str:
    more = f" ... ({len(words)} words in all)" if len(words) > 20 else ""
    return " ".join(f'"{word}"' for word in words[:20]) + more


def score_pieces(system: System, recording: Recording) -> np.ndarray:
    """Scores of the whole recording, (T', columns): piece by piece, as models hear no more than that in training."""
    total, step = len(recording.static), system.step
    bounds = sorted({0, total, *(piece.end // step * step for piece in recording.pieces() if piece.end < total)})
    rows = [system.scores(recording.feats(a, b))[:-(-(b - a) // step)] for a, b in zip(bounds, bounds[1:])]
    return np.concatenate(rows)


def place_text(system: System, recording: Recording, words: Sequence[str], lexicon: Weighted) -> Placed | None:
    """Where the words are said, if they are said in this order; None if the recording is too short for them."""
    path = best_placing(system, score_pieces(system, recording), len(recording.static), words, lexicon, recording.name)
    if path is None:
        return None
    phones, confidence = _with_tails(path.phones, path.phone_confidence)
    return Placed(word_segments(phones, words), phones, path.word_confidence, confidence)


def _with_tails(phones: Sequence[Segment], confidence: Sequence[float]) -> tuple[list[Segment], list[float]]:
    """Each phone with up to TAIL frames of the blanks after it; what is left of a blank, if anything, begins later."""
    longer, kept = [], []
    for phone, sure in zip(phones, confidence):
        if phone.label == BLANK and longer:
            taken = min(phone.start + TAIL, phone.end)
            longer[-1], phone = replace(longer[-1], end=taken), replace(phone, start=taken)
        if phone.start < phone.end:
            longer.append(phone)
            kept.append(sure)
    return longer, kept
