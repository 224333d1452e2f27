"""Interpolated modified Kneser-Ney n-grams, ARPA files, and their scores.

Formulas: Chen & Goodman 1998 (An Empirical Study of Smoothing Techniques, section 3 and equation 26 for the
discounts), with the conventions of Heafield et al. 2013 (Scalable Modified Kneser-Ney Language Model Estimation):
n-grams that begin with <s> keep their raw counts, unigrams are interpolated with the uniform distribution, <unk> is
a word that was never seen. So the numbers are those of KenLM's `lmplz --discount_fallback --vocab_pad N`, N being
the words of the vocabulary with <unk> and </s>.

In short, with a(.) the adjusted count of an n-gram (its count at the highest order, the number of different words
seen before it at the lower ones) and D the discount, which depends on a (1, 2, 3 or more):

    p(w | h)  = (a(h w) - D(a(h w))) / sum_v a(h v)  +  gamma(h) p(w | shorter h)
    gamma(h)  = sum over i = 1, 2, 3+ of  D(i) * #{v : a(h v) = i}  /  sum_v a(h v)
    p(w | )   starts from the uniform 1 / (words + </s> + <unk>)
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from lexicon.errors import UserError
from lexicon.files import write_lines
from lexicon.text import numbered_lines

BEGIN, END, UNKNOWN = "<s>", "</s>", "<unk>"
NATURAL = math.log(10.0)  # times the scores of n-grams, which are log10 as in ARPA files
NEVER_LESS = -1000.0  # log10; a smaller number is damage
NEVER = -99.0  # log10 of what is never predicted, as <s>, in ARPA files
FALLBACK_DISCOUNTS = (0.0, 0.5, 1.0, 1.5)  # lmplz --discount_fallback, for orders whose counts of counts have holes

Ngram = tuple[str, ...]


@dataclass(frozen=True)
class Evaluation:
    """The score of a text. Unknown words are counted, and never mixed into ``perplexity``."""

    log10_prob: float  # of the known words and the sentence ends
    tokens: int  # known words and sentence ends
    unknown: int  # words outside the vocabulary
    unknown_log10_prob: float  # what <unk> cost for these

    @property
    def perplexity(self) -> float:
        """Per known word or sentence end; infinite when there is none."""
        return 10 ** (-self.log10_prob / self.tokens) if self.tokens else math.inf

    @property
    def perplexity_with_unknown(self) -> float:
        """With each unknown word scored as <unk> (KenLM's "including OOVs")."""
        total = self.tokens + self.unknown
        return 10 ** (-(self.log10_prob + self.unknown_log10_prob) / total) if total else math.inf


@dataclass
class NGram:
    """A backoff n-gram model: log10 probabilities and log10 backoff weights of word tuples of length 1 to order.

    ``backoff`` holds only tuples that were seen as a history; any other has weight 0 (a factor of one).
    """

    order: int
    logprob: dict[Ngram, float]
    backoff: dict[Ngram, float]

    @property
    def vocabulary(self) -> list[str]:
        """Sorted words of the unigrams, without <s>, </s> and <unk>."""
        return sorted(ngram[0] for ngram in self.logprob if len(ngram) == 1 and ngram[0] not in (BEGIN, END, UNKNOWN))

    def score(self, history: Sequence[str], word: str) -> float:
        """log10 p(word | history); only the last order - 1 words of the history count.

        ``history`` begins with "<s>" at a sentence start. A word outside the vocabulary, predicted or in the
        history, is scored as <unk>; minus infinity in a model that has no <unk>.
        """
        context = tuple(history[-(self.order - 1) :]) if self.order > 1 else ()
        ngram = tuple(w if (w,) in self.logprob else UNKNOWN for w in (*context, word))
        weight = 0.0
        while ngram not in self.logprob:
            if len(ngram) == 1:
                return -math.inf
            weight += self.backoff.get(ngram[:-1], 0.0)
            ngram = ngram[1:]
        return weight + self.logprob[ngram]

    def score_sentence(self, words: Sequence[str]) -> float:
        """log10 p(words, </s> | <s>)."""
        return math.fsum(score for _, score in self._scored(words))

    def _scored(self, words: Sequence[str]) -> Iterator[tuple[str, float]]:
        """Each word of a sentence, and its end, with its score."""
        padded = (BEGIN, *words, END)
        for i in range(1, len(padded)):
            yield padded[i], self.score(padded[max(0, i - self.order + 1) : i], padded[i])

    def evaluate(self, sentences: Iterable[Sequence[str]]) -> Evaluation:
        """Score sentences (without <s> and </s>, which are added) word by word."""
        known: list[float] = []
        unknown: list[float] = []
        for words in sentences:
            for word, score in self._scored(words):
                (known if (word,) in self.logprob and word != UNKNOWN else unknown).append(score)
        return Evaluation(math.fsum(known), len(known), len(unknown), math.fsum(unknown))

    def perplexity(self, sentences: Iterable[Sequence[str]]) -> float:
        """Perplexity per known word or sentence end; unknown words are left out (``evaluate`` counts them)."""
        return self.evaluate(sentences).perplexity


def estimate(sentences: Iterable[Sequence[str]], order: int, vocabulary: Iterable[str] = ()) -> NGram:
    """Estimate a model of ``order`` >= 1 from sentences of words (without <s> and </s>, which are added).

    ``vocabulary`` names further words that shall have a unigram although the sentences may not hold them (a closed
    vocabulary): each gets the probability of a word never seen, gamma / (words + 2), as <unk> does. Without text
    all words are equally likely. Raises ValueError for a bad order and UserError for a word that ARPA reserves.
    """
    if order < 1:
        raise ValueError(f"order {order}: an n-gram has at least order 1")
    sentences = [tuple(words) for words in sentences]
    words = set(vocabulary).union(*sentences)
    for reserved in (BEGIN, END, UNKNOWN):
        if reserved in words:
            raise UserError(f'word "{reserved}" is reserved in language models; take it out of the text')
    counts = _adjusted_counts(sentences, order)
    model = NGram(order, {}, {})
    uniform = 1.0 / (len(words) + 2)
    unseen = dict.fromkeys([(word,) for word in sorted(words)] + [(END,), (UNKNOWN,)], uniform)
    lower: dict[Ngram, float] = {(): uniform}  # interpolated probabilities one order below
    for n in range(1, order + 1):
        gammas, probs = _interpolate(counts[n], _discounts(counts[n]), lower)
        if n == 1:
            # Words without a count have the uniform share alone; with no text at all that share is everything.
            gammas.setdefault((), 1.0)
            probs = {ngram: gammas[()] * share for ngram, share in unseen.items()} | probs
        else:
            model.backoff.update((history, _log10(gamma)) for history, gamma in gammas.items())
        model.logprob.update((ngram, min(0.0, _log10(prob))) for ngram, prob in probs.items())
        lower = probs
    model.logprob[(BEGIN,)] = NEVER
    return model


def _log10(value: float) -> float:
    return math.log10(value) if value > 0 else NEVER


def _adjusted_counts(sentences: Iterable[Sequence[str]], order: int) -> list[Counter[Ngram]]:
    """Counts a(.) by length: raw at the highest order and after <s>, else the number of different left neighbours."""
    counts: list[Counter[Ngram]] = [Counter() for _ in range(order + 1)]
    for words in sentences:
        padded = (BEGIN, *words, END)
        for i in range(len(padded) - order + 1):
            counts[order][padded[i : i + order]] += 1
        for n in range(2, min(order, len(padded) + 1)):
            counts[n][padded[:n]] += 1
    for n in range(order - 1, 0, -1):
        for ngram in counts[n + 1]:
            counts[n][ngram[1:]] += 1
    del counts[1][(BEGIN,)]  # nothing predicts <s>
    return counts


def _discounts(counts: Counter[Ngram]) -> tuple[float, ...]:
    """(0, D1, D2, D3+) of equation 26; the fallback where a count of counts is 0 or a discount out of range."""
    n = Counter(counts.values())
    if not (n[1] and n[2] and n[3]):
        return FALLBACK_DISCOUNTS
    y = n[1] / (n[1] + 2 * n[2])
    discounts = (0.0, *(i - (i + 1) * y * n[i + 1] / n[i] for i in (1, 2, 3)))
    return discounts if all(0 <= d <= i for i, d in enumerate(discounts)) else FALLBACK_DISCOUNTS


def _interpolate(
    counts: Counter[Ngram], discounts: tuple[float, ...], lower: dict[Ngram, float]
) -> tuple[dict[Ngram, float], dict[Ngram, float]]:
    """gamma by history and interpolated probability by n-gram, from one order's counts and the order below."""
    total: dict[Ngram, int] = defaultdict(int)
    discounted: dict[Ngram, float] = defaultdict(float)
    for ngram, count in counts.items():
        total[ngram[:-1]] += count
        discounted[ngram[:-1]] += discounts[min(count, 3)]
    gammas = {history: discounted[history] / total[history] for history in total}
    probs = {}
    for ngram, count in counts.items():
        history = ngram[:-1]
        below = lower[ngram[1:]] if len(ngram) > 1 else lower[()]
        probs[ngram] = (count - discounts[min(count, 3)]) / total[history] + gammas[history] * below
    return gammas, probs


def with_bigram(unigrams: NGram) -> NGram:
    """The same model with one bigram, <s> </s> at its unigram's probability: KenLM refuses files of unigrams alone."""
    return NGram(2, unigrams.logprob | {(BEGIN, END): unigrams.logprob[(END,)]}, {(BEGIN,): 0.0})


def write_arpa(ngram: NGram, path: Path | str) -> None:
    """Write an ARPA file (log10, seven decimals, n-grams sorted) that KenLM, SRILM and Kaldi read."""
    by_order = [list(group) for _, group in groupby(sorted(ngram.logprob, key=lambda g: (len(g), g)), key=len)]
    lines = ["\\data\\", *(f"ngram {n}={len(grams)}" for n, grams in enumerate(by_order, 1)), ""]
    for n, grams in enumerate(by_order, 1):
        lines.append(f"\\{n}-grams:")
        for gram in grams:
            line = f"{ngram.logprob[gram]:.7f}\t{' '.join(gram)}"
            lines.append(f"{line}\t{ngram.backoff[gram]:.7f}" if gram in ngram.backoff else line)
        lines.append("")
    write_lines(path, [*lines, "\\end\\"])


def read_arpa(path: Path | str) -> NGram:
    """Read an ARPA file. Raises UserError, with file and line, for what is malformed or fewer n-grams than
    announced."""
    announced: dict[int, int] = {}
    found: Counter[int] = Counter()
    section: int | None = None
    model, number = NGram(0, {}, {}), 0
    for number, line in numbered_lines(path):
        line = line.strip()
        if not line or section is None and line != "\\data\\":
            continue
        if line == "\\end\\":
            break
        try:
            if line == "\\data\\":
                section = 0
            elif line.startswith("\\") and line.endswith("-grams:"):
                section = int(line[1 : -len("-grams:")])
            elif section == 0:
                length, times = line.removeprefix("ngram ").split("=")
                announced[int(length)] = int(times)
            else:
                assert section is not None  # the first line that is not passed over begins section 0
                _read_ngram(model, line.split(), section)
                found[section] += 1
        except ValueError:
            raise UserError(f'{path}:{number}: "{line}" is not a line of an ARPA file; make it again') from None
    else:
        raise UserError(f"{path}:{number}: the file ends without \\end\\; it was cut off, make it again")
    for n, count in announced.items():
        if found[n] != count:
            raise UserError(f"{path}: {count} {n}-grams announced, {found[n]} found; make the file again")
    if sorted(announced) != list(range(1, len(announced) + 1)) or not announced:
        raise UserError(
            f"{path}: announces {sorted(announced)[:9]}-grams, not 1-grams and so on; this is not an ARPA file"
        )
    model.order = len(announced)
    return model


def _read_ngram(model: NGram, fields: list[str], n: int) -> None:
    """Take one `log10 w1 .. wn [log10 backoff]` line; ValueError when the fields do not fit."""
    if len(fields) not in (n + 1, n + 2):
        raise ValueError
    gram = tuple(fields[1 : n + 1])
    logprob, backoff = float(fields[0]), float(fields[-1]) if len(fields) == n + 2 else None
    if gram in model.logprob or not NEVER_LESS < logprob <= 0 or backoff is not None and not abs(backoff) < -NEVER_LESS:
        raise ValueError
    model.logprob[gram] = logprob
    if backoff is not None:
        model.backoff[gram] = backoff
