"""The features of a data directory: raw rows on disk, of which each system's front end makes what it wants when read.

Of each kind of raw features there are feats.scp, the rows of each utterance; cmvn.scp, what normalisation needs of each
speaker, as Kaldi's compute-cmvn-stats writes it; and feats.json, which says how they were made. The same of the sound
at another speed lies in a folder below: there a speaker has statistics of his own, for he sounds like somebody else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from functools import cached_property
from pathlib import Path

import numpy as np

from lexicon.errors import UserError
from lexicon.files import folder_from, read_json, write_json
from lexicon.text import read_text, same_ids, unfit
from pipeline.base.archive import Archive, again, write_archive
from pipeline.base.meta import read_meta
from pipeline.datadir import Utterance
from pipeline.datadir.short import refuse_short
from pipeline.sound.front_end import (
    USUAL,
    FrontEnd,
    FrontEndSettings,
    Raw,
    SpeakerStats,
    front_end_from,
    prior_of,
)
from pipeline.sound.speed import ORDINARY, speed_of

SETTINGS = "feats.json"
STATISTICS = "cmvn.scp"


def raw_folder(datadir: Path | str, kind: str, speed: str = ORDINARY) -> Path:
    """Where the raw features of a kind lie, of the sound at a ``speed``; UserError for a speed that cannot be meant."""
    folder = Path(datadir) if kind == USUAL else Path(datadir) / kind
    return folder if speed_of(speed) == 1 else folder / f"speed{speed}"


class RawFeatures(Archive):
    """The raw features of a kind in a data directory, utterance id -> (T, coefficients) float32."""

    def __init__(self, datadir: Path | str, kind: str = USUAL, speed: str = ORDINARY):
        self.folder, self.datadir = raw_folder(datadir, kind, speed), Path(datadir)
        super().__init__(self.folder / "feats.scp")
        self.raw, self.missing = _read_settings(self.folder / SETTINGS)
        if self.raw.kind != kind:
            raise UserError(f"{self.folder / SETTINGS}: features of kind {self.raw.kind}, not {kind}; {self.again}")

    @property
    def again(self) -> str:
        return again(self.path)

    def __getitem__(self, key: str) -> np.ndarray:
        return check_dimension(super().__getitem__(key), self.raw.coefficients, f"{self.path}: {key}")

    def of(self, utterances: Iterable[Utterance]) -> list[Utterance]:
        """The utterances, without those that the mfcc stage was told to go on without; UserError unless features are of
        these and no others."""
        wanted = [utterance for utterance in utterances if utterance.id not in self.missing]
        same_ids(self.path, self, (utterance.id for utterance in wanted), self.again)
        if not wanted:
            raise UserError(f"{self.path}: no utterances; {self.again}")
        return wanted

    @cached_property
    def speakers(self) -> Mapping[str, SpeakerStats]:
        """What normalisation needs of each speaker."""
        archive = Archive(self.folder / STATISTICS, unfit)
        found, shape = {}, (2, self.raw.coefficients + 1)
        for speaker, matrix in archive.items():
            if matrix.shape != shape or matrix[0, -1] < 1:
                raise UserError(f"{archive.path}: {speaker}: no sums of {self.raw.coefficients} numbers; {self.again}")
            found[speaker] = SpeakerStats.from_matrix(matrix)
        if not found:
            raise UserError(f"{archive.path}: no speakers; {self.again}")
        return found

    @cached_property
    def speaker_of(self) -> Mapping[str, str]:
        """Who says an utterance; UserError where it is nobody, or one without statistics."""
        path = self.datadir / "utt2spk"
        found = {utterance: " ".join(names) for utterance, names in read_text(path).items()}
        for utterance in self:
            if found.get(utterance) not in self.speakers:
                raise UserError(
                    f"{path}: {utterance}: no statistics of speaker {found.get(utterance)!r} in"
                    f" {self.folder / STATISTICS}; {self.again}"
                )
        return found


class Features(RawFeatures):
    """The features that a front end makes of the raw ones, utterance id -> (T, D) float32, composed when asked for.

    UserError where the raw ones were made otherwise than those of the training set, that of ``model``, a directory.
    """

    def __init__(
        self, datadir: Path | str, front_end: FrontEnd, model: Path | str | None = None, speed: str = ORDINARY
    ):
        super().__init__(datadir, front_end.raw.kind, speed)
        self.front_end, self.model = front_end, model
        if self.raw != front_end.raw:
            training = f"the model {model} was trained on" if model else "the training set has"
            way = "decode with a model of the same kind, or: make transcribe, which resamples" if model else self.again
            raise UserError(f"{self.path}: {self.raw}; {training} {front_end.raw}; {way}")

    @cached_property
    def speakers(self) -> Mapping[str, SpeakerStats]:
        """What normalisation and adaptation need of each speaker."""
        found = super().speakers
        if self.front_end.adaptation is None:
            return found
        maps, shape = Archive(self.maps, unfit), (self.front_end.dimension, self.front_end.unadapted + 1)
        same_ids(maps.path, maps, found, again(maps.path))
        for speaker, stats in found.items():
            stats.affine = maps[speaker]
            if stats.affine.shape != shape or not np.isfinite(stats.affine).all():
                raise UserError(f"{maps.path}: {speaker}: no map {shape} of the features; {again(maps.path)}")
        return found

    @property
    def maps(self) -> Path:
        """The index of the maps that adapt features to each speaker; UserError where nobody says whose they are."""
        adaptation = self.front_end.adaptation
        if adaptation is None or self.model is None:
            raise UserError(f"{self.path}: adapted to speakers by no model; name one")
        return folder_from(Path(self.model), adaptation.model) / f"fmllr_{self.datadir.name}.scp"

    def __getitem__(self, key: str) -> np.ndarray:
        rows = super().__getitem__(key)
        by_speaker = self.front_end.by_speaker
        return self.front_end.compose(rows, self.speakers[self.speaker_of[key]] if by_speaker else None)

    def at(self, speed: str) -> Features:
        """The same of the sound played at another speed; UserError where that has not been made."""
        if self.raw.encoder:
            raise UserError(
                f"speed {speed}: {self.raw.kind} is there at the ordinary one alone; use --speeds {ORDINARY}"
            )
        index = raw_folder(self.datadir, self.raw.kind, speed) / "feats.scp"
        if not index.is_file():
            raise UserError(f"{index}: no features at speed {speed}; run: make {index}; or use --speeds {ORDINARY}")
        return Features(self.datadir, self.front_end, self.model, speed)


def read_feats(datadir: Path | str, model: Path | str) -> Features:
    """The features of a data directory as the model in the directory ``model`` wants them."""
    return Features(datadir, front_end_of(model), model)


def front_end_for(datadir: Path | str, settings: FrontEndSettings, kind: str = USUAL) -> FrontEnd:
    """The front end with these settings of a system that is trained on this data directory."""
    known = RawFeatures(datadir, kind)
    prior = prior_of(known.speakers.values())
    return FrontEnd(settings.normalise, settings.deltas, settings.splice, raw=known.raw, prior=prior)


def front_end_of(model: Path | str) -> FrontEnd:
    """The front end that the meta.json of the model in this directory asks for."""
    try:
        return front_end_from(read_meta(model).get("front_end"))
    except ValueError as error:
        raise UserError(
            f'{model}/meta.json: "front_end" does not say on what features the model was trained ({error});'
            f" train it again: make {Path(model).name}"
        ) from error


def write_raw(
    datadir: Path | str,
    raw: Raw,
    rows: Iterable[tuple[str, np.ndarray]],
    speaker_of: Mapping[str, str],
    missing: Iterable[str] = (),
    speed: str = ORDINARY,
) -> tuple[int, int]:
    """Write the raw features of a data directory, and their statistics; returns how many utterances and speakers.

    The old index goes first and the new one comes last. ``missing`` is asked for when all ``rows`` are there.
    """
    folder, stats = raw_folder(datadir, raw.kind, speed), dict[str, SpeakerStats]()
    target = folder / "feats.scp"

    def counted() -> Iterable[tuple[str, np.ndarray]]:
        for utterance, found in rows:
            stats.setdefault(speaker_of[utterance], SpeakerStats(raw.coefficients)).add(found)
            yield utterance, found
        target.unlink(missing_ok=True)
        write_json(folder / SETTINGS, {**asdict(raw), "missing": list(missing)})
        write_archive(folder / STATISTICS, ((speaker, stats[speaker].as_matrix()) for speaker in sorted(stats)))

    return write_archive(target, counted()), len(stats)


def _read_settings(path: Path) -> tuple[Raw, frozenset[str]]:
    """feats.json: how raw features were made, and of which utterances there are none."""
    try:
        value = read_json(path)
        missing = value.pop("missing", []) if isinstance(value, dict) else []
        if not isinstance(missing, list) or not all(isinstance(utt, str) for utt in missing):
            raise ValueError('"missing" is no list of ids')
        return Raw(**value), frozenset(missing)
    except (OSError, ValueError, TypeError) as error:
        what = error.strerror if isinstance(error, OSError) else error
        raise UserError(
            f"{path}: not the settings of the features ({what}); {again(path.with_name('feats.scp'))}"
        ) from error


def missing_features(datadir: Path) -> frozenset[str]:
    """The utterances that the mfcc stage was told to go on without; none where it has not been at work."""
    path = Path(datadir) / SETTINGS
    return _read_settings(path)[1] if path.exists() else frozenset()


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
    """Rows of each utterance in ``words``, checked to be (T, dimension); UserError for more words than rows.

    ``where`` is the file that holds the words. A transcript of another recording, or of a whole book, must end here:
    the graph of an utterance takes memory by its words.
    """
    lengths = {utt: len(check_dimension(feats[utt], dimension, f"{where}: {utt}")) for utt in words}
    refuse_short(
        where,
        {
            utt: f"{len(spoken)} words in {lengths[utt]} frames"
            for utt, spoken in words.items()
            if len(spoken) > lengths[utt]
        },
        len(words),
    )
    return lengths
