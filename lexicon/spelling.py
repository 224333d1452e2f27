"""Words as strings of letters: what a network is taught that was never told of phones."""

from __future__ import annotations

from collections.abc import Iterable

from lexicon.dictionary import Weighted
from lexicon.phones import BLANK

SPACE = "<space>"  # ends every word; more than one sign, so it is no letter of any script


def letters_of(words: Iterable[str]) -> list[str]:
    """The tokens that spell these words: blank, the end of a word, and their letters (Unicode characters), sorted."""
    return [BLANK, SPACE, *sorted({letter for word in words for letter in word})]


def spelled(word: str) -> tuple[str, ...]:
    """Its letters, and the end of a word."""
    return (*word, SPACE)


def spelling_lexicon(words: Iterable[str]) -> Weighted:
    """Each word with its spelling as its one pronunciation."""
    return {word: [(1.0, spelled(word))] for word in words}
