"""How probable a pause (silence) is: before a sentence, after each pronunciation within it, and at its end.

After Chen et al. 2015 (Pronunciation and silence probability modeling for ASR), without their factor for the word that
follows a pause: given the pronunciations, pauses are independent of one another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lexicon.dictionary import Pronunciation, Weighted
from lexicon.errors import UserError
from lexicon.files import write_lines
from lexicon.ngram import BEGIN, END
from lexicon.text import numbered_lines

FILE = "silence.txt"  # in the lang directory


@dataclass(frozen=True)
class Pauses:
    """Probabilities of silence: ``begin`` before the first word, ``end`` after the last one, ``after`` a pronunciation
    of a word that is followed by another word."""

    begin: float
    end: float
    after: Mapping[tuple[str, Pronunciation], float]


def write_pauses(lang: Path, pauses: Pauses) -> None:
    """Write `<s> prob`, `</s> prob` and `WORD prob P1 P2 ...` lines."""
    write_lines(
        lang / FILE,
        [
            f"{BEGIN} {pauses.begin:.6f}",
            f"{END} {pauses.end:.6f}",
            *(f"{word} {prob:.6f} {' '.join(phones)}" for (word, phones), prob in sorted(pauses.after.items())),
        ],
    )


def read_pauses(lang: Path, lexicon: Weighted) -> Pauses | None:
    """Read the file of a lang directory; None where there is none.

    Raises UserError, with file and line, for a malformed line, and if a pronunciation of ``lexicon`` is missing.
    """
    path = lang / FILE
    if not path.exists():
        return None
    found: dict[tuple[str, Pronunciation], float] = {}
    for number, line in numbered_lines(path):
        try:
            word, prob, *phones = line.split()
            if not 0 < float(prob) < 1:
                raise ValueError
        except ValueError:
            raise UserError(
                f'{path}:{number}: "{line}"; a line is `WORD prob P1 P2 ...`, 0 < prob < 1; make the file '
                f"again: make pron_probs"
            ) from None
        found[word, tuple(phones)] = float(prob)
    needed = [(BEGIN, ()), (END, ()), *((word, spoken) for word, variants in lexicon.items() for _, spoken in variants)]
    for word, spoken in needed:
        if (word, spoken) not in found:
            raise UserError(f"{path}: no line for {' '.join([word, *spoken])}; make the file again: make pron_probs")
    return Pauses(found.pop((BEGIN, ())), found.pop((END, ())), found)
