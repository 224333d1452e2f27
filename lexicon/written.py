"""From written text to words as a lexicon spells them, in any script.

A word is what Unicode's text segmentation makes one (UAX 29, by the module `regex`), or the longest stretch, with its
punctuation, that the lexicon has. Text is composed (NFC); a letter keeps its marks.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import cached_property

import regex

from lexicon.dictionary import dictionary_words
from lexicon.errors import UserError
from lexicon.letters import APOSTROPHES, composed, lower, upper
from lexicon.normalise import to_words

BOUNDARY = regex.compile(r"(?w)\b", regex.V1)
LETTER = regex.compile(r"[\p{L}\p{N}]")
DIGIT = regex.compile(r"\p{N}")
SAID = regex.compile(r"[%&\p{Sc}]")  # signs that are words in English
MONEY = regex.compile(r"\p{Sc}\s*\d[\d.,]*|\d[\d.,]*\s*\p{Sc}")
# What stands in brackets is no speech: [laughter], <unk>, {SL}. Round ones hold asides, which are said.
BRACKETED = regex.compile(r"\[[^][]{0,60}\]|<[^<>]{0,60}>|\{[^{}]{0,60}\}")
# Scripts without spaces between words. If a text in them has spaces, they were put between words for this purpose.
WITHOUT_SPACES = regex.compile(
    r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}"
    r"\p{Tai_Le}\p{New_Tai_Lue}\p{Tai_Tham}\p{Tai_Viet}\p{Javanese}\p{Balinese}]"
)
BETWEEN = regex.compile(r"([^\p{L}\p{M}\p{N}\u200c\u200d]+)")
LONGEST = 8  # segments that may be one word of the lexicon: jack-in-the-box has seven
LETTER_SHARE = 50  # a sign that begins or ends one word in so many of the lexicon counts as a letter
ENGLISH_SHARE = 0.5  # of a lexicon's words that are in the English dictionary


class Written:
    """How the text of a corpus is read: with the words of its lexicon, or (None) of the English dictionary.

    ``noise``: entries of the lexicon that are no speech. ``english``: whether figures are read as English words,
    hyphens separate words and A.M. is two letters; where it is not given, it is decided from the lexicon.
    """

    def __init__(self, words: Collection[str] | None = None, noise: Iterable[str] = (), english: bool | None = None):
        self.words_known = None if words is None else frozenset(map(composed, words))
        self.noise = frozenset(map(composed, noise))
        self._english = english if words is not None or english is not None else True

    @cached_property
    def english(self) -> bool:
        """Whether most words of the lexicon are in the English dictionary."""
        if self._english is not None:
            return self._english
        assert self.words_known is not None  # without a lexicon it is known from the beginning
        known = dictionary_words()
        return sum(upper(word) in known for word in self.words_known) > ENGLISH_SHARE * len(self.words_known)

    def find(self, word: str) -> str | None:
        """The lexicon's spelling of a word: as written, else in small letters, else in capitals, else the only one that
        differs in case or apostrophes alone; None if there is none, or no lexicon."""
        if not self.words_known:
            return None
        word = composed(word)
        ways = [word]
        for turkish in (True, False) if self._turkish else (False,):
            ways += [lower(word, turkish), upper(word, turkish)]
        found = next((way for way in ways if way in self.words_known), None)
        return found or self._alike.get(_bare(word)) or self._alike_unfolded.get(_bare(word.casefold()))

    def words(self, text: str) -> list[str]:
        """The words of a line of text. UserError for figures in another language than English, and for unknown words of
        a script without spaces; the caller adds file and line."""
        text = BRACKETED.sub(lambda found: found[0] if self.find(found[0]) else " ", composed(text))
        if SAID.search(text) and self.english:
            text = " ".join(token if self.find(token) else _signs_in_words(token) for token in text.split())
        if self.words_known is None and self.english:
            _refuse_spaceless(text)
            return to_words(text)
        return [word for token in text.split() if token not in self.noise for word in self._token(token)]

    def tokens(self, words: Iterable[str]) -> list[str]:
        """Text that is split into words already, such as a Kaldi directory's: composed, as the lexicon spells them or
        else as they are, without noise."""
        known = ((word, self.find(word)) for word in map(composed, words) if word not in self.noise)
        return [spelled or word for word, spelled in known if spelled or not BRACKETED.fullmatch(word)]

    def _token(self, token: str) -> Iterator[str]:
        """The words of what stands between spaces."""
        spaceless = WITHOUT_SPACES.search(token)
        segments = [part for part in (BETWEEN if spaceless else BOUNDARY).split(token) if part]
        index = 0
        while index < len(segments):
            found, count = self._longest(segments[index : index + LONGEST])
            if found:
                yield found
            elif LETTER.search(segments[index]):
                word, count = self._with_signs(segments, index)
                yield from self._unknown(word)
            index += count

    def _longest(self, segments: list[str]) -> tuple[str | None, int]:
        """The lexicon's spelling of the longest beginning of ``segments`` that is a word, and how many these are."""
        for count in range(len(segments), 0, -1):
            if LETTER.search(joined := "".join(segments[:count])) and (found := self.find(joined)):
                return found, count
        return None, 1

    def _with_signs(self, segments: list[str], index: int) -> tuple[str, int]:
        """A segment with the sign after (and before) it where this counts as a letter, as the colon does in many
        languages; and how many segments these are."""
        word, count = segments[index], 1
        if index and segments[index - 1] in self._signs[0]:
            word = segments[index - 1] + word
        if index + 1 < len(segments) and segments[index + 1] in self._signs[1]:
            word, count = word + segments[index + 1], 2
        return word, count

    def _unknown(self, word: str) -> list[str]:
        """A word that the lexicon lacks: its parts if all are known (l'école, two words of French lexicons), figures in
        words, or the word as it is, in the case of most words of the lexicon."""
        if parts := self._parts(word):
            return parts
        if self.english:
            return [self.find(said) or self._cased(said) for said in to_words(word)]
        if DIGIT.search(word):
            raise UserError(f'"{word}": figures can be read in several ways; write them as the words that are said')
        _refuse_spaceless(word, self.words_known is not None)
        return [self._cased(word)]

    def _parts(self, word: str) -> list[str]:
        """The word split after the signs inside it, if the lexicon has each part; else nothing."""
        pieces = regex.findall(r"[\p{L}\p{M}\p{N}\u200c\u200d]+[^\p{L}\p{M}\p{N}\u200c\u200d]?", word)
        found = [part for piece in pieces if (part := self.find(piece))]
        return found if len(pieces) > 1 and "".join(pieces) == word and len(found) == len(pieces) else []

    @cached_property
    def _cased(self) -> Callable[[str], str]:
        """Brings an unknown word into the case of most words; leaves it as it is where there is no such case."""
        cased = [word for word in self.words_known or () if lower(word) != upper(word)]
        return next(
            (change for change in (lower, upper) if 2 * sum(change(word) == word for word in cased) > len(cased)),
            lambda word: word,
        )

    @cached_property
    def _turkish(self) -> bool:
        """Whether the lexicon has letters that only Turkish and its relatives have."""
        return any("ı" in word or "İ" in word for word in self.words_known or ())

    @cached_property
    def _alike(self) -> dict[str, str]:
        """The lexicon's words by their form without case and kind of apostrophe."""
        return _only_ones((_bare(word), word) for word in self.words_known or ())

    @cached_property
    def _alike_unfolded(self) -> dict[str, str]:
        """The same with letters that are two in capitals: STRASSE is Straße if there is no Strasse."""
        return _only_ones((_bare(word.casefold()), word) for word in self.words_known or ())

    @cached_property
    def _signs(self) -> tuple[set[str], set[str]]:
        """The signs that begin, and those that end, at least one in LETTER_SHARE words of the lexicon."""
        words = [word for word in self.words_known or () if LETTER.search(word)]
        ends = []
        for place in (0, -1):
            signs = [word[place] for word in words if unicodedata.category(word[place])[0] in "PS"]
            ends.append({sign for sign in set(signs) if signs.count(sign) * LETTER_SHARE >= len(words)})
        return ends[0], ends[1]


def _only_ones(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """{key: word} of the keys that no two words share."""
    found: dict[str, str] = {}
    for key, word in pairs:
        found[key] = word if key not in found else ""
    return {key: word for key, word in found.items() if word}


def _bare(word: str) -> str:
    return lower(word).translate(APOSTROPHES)


def _signs_in_words(token: str) -> str:
    """Per cent and "and" in words. UserError for an amount of money, which is read in several ways ($1.50)."""
    if money := MONEY.search(token):
        raise UserError(
            f'"{money[0]}": an amount of money can be read in several ways; write it as the words that are said'
        )
    return token.replace("%", " percent ").replace("&", " and ")


def _refuse_spaceless(text: str, lexicon: bool = False) -> None:
    """UserError for a script without spaces, where what is between two spaces may be a word or a whole sentence."""
    if found := WITHOUT_SPACES.search(text):
        script = unicodedata.name(found[0], "").split()[0].capitalize()
        way = (
            "or, if it is one word, add it to the lexicon"
            if lexicon
            else "and give a lexicon of these words: LEXICON=FILE"
        )
        raise UserError(
            f'"{text[:60]}": {script} letters are written without spaces between words; set spaces between them, {way}'
        )
