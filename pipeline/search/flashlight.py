"""What CTC posteriors say: greedy phones, exact alignment, and words through flashlight-text's lexicon beam search.

flashlight-text's lexicon decoder expects spellings that end in a separator ("|"), as letters have. Phones have none,
and without one it lets the last token of a word last a single frame. So each spelling is entered twice: as it is, and
with its last phone followed by a copy of that phone (a column of its own, with the same posteriors), which takes the
further frames. The copy is a little too permissive (it also joins "T, blank, T" to one T), so every hypothesis is
aligned and scored again exactly, and the n-best list is ordered by that score.

Of hypotheses with equal scores flashlight keeps those whose language model states happen to lie first in memory, and
words of one pronunciation score alike so often that results would differ from run to run. So the last phone of every
further word of a pronunciation has a column of its own as well, worse than the phone's by next to nothing, which
differs from frame to frame (ASIDE). And what is found is taken for its pronunciations, and all words that have them are
tried again.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from flashlight.lib.text.decoder import (
    CriterionType,
    DecodeResult,
    LexiconDecoder,
    LexiconDecoderOptions,
    SmearingMode,
    Trie,
)

from lexicon.errors import UserError
from lexicon.lang import Lang
from lexicon.ngram import NATURAL
from pipeline.base.training import setting
from pipeline.lattice import LARGEST
from pipeline.neural import BLANK
from pipeline.neural.paths import all_spellings, best_spelling
from pipeline.search.word_lm import OwnModel, word_lm

LABELS_PER_NODE = 6  # words of a pronunciation that are searched; the others are tried at the end
ASIDE = 1e-4  # nats that columns of further words are worse by, half of it by chance
MOST = 2**31 - 1  # that flashlight's whole numbers hold


@dataclass(frozen=True)
class FlashlightSettings:
    """All that can be set in flashlight's search. Scores are in nats, added to those of the network as they are."""

    beam_size: int = setting(200, "flashlight: hypotheses kept at each row of scores", least=1)
    beam_size_token: int = setting(15, "flashlight: tokens that may follow at each row, the likeliest", least=1)
    beam_threshold: float = setting(30.0, "flashlight: nats by which a hypothesis may be behind the best", least=0.0)
    lm_weight: float = setting(1.0, "flashlight: times the natural log probability of the words", least=0.0)
    word_score: float = setting(0.0, "flashlight: nats for each word", least=-LARGEST)
    sil_score: float = setting(0.0, "flashlight: nats for each row of blanks between words", least=0.0)
    nbest: int = setting(10, "flashlight: readings kept", least=1)
    log_add: bool = setting(False, "flashlight: add up the alignments of a reading, instead of taking the best one")

    def __post_init__(self) -> None:
        """UserError for what would overflow in flashlight."""
        for name, value in vars(self).items():
            if not abs(value) <= LARGEST:
                raise UserError(f"{name} {value:g} is no number up to {LARGEST:g}; give another")


@dataclass(frozen=True)
class Token:
    """A phone where CTC put it: network frames begin (inclusive) to end (exclusive); word is an index into words."""

    phone: str
    begin: int
    end: int
    word: int


@dataclass(frozen=True)
class Reading:
    """One reading of an utterance. score = acoustic + lm_weight * language + word_score * number of words.

    acoustic: natural log of the best CTC path of these phones (with log_add, of all of them together), and sil_score
    for each of its rows that is in no word. language: natural log LM probability, with sentence end, and of the
    pronunciation variants.
    """

    words: tuple[str, ...]
    tokens: tuple[Token, ...]
    score: float
    acoustic: float
    language: float

    @property
    def phones(self) -> tuple[str, ...]:
        return tuple(token.phone for token in self.tokens)


class Entry(NamedTuple):
    """A word and pronunciation that is searched: its rank among the words of the pronunciation (0: the most frequent),
    and its log10 probability without context."""

    word: str
    phones: tuple[str, ...]
    rank: int
    unigram: float


class FlashlightDecoder:
    """Lexicon, KenLM and beam search over CTC posteriors."""

    def __init__(self, lang: Lang, tokens: list[str], settings: FlashlightSettings = FlashlightSettings()):
        check_tokens(lang, tokens)
        self.tokens, self.lang, self.settings = tokens, lang, settings
        self.words = sorted(lang.lexicon)
        self.index = {word: i for i, word in enumerate(self.words)}
        # Words of a pronunciation, and natural log of its probability among those of the word.
        self.sounding: dict[tuple[str, ...], list[tuple[str, float]]] = {}
        for word in self.words:
            for weight, phones in lang.lexicon[word]:
                self.sounding.setdefault(phones, []).append((word, math.log(weight)))
        self.lm = word_lm(lang, self.words)
        entries = self._entries()
        ends = sorted({tokens.index(phones[-1]) for _, phones, _, _ in entries})
        aside = sorted({(tokens.index(phones[-1]), rank) for _, phones, rank, _ in entries if rank})
        self.copied = [*ends, *(token for token, _ in aside)]  # the tokens that further columns are copies of
        self.num_aside = len(aside)
        # The likeliest tokens with all their columns, however many of these they have.
        columns = sorted((1 + Counter(self.copied)[token] for token in range(len(tokens))), reverse=True)
        self.trie = self._trie(entries, ends, aside)
        options = LexiconDecoderOptions(
            min(settings.beam_size, MOST),
            sum(columns[: settings.beam_size_token]),
            settings.beam_threshold,
            settings.lm_weight * NATURAL,
            settings.word_score,
            -math.inf,
            self._more_for_silence(),
            settings.log_add,
            CriterionType.CTC,
        )
        self.rows: list[np.ndarray] | None = None  # of the utterance that is being decoded
        # The "silence" is what may follow a finished word for a while: the blank. (-1 would read outside the matrix.)
        self.decoder = LexiconDecoder(options, self.trie, self.lm, BLANK, BLANK, -1, [], False)

    def __reduce__(self) -> tuple[type[FlashlightDecoder], tuple[Lang, list[str], FlashlightSettings]]:
        """It can be sent to a process of another machine, which makes it again: flashlight's objects cannot."""
        return FlashlightDecoder, (self.lang, list(self.tokens), self.settings)

    def _more_for_silence(self) -> float:
        """flashlight tries a blank between words twice: as silence, with this score, and as CTC's blank, without. Where
        the better of the two counts that is the sil_score; where they are added up they must make it together."""
        score = self.settings.sil_score
        if not self.settings.log_add:
            return score
        return score + math.log(-math.expm1(-score)) if score else -math.inf  # log(exp(score) - 1)

    def _entries(self) -> list[Entry]:
        """What is searched, the most frequent words first."""
        start = self.lm.start(True)
        ranks: Counter[tuple[str, ...]] = Counter()
        entries = []
        unigram = {word: self.lm.score(start, i)[1] for word, i in self.index.items()}
        for word in sorted(self.words, key=lambda word: (-unigram[word], word)):
            for phones in dict.fromkeys(phones for _, phones in self.lang.lexicon[word]):
                if ranks[phones] < LABELS_PER_NODE:
                    entries.append(Entry(word, phones, ranks[phones], unigram[word]))
                ranks[phones] += 1
        return entries

    def _trie(self, entries: list[Entry], ends: list[int], aside: list[tuple[int, int]]) -> Trie:
        """Every pronunciation of every word, and the same with the copy of its last phone."""
        size = len(self.tokens)
        copies = {token: size + i for i, token in enumerate(ends)}
        columns = {pair: size + len(ends) + i for i, pair in enumerate(aside)}
        trie = Trie(size + len(self.copied), BLANK)
        for word, phones, rank, unigram in entries:
            *before, last = (self.tokens.index(phone) for phone in phones)
            spelling = [*before, columns[last, rank] if rank else last]
            trie.insert(spelling, self.index[word], unigram)
            trie.insert([*spelling, copies[last]], self.index[word], unigram)
        trie.smear(SmearingMode.MAX)
        return trie

    def decode(self, log_posteriors: np.ndarray) -> list[Reading]:
        """log_posteriors (T, V) float natural log -> up to nbest hypotheses, best first; never none.

        When the beam holds no complete word sequence, the one hypothesis has no words.
        """
        self.decode_begin()
        self.decode_step(log_posteriors)
        return self.decode_end()

    def decode_begin(self) -> None:
        """Begin an utterance whose rows come bit by bit; what came before of another is forgotten.

        The end is that of `decode`, whatever the sizes of the steps: the search goes row by row in any case, and all
        rows are kept, since the readings are scored again from the first row to the last. With a beam of 200 flashlight
        keeps 30 kB a row, a megabyte for each second of speech; its `prune` would forget the words of all but one
        hypothesis, so it is not called: begin a new utterance at a pause instead.
        """
        if isinstance(self.lm, OwnModel):
            self.lm.forget()
        self.rows = []
        self.chance = np.random.default_rng(0)
        self.decoder.decode_begin()

    def decode_step(self, log_posteriors: np.ndarray) -> None:
        """The next rows (T, V), any number of them; none changes nothing."""
        rows = self._begun()
        if log_posteriors.ndim != 2 or log_posteriors.shape[1] != len(self.tokens):
            raise UserError(
                f"{self.lang.path}/tokens.txt: {len(self.tokens)} tokens, but posteriors of shape"
                f" {log_posteriors.shape}; train the network again: make neural"
            )
        if np.isnan(log_posteriors).any():
            raise UserError("posteriors hold NaN; train the network again")
        if len(log_posteriors):
            rows.append(log_posteriors)
            matrix = self._with_copies(log_posteriors)
            self.decoder.decode_step(matrix.ctypes.data, *matrix.shape)

    def decode_best(self) -> tuple[tuple[str, ...], tuple[Token, ...]]:
        """The best of the beam so far: its words, each when its last phone has come, and all phones with their rows,
        those of a word that is not complete yet (``word`` is then the number of words) among them.

        A later row may change any of it, and the end adds what the beam alone does not know: the probability that the
        sentence ends here, other words of the same sounds, and the exact score of the alignment.
        """
        if not self._begun():
            return (), ()
        # get_best_hypothesis() would stop before the word that is being said.
        result = max(self.decoder.get_all_final_hypothesis(), key=lambda result: result.score)
        words = tuple(self.words[label] for label in result.words if label >= 0)
        return words, tuple(self._path(result))

    def decode_end(self) -> list[Reading]:
        """What `decode` says of all rows since decode_begin, which a further utterance needs again."""
        rows, self.rows = self._begun(), None
        if not rows:
            return self._rescore(np.zeros((0, len(self.tokens)), np.float32), ())
        self.decoder.decode_end()
        # get_best_hypothesis() would leave out what decode_end added (the sentence end).
        results = self.decoder.get_all_final_hypothesis()
        log_posteriors = rows[0] if len(rows) == 1 else np.concatenate(rows)
        found = [one for spelling in self._spellings(results) for one in self._rescore(log_posteriors, spelling)]
        ordered = sorted(found, key=lambda h: (-h.score, h.words, h.phones))
        ordered = [h for h in ordered if h.score > -math.inf][: self.settings.nbest]
        return ordered or self._rescore(log_posteriors, ())

    def _begun(self) -> list[np.ndarray]:
        """The rows so far. RuntimeError without decode_begin, for flashlight would read outside its memory."""
        if self.rows is None:
            raise RuntimeError("no utterance has begun: call decode_begin first")
        return self.rows

    def steps(self, log_posteriors: np.ndarray) -> Iterator[list[DecodeResult]]:
        """What flashlight's beam holds after each row, and once more after the end, in no order: ``words`` of each has
        a label (-1: none) for the start and for every row."""
        self.decode_begin()
        for row in log_posteriors[:, None]:
            self.decode_step(row)
            yield self.decoder.get_all_final_hypothesis()
        self.decoder.decode_end()
        yield self.decoder.get_all_final_hypothesis()

    def _with_copies(self, log_posteriors: np.ndarray) -> np.ndarray:
        """(T, V) -> (T, V + copies) float32, contiguous: decode_step gets its bare address."""
        matrix = np.ascontiguousarray(
            np.concatenate([log_posteriors, log_posteriors[:, self.copied]], axis=1), np.float32
        )
        if self.num_aside:
            chance = self.chance.random((len(matrix), self.num_aside), np.float32)
            matrix[:, -self.num_aside :] -= ASIDE * (1 + chance) / 2
        assert matrix.dtype == np.float32 and matrix.flags.c_contiguous and matrix.ndim == 2
        return matrix

    def _path(self, result: DecodeResult) -> list[Token]:
        """flashlight's path, which has a column and a label (-1: none) for the start and for every row: the phones with
        their rows; a word ends where its label is, and what follows the last label is of a word not complete yet."""
        found: list[Token] = []
        last, word = BLANK, 0
        for row, (column, label) in enumerate(zip(result.tokens, result.words), -1):
            if column not in (last, BLANK) and (phone := self._phone(column)):
                found.append(Token(phone, row, row + 1, word))
            elif column != BLANK:  # it goes on
                found[-1] = replace(found[-1], end=row + 1)
            last = column
            word += label >= 0
        return found

    def _spellings(self, results: list[DecodeResult]) -> list[tuple[tuple[str, ...], ...]]:
        """The phones of each complete word of flashlight's hypotheses, best first: those that are scored again."""
        found: dict[tuple[tuple[str, ...], ...], None] = {}
        for result in results:
            words: list[list[str]] = [[] for label in result.words if label >= 0]
            for token in self._path(result):
                if token.word < len(words):
                    words[token.word].append(token.phone)
            found[tuple(map(tuple, words))] = None
            if len(found) == 2 * self.settings.nbest:
                break
        return list(found)

    def _phone(self, column: int) -> str | None:
        """The phone that begins in a column; None in a copy, in which one goes on."""
        own, further = len(self.tokens), column - len(self.tokens)
        if 0 <= column < own:
            return self.tokens[column]
        aside = len(self.copied) - self.num_aside <= further < len(self.copied)
        return self.tokens[self.copied[further]] if aside else None

    def _rescore(self, log_posteriors: np.ndarray, spelling: tuple[tuple[str, ...], ...]) -> list[Reading]:
        """Exact score and times of the words that may have these pronunciations, nbest of them at most."""
        spelled = [(phone, number) for number, phones in enumerate(spelling) for phone in phones]
        target, given = [self.tokens.index(phone) for phone, _ in spelled], self.settings
        more = np.zeros(2 * len(target) + 1)
        more[2 * np.cumsum([0, *map(len, spelling)])] = given.sil_score  # the blanks before words and after the last
        acoustic, spans = best_spelling(log_posteriors, target, more)
        tokens = tuple(Token(phone, *span, number) for (phone, number), span in zip(spelled, spans))
        if given.log_add:
            acoustic = all_spellings(log_posteriors, target, more)
        return [
            Reading(
                words, tokens, acoustic + given.lm_weight * language + given.word_score * len(words), acoustic, language
            )
            for language, words in self._wordings(spelling)
        ]

    def _wordings(self, spelling: tuple[tuple[str, ...], ...]) -> list[tuple[float, tuple[str, ...]]]:
        """The words that may have these pronunciations: (natural log probability, words), the nbest best."""
        best: list[tuple[float, tuple[str, ...], Any]] = [(0.0, (), self.lm.start(False))]
        for phones in spelling:
            longer = []
            for language, words, state in best:
                for word, weight in self.sounding[phones]:
                    following, log10_prob = self.lm.score(state, self.index[word])
                    longer.append((language + log10_prob * NATURAL + weight, (*words, word), following))
            best = sorted(longer, key=lambda one: (-one[0], one[1]))[: self.settings.nbest]
        return [(language + self.lm.finish(state)[1] * NATURAL, words) for language, words, state in best]


def check_tokens(lang: Lang, tokens: list[str]) -> None:
    """UserError unless these are the tokens of the lang directory."""
    if not tokens or tokens != lang.tokens:
        raise UserError(f"{lang.path}/tokens.txt: not the tokens the network was trained on; run: make neural")
