"""The features of a data directory: feats.scp, and feats.json, which says how they were made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lexicon.errors import UserError
from lexicon.files import read_json
from lexicon.text import same_ids
from pipeline.base.archive import Archive, again
from pipeline.base.meta import read_meta
from pipeline.datadir import Utterance
from pipeline.datadir.short import refuse_short
from pipeline.sound.audio import SAMPLE_RATES
from pipeline.sound.mfcc import NUM_CEPS, SETTINGS, Cepstra, FeatureSettings


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
        missing, cepstra = (
            (value.pop("missing", []), value.pop("cepstra", None)) if isinstance(value, dict) else ([], None)
        )
        if not isinstance(missing, list) or not all(isinstance(utt, str) for utt in missing):
            raise ValueError('"missing" is no list of ids')
        return settings_from(value), frozenset(missing), _cepstra_from(cepstra)
    except (OSError, ValueError) as error:
        what = error.strerror if isinstance(error, OSError) else error
        raise UserError(
            f"{path}: not the settings of the features ({what}); {again(path.with_name('feats.scp'))}"
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


def _cepstra_from(value: Any) -> Cepstra | None:
    """Mean and variance from JSON, None where older programs wrote none; ValueError for anything else."""
    if value is None:
        return None
    try:
        found = {name: [float(number) for number in value[name]] for name in ("mean", "variance")}
        if (
            any(len(numbers) != NUM_CEPS or not np.isfinite(numbers).all() for numbers in found.values())
            or min(found["variance"]) < 0
        ):
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
        raise UserError(
            f'{model}/meta.json: "features" does not say on what features the model was trained ({error});'
            f" train it again: make {Path(model).name}"
        ) from error


def read_feats(datadir: Path | str, model: Path | str | None = None) -> Features:
    """The features of a data directory; UserError if ``model``, a model directory, was trained on others."""
    feats = Features(datadir)
    if model is not None and (wanted := model_features(model)) != feats.settings:
        raise UserError(
            f"{feats.path}: features of {_in_words(feats.settings)}; the model {model} was trained on"
            f" {_in_words(wanted)}; decode with a model of the same kind, or: make transcribe, which"
            " resamples"
        )
    return feats


def _in_words(settings: FeatureSettings) -> str:
    return f"{settings.sample_rate} Hz, variance {'' if settings.norm_vars else 'not '}normalised"


def check_dimension(feats: np.ndarray, dimension: int, what: str) -> np.ndarray:
    """``feats`` if it is a (T, dimension) matrix with frames, else a UserError that names ``what``."""
    if feats.ndim != 2 or feats.shape[1] != dimension or not len(feats):
        raise UserError(
            f"{what}: features of shape {feats.shape}, the model wants (frames, {dimension});"
            " make the features again with the settings of the model"
        )
    return feats


def measured(
    feats: Mapping[str, np.ndarray], words: Mapping[str, Sequence[str]], dimension: int, where: Path | str
) -> dict[str, int]:
    """Frames of each utterance in ``words``, checked to be (T, dimension); UserError for more words than frames.

    ``where`` is the file that holds the words. A transcript of another recording, or of a whole book, must end here:
    the graph of an utterance takes memory by its words.
    """
    lengths = {utt: len(check_dimension(feats[utt], dimension, f"{where}: {utt}")) for utt in words}
    refuse_short(
        where,
        {
            utt: f"{len(spoken)} words in {lengths[utt]} frames of 10 ms"
            for utt, spoken in words.items()
            if len(spoken) > lengths[utt]
        },
        len(words),
    )
    return lengths
