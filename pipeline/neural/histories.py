"""What a language model of words is asked, whether an n-gram or a network: words after histories, and perplexity."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from lexicon.ngram import BEGIN, END, NATURAL, NGram

WEIGHTS = tuple(round(0.1 * tenth, 1) for tenth in range(11))  # of the network beside the n-gram

Asked = Sequence[tuple[int, str]]  # what is predicted: after which history, which word


class Histories:
    """Beginnings of sentences as a tree, each there once. Number 0 is the start, before any word."""

    def __init__(self) -> None:
        self.before, self.word, self.depth = [-1], [BEGIN], [0]
        self._numbers: dict[tuple[int, str], int] = {}

    def __len__(self) -> int:
        return len(self.word)

    def after(self, history: int, word: str) -> int:
        """The number of ``history`` and this word."""
        number = self._numbers.setdefault((history, word), len(self))
        if number == len(self):
            self.before.append(history)
            self.word.append(word)
            self.depth.append(self.depth[history] + 1)
        return number

    def last(self, history: int, count: int) -> tuple[str, ...]:
        """The last ``count`` words, or all of them with <s> before the first."""
        words: list[str] = []
        while history >= 0 and len(words) < count:
            words.append(self.word[history])
            history = self.before[history]
        return tuple(words[::-1])


def ngram_log_probs(ngram: NGram, histories: Histories, asked: Asked) -> np.ndarray:
    """(F,) the same of an n-gram."""
    return NATURAL * np.array([ngram.score(histories.last(history, ngram.order - 1), word) for history, word in asked])


def of_text(sentences: Iterable[Sequence[str]], known: Iterable[str]) -> tuple[Histories, list[tuple[int, str]]]:
    """What predicts a text: each ``known`` word and each sentence end after its history."""
    histories, asked, known = Histories(), [], set(known)
    for words in sentences:
        history = 0
        for word in words:
            if word in known:
                asked.append((history, word))
            history = histories.after(history, word)
        asked.append((history, END))
    return histories, asked


def mixed(ngram: np.ndarray, neural: np.ndarray, weight: float) -> np.ndarray:
    """Natural log of (1 - weight) x the n-gram's probability + weight x the network's; weight 0 is the n-gram."""
    with np.errstate(divide="ignore"):
        return np.logaddexp(np.log1p(-weight) + ngram, np.log(weight) + neural)


def perplexity(log_probs: np.ndarray) -> float:
    """Per word and sentence end."""
    with np.errstate(over="ignore"):
        return float(np.exp(-log_probs.mean()))
