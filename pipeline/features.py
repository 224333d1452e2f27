"""MFCC features as Kaldi makes them: 13 cepstra, deltas, accelerations, normalised per speaker."""
from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from lexicon.errors import UserError
from lexicon.files import read_json, write_json
from lexicon.text import same_ids
from pipeline.archive import Archive, again
from pipeline.audio import SAMPLE_RATES
from pipeline.datadir import Utterance
from pipeline.meta import read_meta
from pipeline.short import refuse_short

FRAME_SHIFT_MS = 10.0
FRAME_LENGTH_MS = 25.0
NUM_CEPS = 13
DELTA_WINDOW = 2
FRAMES_AT_A_TIME = 10_000  # on whose way to cepstra torchaudio takes 200 MB
SETTINGS = "feats.json"

Cepstra = dict[str, list[float]]  # "mean" and "variance" of the NUM_CEPS cepstra of a set, before normalisation


def mfcc(samples: np.ndarray, sample_rate: int) -> np.ndarray:
    """Mel-frequency cepstra of one utterance.

    samples: (N,) float in [-1, 1], mono. Returns (T, 13) float32, one row per 10 ms frame, C0 first (no energy);
    frames that do not fit are left out (Kaldi's snip-edges), so T = 1 + (N - 25 ms) // 10 ms, 0 for less than 25 ms.
    Kaldi's defaults otherwise (23 mel bins, 20 Hz to Nyquist, Povey window, liftering 22), without dither so that
    two runs agree. Source: Kaldi feat/feature-mfcc.cc.
    """
    if len(samples) < sample_rate * FRAME_LENGTH_MS / 1000:
        return np.zeros((0, NUM_CEPS), np.float32)
    import torch  # slow imports, which what only reads features or frames does not need
    import torchaudio.compliance.kaldi as kaldi
    window, shift = (int(sample_rate * ms / 1000) for ms in (FRAME_LENGTH_MS, FRAME_SHIFT_MS))
    blocks = []
    for first in range(0, 1 + (len(samples) - window) // shift, FRAMES_AT_A_TIME):
        block = samples[first * shift:(first + FRAMES_AT_A_TIME - 1) * shift + window]
        wave = torch.from_numpy(np.asarray(block, np.float32) * 32768).unsqueeze(0)  # Kaldi counts in 16-bit steps
        blocks.append(kaldi.mfcc(wave, sample_frequency=sample_rate, num_ceps=NUM_CEPS, num_mel_bins=23, dither=0.0,
                                 use_energy=False, frame_length=FRAME_LENGTH_MS, frame_shift=FRAME_SHIFT_MS).numpy())
    return np.concatenate(blocks)


def add_deltas(static: np.ndarray) -> np.ndarray:
    """Append first and second time derivatives: (T, D) -> (T, 3 D).

    Regression over ±2 frames (HTK Book, eq. 5.16). As in Kaldi (feat/feature-functions.cc) the second derivative is
    one composed filter over the frames, with the first and last frame repeated outside the utterance; taking the
    derivative of the derivative, as torchaudio does, differs near the edges.
    """
    steps = np.arange(-DELTA_WINDOW, DELTA_WINDOW + 1)
    first = steps / (steps**2).sum()
    filters = [first, np.convolve(first, first)]
    blocks = [static]
    for taps in filters:
        reach = len(taps) // 2
        padded = np.pad(static, ((reach, reach), (0, 0)), mode="edge")
        blocks.append(sum(tap * padded[i:i + len(static)] for i, tap in enumerate(taps)))
    return np.concatenate(blocks, axis=1).astype(np.float32)


class CepstralStats:
    """Running mean and variance over a speaker's frames (cepstral mean and variance normalisation)."""

    def __init__(self) -> None:
        self.count = 0
        self.sums = np.zeros((2, NUM_CEPS))

    def add(self, static: np.ndarray) -> None:
        """Count in the frames of one utterance, (T, 13)."""
        self.count += len(static)
        self.sums += static.sum(0, dtype=np.float64), (static.astype(np.float64) ** 2).sum(0)

    def of_training(self) -> dict[str, list[float]]:
        """Mean and variance of a coefficient, as the meta.json of a model has them."""
        mean = self.sums[0] / self.count
        return {"mean": mean.tolist(), "variance": (self.sums[1] / self.count - mean**2).tolist()}

    def add_prior(self, training: Mapping[str, Sequence[float]], frames: int) -> None:
        """Count in so many frames of mean and variance as ``of_training`` gave them (Kaldi's online CMVN does likewise
        until a speaker has been heard for long enough: feat/online-feature.h)."""
        mean, variance = np.array(training["mean"]), np.array(training["variance"])
        self.count += frames
        self.sums += frames * np.array([mean, variance + mean**2])

    def normalise(self, static: np.ndarray, variance: bool) -> np.ndarray:
        """Subtract the speaker's mean and, if asked, divide by the standard deviation: (T, 13) -> (T, 13)."""
        mean = self.sums[0] / self.count
        scale = np.sqrt(np.maximum(self.sums[1] / self.count - mean**2, 1e-10)) if variance else 1.0
        return (static - mean) / scale


@dataclass(frozen=True)
class FeatureSettings:
    """How features were made. They stand in feats.json beside the features, and as "features" in the meta.json of every
    model trained on them: a model reads only features that were made alike."""

    sample_rate: int  # Hz
    norm_vars: bool   # divided by the speaker's standard deviation

    def write(self, datadir: Path, missing: Sequence[str] = (), cepstra: Cepstra | None = None) -> None:
        """Write feats.json, with the ids of the utterances that the stage was told to go on without, and mean and
        variance of the cepstra before they were normalised."""
        write_json(datadir / SETTINGS, {**asdict(self), "missing": list(missing), "cepstra": cepstra})


class Features(Archive):
    """The features of a data directory, utterance id -> (T, 39) float32, read when asked for."""

    def __init__(self, datadir: Path | str):
        super().__init__(Path(datadir) / "feats.scp")
        self.settings, self.missing, self.cepstra = _read_settings(self.path.with_name(SETTINGS))

    def of(self, utterances: Iterable[Utterance]) -> list[Utterance]:
        """The utterances, without those that the mfcc stage was told to go on without; UserError unless features are of
        these and no others."""
        wanted = [utterance for utterance in utterances if utterance.id not in self.missing]
        same_ids(self.path, self, (utterance.id for utterance in wanted), again(self.path))
        if not wanted:
            raise UserError(f"{self.path}: no utterances; {again(self.path)}")
        return wanted


def _read_settings(path: Path) -> tuple[FeatureSettings, frozenset[str], Cepstra | None]:
    """feats.json: how features were made, of which utterances there are none, and the cepstra of the others."""
    try:
        value = read_json(path)
        missing, cepstra = ((value.pop("missing", []), value.pop("cepstra", None)) if isinstance(value, dict)
                            else ([], None))
        if not isinstance(missing, list) or not all(isinstance(utt, str) for utt in missing):
            raise ValueError('"missing" is no list of ids')
        return settings_from(value), frozenset(missing), _cepstra_from(cepstra)
    except (OSError, ValueError) as error:
        what = error.strerror if isinstance(error, OSError) else error
        raise UserError(f"{path}: not the settings of the features ({what}); {again(path.with_name('feats.scp'))}"
                        ) from error


def missing_features(datadir: Path) -> frozenset[str]:
    """The utterances that the mfcc stage was told to go on without; none where it has not been at work."""
    path = Path(datadir) / SETTINGS
    return _read_settings(path)[1] if path.exists() else frozenset()


def settings_from(value: object) -> FeatureSettings:
    """Settings from JSON; ValueError for anything else."""
    if not isinstance(value, dict) or set(value) != {"sample_rate", "norm_vars"}:
        raise ValueError("sample_rate and norm_vars are expected")
    rate, norm_vars = value["sample_rate"], value["norm_vars"]
    if type(rate) is not int or rate not in SAMPLE_RATES or type(norm_vars) is not bool:
        raise ValueError(f"sample_rate {rate!r}, norm_vars {norm_vars!r}")
    return FeatureSettings(rate, norm_vars)


def _cepstra_from(value: object) -> Cepstra | None:
    """Mean and variance from JSON, None where older programs wrote none; ValueError for anything else."""
    if value is None:
        return None
    try:
        found = {name: [float(number) for number in value[name]] for name in ("mean", "variance")}
        if any(len(numbers) != NUM_CEPS or not np.isfinite(numbers).all() for numbers in found.values()) or \
                min(found["variance"]) < 0:
            raise ValueError
    except (ValueError, KeyError, TypeError):
        raise ValueError(f'"cepstra" is not mean and variance of {NUM_CEPS} coefficients') from None
    return found


def model_cepstra(model: Path | str) -> Cepstra | None:
    """Mean and variance of the cepstra that the model in this directory was trained on; None for an older model."""
    try:
        return _cepstra_from(read_meta(model).get("cepstra"))
    except ValueError as error:
        raise UserError(f"{model}/meta.json: {error}; train it again: make {Path(model).name}") from error


def model_features(model: Path | str) -> FeatureSettings:
    """How the features were made that the model in this directory was trained on."""
    try:
        return settings_from(read_meta(model).get("features"))
    except ValueError as error:
        raise UserError(f'{model}/meta.json: "features" does not say on what features the model was trained ({error});'
                        f" train it again: make {Path(model).name}") from error


def read_feats(datadir: Path | str, model: Path | str | None = None) -> Features:
    """The features of a data directory; UserError if ``model``, a model directory, was trained on others."""
    feats = Features(datadir)
    if model is not None and (wanted := model_features(model)) != feats.settings:
        raise UserError(f"{feats.path}: features of {_in_words(feats.settings)}; the model {model} was trained on"
                        f" {_in_words(wanted)}; decode with a model of the same kind, or: make transcribe, which"
                        " resamples")
    return feats


def _in_words(settings: FeatureSettings) -> str:
    return f"{settings.sample_rate} Hz, variance {'' if settings.norm_vars else 'not '}normalised"


def frame_to_seconds(frame: int | np.ndarray) -> float | np.ndarray:
    """When the boundary before ``frame`` lies, in seconds.

    A frame's time is the centre of its window (12.5 ms after its first sample), so the boundary between frames f-1
    and f lies half a shift before the centre of f. Kaldi takes the window's start, which costs 14 ms of bias.
    """
    return (frame * FRAME_SHIFT_MS + (FRAME_LENGTH_MS - FRAME_SHIFT_MS) / 2) / 1000


def seconds_to_frame(seconds: float) -> int:
    """The frame whose beginning, as `frame_to_seconds` has it, is nearest."""
    return round((1000 * seconds - (FRAME_LENGTH_MS - FRAME_SHIFT_MS) / 2) / FRAME_SHIFT_MS)


def check_dimension(feats: np.ndarray, dimension: int, what: str) -> np.ndarray:
    """``feats`` if it is a (T, dimension) matrix with frames, else a UserError that names ``what``."""
    if feats.ndim != 2 or feats.shape[1] != dimension or not len(feats):
        raise UserError(f"{what}: features of shape {feats.shape}, the model wants (frames, {dimension});"
                        " make the features again with the settings of the model")
    return feats


def measured(feats: Mapping[str, np.ndarray], words: Mapping[str, Sequence[str]], dimension: int, where: Path | str
             ) -> dict[str, int]:
    """Frames of each utterance in ``words``, checked to be (T, dimension); UserError for more words than frames.

    ``where`` is the file that holds the words. A transcript of another recording, or of a whole book, must end here:
    the graph of an utterance takes memory by its words.
    """
    lengths = {utt: len(check_dimension(feats[utt], dimension, f"{where}: {utt}")) for utt in words}
    refuse_short(where, {utt: f"{len(spoken)} words in {lengths[utt]} frames of 10 ms" for utt, spoken in words.items()
                         if len(spoken) > lengths[utt]}, len(words))
    return lengths


def splice(feats: np.ndarray, context: int) -> np.ndarray:
    """Each frame with ``context`` neighbours on both sides, edges repeated: (T, D) -> (T, (2 context + 1) D)."""
    padded = np.pad(feats, ((context, context), (0, 0)), mode="edge")
    return np.concatenate([padded[i:i + len(feats)] for i in range(2 * context + 1)], axis=1)


