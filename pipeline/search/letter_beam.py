"""Beam search for networks that write letter by letter: an attention decoder, or a transducer.

Both write what the lexicon has alone: a text is a path through a tree of spellings, and at the end of each word the
n-gram has its say. Until then a beginning is scored with the likeliest word that begins so, without its context.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy.special import logsumexp
from torch import Tensor

from pipeline.base.edits import GAP, pair_up
from pipeline.neural import BLANK
from pipeline.neural.spelling import AttentionSpelling, Spelling, TransducerSpelling
from pipeline.search.letter_grammar import Candidate, Grammar, Text


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
            if isinstance(self.spelling, AttentionSpelling):
                return self.in_order(self._attention(torch.from_numpy(np.ascontiguousarray(columns))))
        growing = TransducerTexts(self)
        growing.step(columns)
        return growing.ended()

    def in_order(self, found: Sequence[Candidate]) -> list[Candidate]:
        """Texts that reach the end, best first."""
        return sorted(found, key=lambda one: (-one.score, one.text.words))[: self.size]

    def candidate(self, text: Text, acoustic: float, rows: tuple[int, ...]) -> Candidate:
        return Candidate(text, acoustic, rows, self.grammar.score(text, acoustic, self.acoustic_scale, self.word_score))

    def best(self, found: Sequence[Candidate]) -> list[Candidate]:
        """The ``size`` best of some candidates, best first."""
        return sorted(found, key=lambda one: (-one.score, one.text.letters))[: self.size]

    def _attention(self, rows: Tensor) -> list[Candidate]:
        """All texts grow by a letter at a time; the search ends when none that grows is better than one that ended.

        A text ends where the end is likelier than any letter (Hannun et al. 2019): short texts, with little language to
        pay for, would win otherwise. Only if none does, where it is not.
        """
        spelling = self.spelling
        assert isinstance(spelling, AttentionSpelling)
        reading, written = spelling.begin(rows[None], torch.tensor([len(rows)]))
        growing = [self.candidate(self.grammar.begin(), 0.0, ())]
        ended: list[Candidate] = []
        early: list[Candidate] = []
        for _ in range(2 * len(rows)):
            several = reading._replace(
                **{k: v.expand(len(growing), *v.shape[1:]) for k, v in reading._asdict().items()}
            )
            last = torch.tensor([one.text.letters[-1] if one.text.letters else BLANK for one in growing])
            log_probs, written = spelling.step(several, written, last)
            places = (written.looked.argmax(dim=1) * spelling.POOLED).tolist()
            longer, parents = [], {}
            for i, (one, row) in enumerate(zip(growing, log_probs.double().numpy())):
                if one.text.node is self.grammar.root and one.text.words:
                    whole = self.candidate(self.grammar.ended(one.text), one.acoustic + row[BLANK], one.rows)
                    (ended if row[BLANK] == row.max() else early).append(whole)
                for token in one.text.node.after:
                    text = self.grammar.longer(one.text, token)
                    longer.append(self.candidate(text, one.acoustic + row[token], (*one.rows, places[i])))
                    parents[text.letters] = i
            growing, ended, early = self.best(longer), self.best(ended), self.best(early)
            if not growing or (len(ended) == self.size and ended[-1].score >= growing[0].score):
                break
            written = written.of(torch.tensor([parents[one.text.letters] for one in growing]))
        return ended or early

    def log_prob(self, columns: np.ndarray, letters: tuple[int, ...]) -> float:
        """Natural log probability that the network gives to a text."""
        with torch.inference_mode():
            rows = torch.from_numpy(np.ascontiguousarray(columns))[None]
            return -float(self.spelling.log_loss(rows, torch.tensor([rows.shape[1]]), [letters])[0])


class TransducerTexts:
    """The search through a transducer's rows, which may come bit by bit: each text stays as it is or grows by some
    letters in a row; ways to the same letters are added up."""

    def __init__(self, of: LetterBeam):
        assert isinstance(of.spelling, TransducerSpelling)
        self.of, self.spelling, self.recent = of, of.spelling, dict[tuple[int, ...], Tensor]()
        self.beam = [of.candidate(of.grammar.begin(), 0.0, ())]
        self.num_rows = 0

    def step(self, columns: np.ndarray) -> None:
        """The next rows (n, width)."""
        with torch.inference_mode():
            for row in torch.from_numpy(np.ascontiguousarray(columns)):
                self._row(row)
                self.num_rows += 1

    def ended(self) -> list[Candidate]:
        """Of the texts so far those that end with a word, best first."""
        grammar = self.of.grammar
        return self.of.in_order(
            [
                self.of.candidate(grammar.ended(one.text), one.acoustic, one.rows)
                for one in self.beam
                if one.text.node is grammar.root
            ]
        )

    def _row(self, row: Tensor) -> None:
        ready: dict[tuple[int, ...], Candidate] = {}  # for the next row
        growing, most = self.beam, self.spelling.MOST
        for written in range(most + 1):
            longer: dict[tuple[int, ...], Candidate] = {}
            for one, probs in zip(growing, self._log_probs(row, growing)):
                self._add(ready, one.text, one.acoustic + probs[BLANK], one.rows)
                for token in one.text.node.after if written < most else ():
                    text = self.of.grammar.longer(one.text, token)
                    self._add(longer, text, one.acoustic + probs[token], (*one.rows, self.num_rows))
            self.beam = self.of.best(list(ready.values()))
            least = self.beam[-1].score if len(self.beam) == self.of.size else -math.inf
            growing = [one for one in self.of.best(list(longer.values())) if one.score > least]
            if not growing:
                return

    def _log_probs(self, row: Tensor, texts: Sequence[Candidate]) -> np.ndarray:
        spelling = self.spelling
        contexts = [(*spelling.BEFORE, *one.text.letters)[-spelling.CONTEXT :] for one in texts]
        for context in contexts:
            if context not in self.recent:
                self.recent[context] = spelling.predicted(torch.tensor([context]))[0, 0]
        logits = spelling.joined(row, torch.stack([self.recent[context] for context in contexts]))
        return logits.log_softmax(dim=-1).double().numpy()

    def _add(self, found: dict[tuple[int, ...], Candidate], text: Text, acoustic: float, rows: tuple[int, ...]) -> None:
        if (same := found.get(text.letters)) is not None:
            acoustic, rows = float(np.logaddexp(acoustic, same.acoustic)), same.rows
        found[text.letters] = self.of.candidate(text, acoustic, rows)


def word_posteriors(candidates: Sequence[Candidate]) -> list[float]:
    """Of each word of the best of some candidates, the share of them that have it there too, by what they score."""
    scores = np.array([one.score for one in candidates])
    shares = np.zeros(len(candidates[0].text.words))
    for share, one in zip(np.exp(scores - logsumexp(scores)), candidates):
        pairs = pair_up(candidates[0].text.words, one.text.words)
        shares += share * np.array([word == other for word, other in pairs if word != GAP], float)
    return np.clip(shares, 0, 1).tolist()
