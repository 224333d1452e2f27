"""Letters in Unicode: one form for what looks the same, capitals, invisible characters."""

from __future__ import annotations

import unicodedata

# The soft hyphen, marks of direction, the word joiner; the zero-width space, which separates words in Thai and Khmer.
INVISIBLE = dict.fromkeys([0xAD, 0x200E, 0x200F, *range(0x202A, 0x202F), 0x2060, *range(0x2066, 0x206A), 0xFEFF])
INVISIBLE[0x200B] = " "
APOSTROPHES = str.maketrans("\u2018\u2019\u02bc\u00b4`", "'''''")


def nfc(text: str) -> str:
    """Composed Unicode, the one form of what looks the same; macOS writes file names decomposed."""
    return unicodedata.normalize("NFC", text)


def composed(text: str) -> str:
    """The text in NFC, without invisible characters, except for the two joiners, which are part of the spelling."""
    return nfc(text).translate(INVISIBLE)


def lower(word: str, turkish: bool = False) -> str:
    """Each letter by its own small letter alone (Unicode's simple mapping), so that no letter is added or lost.
    ``turkish``: I is the capital of ı, and İ that of i."""
    special = {"I": "ı", "İ": "i"} if turkish else {"İ": "i"}
    return "".join(special.get(c) or (small if len(small := c.lower()) == 1 else c) for c in word)


def upper(word: str, turkish: bool = False) -> str:
    """As ``lower``, to capitals: ß, which has none in everyday use, stays."""
    special = {"i": "İ", "ı": "I"} if turkish else {}
    return "".join(special.get(c) or (great if len(great := c.upper()) == 1 else c) for c in word)
