"""Beam search for networks that write letter by letter: an attention decoder, or a transducer.

Both write what the lexicon has alone: a text is a path through a tree of spellings, and at the end of each word the
n-gram has its say. Until then a beginning is scored with the likeliest word that begins so, without its context.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import torch
from scipy.special import logsumexp
from torch import Tensor

from lexicon.lang import Lang
from lexicon.spelling import spelled
from pipeline.base.edits import GAP, pair_up
from pipeline.base.training import setting
from pipeline.neural import BLANK
from pipeline.neural.spelling import AttentionSpelling, Spelling, TransducerSpelling
from pipeline.search.flashlight import NATURAL, load_kenlm


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
        self.words = sorted(lang.lexicon)
        self.index = {word: i for i, word in enumerate(self.words)}
        self.lm = load_kenlm(lang.path / "lm.arpa", self.words)
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


@dataclass(frozen=True)
class LetterBeam:
    """The search: ``size`` texts are kept after each letter, or each row."""

    spelling: Spelling
    grammar: Grammar
    acoustic_scale: float
    word_score: float
    size: int

    def search(self, columns: np.ndarray) -> list[Candidate]:
        """The texts found for an utterance (T', width), best first; none where no text reaches the end."""
        if not len(columns):
            return []
        with torch.inference_mode():
            rows = torch.from_numpy(np.ascontiguousarray(columns))
            found = self._attention(rows) if isinstance(self.spelling, AttentionSpelling) else self._transducer(rows)
        return sorted(found, key=lambda one: (-one.score, one.text.words))[: self.size]

    def _candidate(self, text: Text, acoustic: float, rows: tuple[int, ...]) -> Candidate:
        return Candidate(text, acoustic, rows, self.grammar.score(text, acoustic, self.acoustic_scale, self.word_score))

    def _best(self, found: Sequence[Any]) -> list[int]:
        """The numbers of the ``size`` best of some candidates, best first."""
        return sorted(range(len(found)), key=lambda i: (-found[i].score, found[i].text.letters))[: self.size]

    def _attention(self, rows: Tensor) -> list[Candidate]:
        """All texts grow by a letter at a time; the search ends when none that grows is better than one that ended."""
        spelling = self.spelling
        assert isinstance(spelling, AttentionSpelling)
        reading, written = spelling.begin(rows[None], torch.tensor([len(rows)]))
        growing, ended = [self._candidate(self.grammar.begin(), 0.0, ())], []
        for _ in range(2 * len(rows)):
            several = reading._replace(
                **{k: v.expand(len(growing), *v.shape[1:]) for k, v in reading._asdict().items()}
            )
            last = torch.tensor([one.text.letters[-1] if one.text.letters else BLANK for one in growing])
            log_probs, written = spelling.step(several, written, last)
            places = (written.looked.argmax(dim=1) * spelling.POOLED).tolist()
            longer, parents = [], []
            for i, (one, row) in enumerate(zip(growing, log_probs.double().numpy())):
                if one.text.node is self.grammar.root and one.text.words:
                    ended.append(self._candidate(self.grammar.ended(one.text), one.acoustic + row[BLANK], one.rows))
                for token in one.text.node.after:
                    text = self.grammar.longer(one.text, token)
                    longer.append(self._candidate(text, one.acoustic + row[token], (*one.rows, places[i])))
                    parents.append(i)
            chosen = self._best(longer)
            ended.sort(key=lambda one: -one.score)
            del ended[self.size :]
            if not chosen or (len(ended) == self.size and ended[-1].score >= longer[chosen[0]].score):
                break
            growing, written = [longer[i] for i in chosen], written.of(torch.tensor([parents[i] for i in chosen]))
        return ended

    def _transducer(self, rows: Tensor) -> list[Candidate]:
        """Row by row, each text stays as it is or grows by a letter; texts of the same letters are added up."""
        spelling = self.spelling
        assert isinstance(spelling, TransducerSpelling)
        start = [BLANK] * spelling.CONTEXT
        recent: dict[tuple[int, ...], Tensor] = {}

        def predicted(letters: tuple[int, ...]) -> Tensor:
            context = tuple([*start, *letters][-spelling.CONTEXT :])
            if context not in recent:
                recent[context] = spelling.predicted(torch.tensor([context]))[0, 0]
            return recent[context]

        beam = [self._candidate(self.grammar.begin(), 0.0, ())]
        for number, row in enumerate(rows):
            logits = spelling.joined(row, torch.stack([predicted(one.text.letters) for one in beam]))
            found: dict[tuple[int, ...], Candidate] = {}
            for one, log_probs in zip(beam, logits.log_softmax(dim=-1).double().numpy()):
                for text, acoustic, places in self._ways(one, log_probs, number):
                    if (same := found.get(text.letters)) is not None:
                        acoustic = float(np.logaddexp(acoustic, same.acoustic))
                        places = same.rows
                    found[text.letters] = self._candidate(text, acoustic, places)
            candidates = list(found.values())
            beam = [candidates[i] for i in self._best(candidates)]
        return [
            self._candidate(self.grammar.ended(one.text), one.acoustic, one.rows)
            for one in beam
            if one.text.node is self.grammar.root
        ]

    def _ways(
        self, one: Candidate, log_probs: np.ndarray, number: int
    ) -> Iterator[tuple[Text, float, tuple[int, ...]]]:
        yield one.text, one.acoustic + log_probs[BLANK], one.rows
        for token in one.text.node.after:
            yield self.grammar.longer(one.text, token), one.acoustic + log_probs[token], (*one.rows, number)

    def log_prob(self, columns: np.ndarray, letters: tuple[int, ...]) -> float:
        """Natural log probability that the network gives to a text."""
        with torch.inference_mode():
            rows = torch.from_numpy(np.ascontiguousarray(columns))[None]
            return -float(self.spelling.log_loss(rows, torch.tensor([rows.shape[1]]), [letters])[0])


def word_confidence(candidates: Sequence[Candidate]) -> list[float]:
    """Of each word of the best of some candidates, the share of them that have it there too, by what they score."""
    scores = np.array([one.score for one in candidates])
    shares = np.zeros(len(candidates[0].text.words))
    for share, one in zip(np.exp(scores - logsumexp(scores)), candidates):
        pairs = pair_up(candidates[0].text.words, one.text.words)
        shares += share * np.array([word == other for word, other in pairs if word != GAP], float)
    return np.clip(shares, 0, 1).tolist()
