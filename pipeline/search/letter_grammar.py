"""What a network that writes letter by letter may write: a tree of spellings with the n-gram, and texts in it.

Both `pipeline.search.letter_beam` and who only asks for its settings need this; PyTorch is needed for the search alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from lexicon.lang import Lang
from lexicon.ngram import NATURAL
from lexicon.spelling import spelled
from pipeline.base.training import setting
from pipeline.neural import BLANK
from pipeline.search.word_lm import word_lm


@dataclass(frozen=True)
class LetterBeamSettings:
    """What can be set in this search."""

    letter_beam: int = setting(8, "letter search: texts kept after each letter, or each row", least=1)


@dataclass
class Beginning:
    """A node of the tree of spellings: what may follow, by token, the word that ends here, and natural log probability
    of the likeliest word that begins so."""

    after: dict[int, Beginning] = field(default_factory=dict)
    word: str = ""
    likeliest: float = -math.inf


class Text(NamedTuple):
    """What was written so far: ``letters``, where in the tree they end, ``words`` that are complete, the language
    model's state after them, and its natural log score of them."""

    letters: tuple[int, ...]
    node: Beginning
    words: tuple[str, ...]
    state: Any
    language: float


class Candidate(NamedTuple):
    """A text with natural log probability by the network, the row in which each letter was written, and its score."""

    text: Text
    acoustic: float
    rows: tuple[int, ...]
    score: float


class Grammar:
    """Lexicon and n-gram as what may be written, and what it scores."""

    def __init__(self, lang: Lang, letters: Sequence[str]):
        self.lang, self.letters, self.words = lang, letters, sorted(lang.lexicon)
        self.index = {word: i for i, word in enumerate(self.words)}
        self.lm = word_lm(lang, self.words)
        self.root, number = Beginning(), {letter: i for i, letter in enumerate(letters)}
        self.number = number
        start = self.lm.start(True)
        for word in self.words:
            tokens = [number.get(letter, BLANK) for letter in spelled(word)]
            if BLANK in tokens:
                continue  # a letter that training has never seen
            likely, here = self.lm.score(start, self.index[word])[1] * NATURAL, self.root
            for token in tokens:
                here.likeliest = max(here.likeliest, likely)
                here = here.after.setdefault(token, Beginning())
            here.word = word
        self.root.likeliest = 0.0  # nothing has begun

    def __reduce__(self) -> tuple[type[Grammar], tuple[Lang, Sequence[str]]]:
        """It can be sent to a process of another machine, which makes it again: KenLM's objects cannot."""
        return Grammar, (self.lang, self.letters)

    def begin(self) -> Text:
        return Text((), self.root, (), self.lm.start(False), 0.0)

    def longer(self, text: Text, token: int) -> Text:
        """The text with a letter more, one of those in ``text.node.after``."""
        node, letters = text.node.after[token], (*text.letters, token)
        if not node.word:
            return text._replace(letters=letters, node=node)
        state, log10 = self.lm.score(text.state, self.index[node.word])
        return Text(letters, self.root, (*text.words, node.word), state, text.language + log10 * NATURAL)

    def written(self, words: Sequence[str]) -> Text | None:
        """The text of these words with the end of the sentence; None where a word cannot be written."""
        text = self.begin()
        for word in words:
            for letter in spelled(word):
                token = self.number.get(letter, BLANK)
                if token not in text.node.after:
                    return None
                text = self.longer(text, token)
        return self.ended(text)

    def ended(self, text: Text) -> Text:
        """The text with the end of the sentence."""
        return text._replace(language=text.language + self.lm.finish(text.state)[1] * NATURAL)

    def score(self, text: Text, acoustic: float, scale: float, word_score: float) -> float:
        """What texts are compared by."""
        return scale * acoustic + text.language + text.node.likeliest + word_score * len(text.words)
