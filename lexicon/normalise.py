"""From written English to the words that are said: numbers, hyphens, punctuation, capitals."""

from __future__ import annotations

from collections.abc import Callable

import regex

from lexicon.letters import APOSTROPHES, composed, upper

ONES = (
    "ZERO ONE TWO THREE FOUR FIVE SIX SEVEN EIGHT NINE TEN ELEVEN TWELVE THIRTEEN FOURTEEN FIFTEEN SIXTEEN "
    "SEVENTEEN EIGHTEEN NINETEEN"
).split()
TENS = "_ TEN TWENTY THIRTY FORTY FIFTY SIXTY SEVENTY EIGHTY NINETY".split()
SCALES = ((10**9, "BILLION"), (10**6, "MILLION"), (10**3, "THOUSAND"), (100, "HUNDRED"))
ORDINALS = {
    "ONE": "FIRST",
    "TWO": "SECOND",
    "THREE": "THIRD",
    "FIVE": "FIFTH",
    "EIGHT": "EIGHTH",
    "NINE": "NINTH",
    "TWELVE": "TWELFTH",
}

# In this order: A.M. (letters with dots), 3rd, 28.8 or 1,000, a word of letters with their marks and joiners, with
# apostrophes inside, digits.
TOKEN = regex.compile(
    r"(?P<letters>\b(?:[A-Z]\.){2,})"
    r"|(?P<ordinal>\b\d+)(?:ST|ND|RD|TH)\b"
    r"|(?P<number>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)"
    r"|(?P<word>\p{L}[\p{L}\p{M}\u200c\u200d]*(?:'\p{L}[\p{L}\p{M}\u200c\u200d]*)*)"
)


def number_words(number: str | int) -> list[str]:
    """Words of a cardinal number: 500 -> FIVE HUNDRED, "28.8" -> TWENTY EIGHT POINT EIGHT, "1,234" -> ONE THOUSAND ...

    Whole parts of 10^12 and more are read digit by digit, and so are those with a leading zero ("007").
    """
    whole, _, decimals = str(number).replace(",", "").partition(".")
    words = spell_digits(whole) if len(whole) > 12 or whole[0] == "0" else _cardinal(int(whole))
    return [*words, "POINT", *spell_digits(decimals)] if decimals else words


def _cardinal(number: int) -> list[str]:
    for scale, name in SCALES:
        if number >= scale:
            rest = number % scale
            return [*_cardinal(number // scale), name, *(_cardinal(rest) if rest else [])]
    if number < 20:
        return [ONES[number]]
    return [TENS[number // 10], *([ONES[number % 10]] if number % 10 else [])]


def ordinal_words(number: str | int) -> list[str]:
    """Words of an ordinal number: 1 -> FIRST, 20 -> TWENTIETH, 142 -> ONE HUNDRED FORTY SECOND."""
    *head, last = number_words(number)
    return [*head, ORDINALS.get(last) or (f"{last[:-1]}IETH" if last.endswith("Y") else f"{last}TH")]


def spell_digits(digits: str, zero: str = "ZERO") -> list[str]:
    """Each digit as its word, as telephone numbers are read: "4242" -> FOUR TWO FOUR TWO; ``zero`` may be "OH"."""
    return [zero if digit == "0" else ONES[int(digit)] for digit in digits]


def to_words(text: str, number: Callable[[str], list[str]] = number_words) -> list[str]:
    """Words of a line of text, in upper case, without punctuation.

    Apostrophes inside words stay (DON'T), all others go; hyphens, slashes and the border between a digit and a
    letter split ("3D" -> THREE D); letters with dots become letters (A.M. -> A M). ``number`` says how a cardinal
    number is read (``number_words``, or ``spell_digits`` for telephone numbers); "3rd" is always THIRD. Symbols
    (* # @) are dropped: a corpus whose speakers read them out replaces them first.
    """
    words: list[str] = []
    for match in TOKEN.finditer(upper(composed(text).translate(APOSTROPHES))):
        match match.lastgroup:
            case "letters":
                words.extend(match["letters"].replace(".", " ").split())
            case "ordinal":
                words.extend(ordinal_words(match["ordinal"]))
            case "number":
                words.extend(number(match["number"]))
            case _:
                words.append(match["word"])
    return words
