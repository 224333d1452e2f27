"""Error rates with bootstrap intervals, and paired bootstrap tests of the difference of two systems."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

MIN_SPEAKERS = 5
REPLICATIONS = 10_000
SEED = 0


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
    step = max(1, 200_000 // units)  # keeps the drawn counts at some 3 MB, however many units there are
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
