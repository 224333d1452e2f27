"""Scoring: alignments, WER and PER lines as Kaldi writes them, bootstrap intervals, paired tests, phone confusions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lexicon.errors import UserError
from lexicon.text import same_ids, width_of
from pipeline.base.edits import GAP, Pairs, pair_up

MIN_SPEAKERS = 5
REPLICATIONS = 10_000
SEED = 0


@dataclass(frozen=True)
class Counts:
    """Errors against ``length`` reference symbols."""

    insertions: int = 0
    deletions: int = 0
    substitutions: int = 0
    length: int = 0

    @property
    def errors(self) -> int:
        return self.insertions + self.deletions + self.substitutions

    @property
    def percent(self) -> float:
        """Errors per 100 reference symbols; an empty reference counts as one symbol long."""
        return 100.0 * self.errors / max(self.length, 1)

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.insertions + other.insertions,
            self.deletions + other.deletions,
            self.substitutions + other.substitutions,
            self.length + other.length,
        )


@dataclass(frozen=True)
class Rate:
    """A percentage with its 95 % interval."""

    percent: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.percent:.1f} [{self.low:.1f}, {self.high:.1f}]"


@dataclass(frozen=True)
class PairedTest:
    """``difference``: percentage points, first system minus second, with its 95 % interval; ``p`` two-sided."""

    difference: Rate
    p: float


def count(pairs: Pairs) -> Counts:
    """Insertions, deletions and substitutions of one alignment."""
    return Counts(
        insertions=sum(ref == GAP for ref, _ in pairs),
        deletions=sum(hyp == GAP for _, hyp in pairs),
        substitutions=sum(GAP not in (ref, hyp) and ref != hyp for ref, hyp in pairs),
        length=sum(ref != GAP for ref, _ in pairs),
    )


def align_all(
    references: Mapping[str, Sequence[str]], hypotheses: Mapping[str, Sequence[str]], path: Path | str
) -> dict[str, Pairs]:
    """Align every reference utterance with its hypothesis; UserError names ``path``, a file of a decode, unless both
    hold the same ones."""
    same_ids(path, hypotheses, references, f"remove {Path(path).with_name('hyp.txt')} and run make again")
    pairs = {}
    for utterance, words in references.items():
        try:
            pairs[utterance] = pair_up(words, hypotheses[utterance])
        except UserError as error:
            raise UserError(f'{path}: utterance "{utterance}": {error}') from None
    return pairs


def total(alignments: Mapping[str, Pairs]) -> Counts:
    """The sum over all utterances."""
    return sum((count(pairs) for pairs in alignments.values()), Counts())


def kaldi_line(counts: Counts, name: str = "WER") -> str:
    """``%WER 13.45 [ 2708 / 20138, 358 ins, 330 del, 2020 sub ]``, as Kaldi's compute-wer prints it."""
    return (
        f"%{name} {counts.percent:.2f} [ {counts.errors} / {counts.length}, {counts.insertions} ins, "
        f"{counts.deletions} del, {counts.substitutions} sub ]"
    )


# ---- intervals and tests


def resampling_units(speakers: Sequence[str]) -> tuple[np.ndarray, str]:
    """What the bootstrap draws: whole speakers where there are at least ``MIN_SPEAKERS``, else single utterances.

    Errors of one speaker go together, so speakers are the honest unit (Bisani and Ney 2004); but with two or three of
    them the bootstrap can only repeat those two or three totals, and its interval means nothing.
    Returns (U,) int unit numbers 0, 1, ... and the unit's name, "speakers" or "utterances".
    """
    names, units = np.unique(np.asarray(speakers, dtype=str), return_inverse=True)
    if len(names) >= MIN_SPEAKERS:
        return units, "speakers"
    return np.arange(len(speakers)), "utterances"


def _bootstrap(totals: np.ndarray, replications: int, seed: int) -> np.ndarray:
    """Sums over bootstrap samples. ``totals``: (units, K) -> (replications, K); each sample draws as many units."""
    rng = np.random.default_rng(seed)
    units = len(totals)
    sums = np.empty((replications, totals.shape[1]))
    step = max(1, 4_000_000 // units)  # keeps the drawn counts below some 32 MB
    for start in range(0, replications, step):
        stop = min(start + step, replications)
        sums[start:stop] = rng.multinomial(units, np.full(units, 1 / units), size=stop - start) @ totals
    return sums


def _unit_totals(columns: Sequence[np.ndarray], units: np.ndarray) -> np.ndarray:
    """Add up each (U,) column within its units -> (units, K)."""
    return np.stack([np.bincount(units, weights=column) for column in columns], axis=1)


def error_rate(
    errors: np.ndarray, lengths: np.ndarray, units: np.ndarray, replications: int = REPLICATIONS, seed: int = SEED
) -> Rate:
    """Error rate in percent and its 95 % bootstrap percentile interval (Bisani and Ney 2004).

    ``errors``, ``lengths``: (U,) errors and reference symbols of each utterance; ``units``: (U,) from
    ``resampling_units``. The same seed gives the same interval.
    """
    sums = _bootstrap(_unit_totals((errors, lengths), units), replications, seed)
    low, high = np.quantile(100 * sums[:, 0] / np.maximum(sums[:, 1], 1), [0.025, 0.975])
    return Rate(100 * float(errors.sum()) / max(float(lengths.sum()), 1), float(low), float(high))


def paired_test(
    first: np.ndarray,
    second: np.ndarray,
    lengths: np.ndarray,
    units: np.ndarray,
    replications: int = REPLICATIONS,
    seed: int = SEED,
) -> PairedTest:
    """Paired bootstrap of the difference of two error rates (Bisani and Ney 2004).

    Every replication draws the same utterances (or speakers) for both systems and takes the difference of their
    error rates. With R replications of which k_low are <= 0 and k_high are >= 0, the two-sided
    p = min(1, 2 (min(k_low, k_high) + 1) / (R + 1)): how seldom a sample of this test set denies the difference seen.
    ``first``, ``second``, ``lengths``, ``units``: (U,).
    """
    difference = np.asarray(first, dtype=float) - second
    sums = _bootstrap(_unit_totals((difference, lengths), units), replications, seed)
    points = 100 * sums[:, 0] / np.maximum(sums[:, 1], 1)
    low, high = np.quantile(points, [0.025, 0.975])
    tail = min(int((points <= 0).sum()), int((points >= 0).sum()))
    observed = 100 * float(difference.sum()) / max(float(np.sum(lengths)), 1)
    return PairedTest(Rate(observed, float(low), float(high)), min(1.0, 2 * (tail + 1) / (replications + 1)))


def in_words(test: PairedTest, first: str, second: str, measure: str, level: float = 0.05) -> str:
    """The test as a sentence: ``frames better than gmm on free PER by 3.1 points [1.2, 5.0] (p < 0.001)``."""
    p = "p < 0.001" if test.p < 0.001 else f"p = {test.p:.3f}"
    gap = test.difference
    if gap.percent == gap.low == gap.high == 0:
        return f"{first} and {second} make the same number of errors in every utterance on {measure}"
    if test.p >= level:
        return f"no difference shown between {first} and {second} on {measure} ({p})"
    if gap.percent > 0:
        return f"{second} better than {first} on {measure} by {gap} points ({p})"
    flipped = Rate(-gap.percent, -gap.high, -gap.low)
    return f"{first} better than {second} on {measure} by {flipped} points ({p})"


# ---- confusions and pictures


def confusion_counts(alignments: Iterable[Pairs], symbols: Sequence[str]) -> np.ndarray:
    """How often each reference symbol was heard as each symbol.

    Returns (S + 1, S + 1) int64, rows reference, columns hypothesis, in the order of ``symbols``; the last row holds
    insertions, the last column deletions. A symbol that is not in ``symbols`` is a KeyError.
    """
    index = {symbol: i for i, symbol in enumerate([*symbols, GAP])}
    counts = np.zeros((len(index), len(index)), dtype=np.int64)
    for pairs in alignments:
        for ref, hyp in pairs:
            counts[index[ref], index[hyp]] += 1
    return counts


def alignment_picture(pairs: Pairs, columns: int = 100) -> str:
    """REF over HYP, symbol under symbol, with I, D or S under each error; asterisks stand for nothing.

        REF: CALL FORWARD  ON *** BUSY
        HYP: CALL FORWARDS ON THE ****
                  S           I   D

    Lines longer than ``columns`` go on in further blocks. The idea is jiwer's.
    """
    blocks: list[list[str]] = []
    for ref, hyp in pairs:
        width = max(width_of(ref), width_of(hyp))
        mark = "I" if ref == GAP else "D" if hyp == GAP else "S" if ref != hyp else ""
        cells = [text + " " * (width - width_of(text)) for text in (ref or "*" * width, hyp or "*" * width, mark)]
        if not blocks or width_of(blocks[-1][0]) + 1 + width > columns:
            blocks.append(["REF:", "HYP:", "    "])
        blocks[-1] = [f"{line} {cell}" for line, cell in zip(blocks[-1], cells)]
    lines = [line.rstrip() for block in blocks or [["REF:", "HYP:", ""]] for line in block]
    return "\n".join(line for line in lines if line)
