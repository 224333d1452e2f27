"""Front ends: what a system gets to see of the sound, composed when it is read of what lies on disk once.

On disk are raw rows of a kind (`EXTRACTORS`), and of each speaker what normalisation needs (`SpeakerStats`), as in
Kaldi. A system says which kind it wants and what is done to it on the way (`FrontEnd`): its meta.json holds that.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

import numpy as np

from lexicon.errors import UserError
from pipeline.base.training import setting
from pipeline.sound.audio import SAMPLE_RATES
from pipeline.sound.mfcc import NUM_BANDS, NUM_CEPS, fbank, mfcc
from pipeline.times.clock import FRAME_SHIFT_MS

KIND = re.compile(r"\w[\w.-]*")  # the name of a folder
DELTA_WINDOW = 2
NORMALISE = ("variance", "mean", "row", "none")
BY_SPEAKER = NORMALISE[:2]
MOST = 100_000  # numbers in a row: more are no description of a front end


@dataclass(frozen=True)
class Raw:
    """Rows of a ``kind`` as they lie on disk: so many ``coefficients``, a row every ``frame_shift_ms``.

    Row j is centred on frame j ``step`` of the clock (`pipeline.times.clock`). An encoder whose frames lie elsewhere
    is given the sound from another sample on: one whose frame j is centred on sample j * shift, from 12.5 ms on.
    """

    kind: str
    sample_rate: int  # Hz, of the sound that they are made of
    coefficients: int
    frame_shift_ms: float = FRAME_SHIFT_MS
    encoder: str = ""  # from outside that made them, with the beginning of the hash of its file: NAME@HASH

    def __post_init__(self) -> None:
        if not isinstance(self.kind, str) or not KIND.fullmatch(self.kind):
            raise ValueError(f"kind {self.kind!r:.40}")
        if type(self.sample_rate) is not int or self.sample_rate not in SAMPLE_RATES:
            raise ValueError(f"sample_rate {self.sample_rate!r:.40}")
        if type(self.coefficients) is not int or not 0 < self.coefficients < MOST:
            raise ValueError(f"coefficients {self.coefficients!r:.40}")
        shift = self.frame_shift_ms
        if type(shift) not in (int, float) or not 0 < shift < 1000 or shift % FRAME_SHIFT_MS:
            raise ValueError(f"frame_shift_ms {shift!r:.40}, no multiple of the clock's {FRAME_SHIFT_MS:g} ms")
        if not isinstance(self.encoder, str):
            raise ValueError(f"encoder {self.encoder!r:.40}")

    @property
    def step(self) -> int:
        """Frames of the clock for each row."""
        return round(self.frame_shift_ms / FRAME_SHIFT_MS)

    def __str__(self) -> str:
        numbers = f"{self.coefficients} numbers every {self.frame_shift_ms:g} ms"
        return f"{self.kind} of {self.sample_rate} Hz, {numbers}{self.encoder and f', by {self.encoder}'}"


class Extractor(NamedTuple):
    """Makes raw rows: ``rows`` maps samples (N,) at a rate in Hz to (T, coefficients) float32: for
    as many samples as n frames of the clock need, at least the rows that are centred on these. A recording of one's own
    is given minute by minute."""

    coefficients: int
    rows: Callable[[np.ndarray, int], np.ndarray]
    frame_shift_ms: float = FRAME_SHIFT_MS
    encoder: str = ""


# The kinds there are, by name. `pipeline.encoders.extract` enters layers of encoders from outside.
EXTRACTORS = {"mfcc": Extractor(NUM_CEPS, mfcc), "fbank": Extractor(NUM_BANDS, fbank)}
USUAL = "mfcc"  # in the data directory itself, where Kaldi's programs look; other kinds in a folder of their name


def raw_of(kind: str, sample_rate: int) -> Raw:
    """The description of what the extractor of ``kind`` makes of sound at that rate."""
    made = EXTRACTORS[kind]
    return Raw(kind, sample_rate, made.coefficients, made.frame_shift_ms, made.encoder)


def extractor_of(raw: Raw) -> Extractor:
    """What makes such rows of a recording; UserError where nothing does."""
    if raw.kind not in EXTRACTORS or raw != raw_of(raw.kind, raw.sample_rate):
        known = ", ".join(f"{raw_of(kind, raw.sample_rate)}" for kind in sorted(EXTRACTORS))
        raise UserError(f"{raw}: such features cannot be made here of a recording; there are: {known}")
    return EXTRACTORS[raw.kind]


class Prior(NamedTuple):
    """Mean and variance of each coefficient in the training set, of one speaker on average."""

    mean: tuple[float, ...]
    variance: tuple[float, ...]


class Adaptation(NamedTuple):
    """Rows that an affine map of each speaker makes ``dimension`` numbers of; the maps lie in the directory ``model``,
    seen from that of the system."""

    dimension: int
    model: str


class SpeakerStats:
    """Running mean and variance over a speaker's rows (cepstral mean and variance normalisation)."""

    def __init__(self, coefficients: int) -> None:
        self.count = 0.0
        self.sums = np.zeros((2, coefficients))
        self.affine: np.ndarray | None = None  # (D, F + 1), where a front end adapts rows to the speaker

    def add(self, rows: np.ndarray) -> None:
        """Count in the rows of one utterance, (T, coefficients)."""
        self.count += len(rows)
        self.sums += rows.sum(0, dtype=np.float64), (rows.astype(np.float64) ** 2).sum(0)

    def add_prior(self, prior: Prior, rows: int) -> None:
        """Count in so many rows of the mean and variance of training (Kaldi's online CMVN does likewise until a speaker
        has been heard for long enough: feat/online-feature.h)."""
        mean, variance = np.array(prior.mean), np.array(prior.variance)
        self.count += rows
        self.sums += rows * np.array([mean, variance + mean**2])

    def normalise(self, rows: np.ndarray, variance: bool) -> np.ndarray:
        """Subtract the speaker's mean and, if asked, divide by the standard deviation: (T, D) -> (T, D) float64."""
        mean = self.sums[0] / self.count
        scale = np.sqrt(np.maximum(self.sums[1] / self.count - mean**2, 1e-10)) if variance else 1.0
        return (rows - mean) / scale

    def as_matrix(self) -> np.ndarray:
        """(2, coefficients + 1) float64 as Kaldi keeps them (transform/cmvn.cc): sums and the count, squares and 0."""
        return np.hstack([self.sums, [[self.count], [0.0]]])

    @classmethod
    def from_matrix(cls, matrix: np.ndarray) -> SpeakerStats:
        """What `as_matrix` wrote."""
        stats = cls(matrix.shape[1] - 1)
        stats.count, stats.sums = float(matrix[0, -1]), matrix[:, :-1]
        return stats


def prior_of(speakers: Iterable[SpeakerStats]) -> Prior:
    """The mean over all rows, and the variance within speakers, which is what a recording of one speaker has."""
    known = list(speakers)
    counts = [stats.count for stats in known]
    means = [stats.sums[0] / stats.count for stats in known]
    variances = [stats.sums[1] / stats.count - mean**2 for stats, mean in zip(known, means)]
    mean, variance = (np.average(figures, axis=0, weights=counts) for figures in (means, variances))
    return Prior(tuple(mean.tolist()), tuple(variance.tolist()))


def add_deltas(rows: np.ndarray, orders: int = 2) -> np.ndarray:
    """Append time derivatives, the first, the second and so on: (T, D) -> (T, (1 + orders) D) float32.

    Regression over ±2 rows (HTK Book, eq. 5.16). As in Kaldi (feat/feature-functions.cc) the second derivative is
    one composed filter over the rows, with the first and last row repeated outside the utterance; taking the
    derivative of the derivative, as torchaudio does, differs near the edges.
    """
    blocks = [rows]
    for taps in delta_taps(orders):
        reach = len(taps) // 2
        padded = np.pad(rows, ((reach, reach), (0, 0)), mode="edge")
        blocks.append(sum(tap * padded[i : i + len(rows)] for i, tap in enumerate(taps)))
    return np.concatenate(blocks, axis=1).astype(np.float32)


def delta_taps(orders: int) -> list[np.ndarray]:
    """The filters of `add_deltas`: of each derivative, what the rows around one are multiplied with."""
    steps = np.arange(-DELTA_WINDOW, DELTA_WINDOW + 1)
    found = [np.ones(1)]
    for _ in range(orders):
        found.append(np.convolve(found[-1], steps / (steps**2).sum()))
    return found[1:]


def layer_norm(rows: np.ndarray) -> np.ndarray:
    """Each row with mean nought and variance one (Ba et al. 2016): (T, D) -> (T, D) float32. In the layers of a
    transformer one row in a hundred is ten times as large as the others, and a linear map of it says anything."""
    rows = np.asarray(rows, np.float32)
    return (rows - rows.mean(1, keepdims=True)) / np.sqrt(rows.var(1, keepdims=True) + 1e-5)


def splice(rows: np.ndarray, context: int) -> np.ndarray:
    """Each row with ``context`` neighbours on both sides, edges repeated: (T, D) -> (T, (2 context + 1) D)."""
    padded = np.pad(rows, ((context, context), (0, 0)), mode="edge")
    return np.concatenate([padded[i : i + len(rows)] for i in range(2 * context + 1)], axis=1)


def affine(rows: np.ndarray, transform: np.ndarray) -> np.ndarray:
    """Rows (T, F) by an affine map (D, F + 1), the last column of which is added: (T, D) float32."""
    return (rows @ transform[:, :-1].T + transform[:, -1]).astype(np.float32)


@dataclass(frozen=True)
class FrontEndSettings:
    """What is done to raw rows on the way; the settings of every system begin with these."""

    normalise: str = setting(
        "variance",
        "subtract the speaker's mean; variance: and divide by the standard deviation; row: each row its own",
        choices=NORMALISE,
    )
    deltas: int = setting(2, "time derivatives beside each coefficient: first, second and so on", least=0)
    splice: int = setting(0, "neighbours on each side that every row gets beside it", least=0)


@dataclass(frozen=True)
class FrontEnd(FrontEndSettings):
    """What a system is given of an utterance: ``raw`` rows, normalised by speaker, with deltas, spliced, adapted to the
    speaker, in this order. ``prior``: of the raw rows that it was trained on, for speakers of whom little is heard."""

    raw: Raw = field(kw_only=True)
    prior: Prior | None = field(default=None, kw_only=True)
    adaptation: Adaptation | None = field(default=None, kw_only=True)

    @property
    def dimension(self) -> int:
        """Numbers in a row that is composed."""
        return self.adaptation.dimension if self.adaptation else self.unadapted

    @property
    def unadapted(self) -> int:
        """Numbers in a row before it is adapted to the speaker."""
        return self.raw.coefficients * (1 + self.deltas) * (2 * self.splice + 1)

    @property
    def step(self) -> int:
        """Frames of the clock for each row."""
        return self.raw.step

    @property
    def reach(self) -> int:
        """Neighbours on each side that a composed row is made of."""
        return DELTA_WINDOW * self.deltas + self.splice

    @property
    def by_speaker(self) -> bool:
        """Whether rows are normalised with what is known of the speaker, or adapted by it."""
        return self.normalise in BY_SPEAKER or self.adaptation is not None

    def compose(self, rows: np.ndarray, stats: SpeakerStats | None) -> np.ndarray:
        """Raw rows (T, coefficients) -> (T, dimension) float32. ``stats`` of the speaker, where they are needed."""
        if self.normalise == "row":
            rows = layer_norm(rows)
        if self.normalise in BY_SPEAKER:
            assert stats is not None
            rows = stats.normalise(rows, self.normalise == "variance")
        composed = add_deltas(rows, self.deltas)
        composed = splice(composed, self.splice) if self.splice else composed
        if self.adaptation is None:
            return composed
        assert stats is not None and stats.affine is not None
        return affine(composed, stats.affine)

    def as_json(self) -> dict[str, Any]:
        """For meta.json."""
        return asdict(self) | {
            "prior": self.prior and self.prior._asdict(),
            "adaptation": self.adaptation and self.adaptation._asdict(),
        }

    def __str__(self) -> str:
        how = {"variance": "mean and variance", "mean": "mean", "row": "row by row", "none": "not"}[self.normalise]
        return f"{self.raw}; {how} normalised, {self.deltas} derivatives, {self.splice} neighbours spliced"


def front_end_from(value: Any) -> FrontEnd:
    """What `FrontEnd.as_json` gave; ValueError for anything else."""
    try:
        prior, raw = value["prior"], Raw(**value["raw"])
        settings = [value[name] for name in ("normalise", "deltas", "splice")]
        adaptation = value.get("adaptation") and Adaptation(**value["adaptation"])
        prior = prior if prior is None else _prior_from(prior, raw)
        found = FrontEnd(*settings, raw=raw, prior=prior, adaptation=adaptation or None)
    except (KeyError, TypeError) as error:
        raise ValueError(f"no front end: {error!r:.80}") from None
    if found.normalise not in NORMALISE or not all(type(n) is int and 0 <= n < MOST for n in settings[1:]):
        raise ValueError(f"normalise, deltas, splice {settings!r:.80}")
    if adaptation and not (type(adaptation.dimension) is int and 0 < adaptation.dimension < MOST):
        raise ValueError(f"adaptation to {adaptation.dimension!r:.40} numbers")
    if adaptation and not isinstance(adaptation.model, str):
        raise ValueError(f"adaptation by the model {adaptation.model!r:.40}")
    if found.unadapted > MOST:
        raise ValueError(f"rows of {found.unadapted} numbers")
    return found


def _prior_from(value: Any, raw: Raw) -> Prior:
    prior = Prior(*(tuple(float(number) for number in value[name]) for name in ("mean", "variance")))
    if any(len(figures) != raw.coefficients or not np.isfinite(figures).all() for figures in prior):
        raise ValueError(f"prior that is not mean and variance of {raw.coefficients} coefficients")
    if min(prior.variance) < 0:
        raise ValueError("prior of a variance below 0")
    return prior
