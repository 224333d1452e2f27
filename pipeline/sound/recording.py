"""A recording of one's own, however long: read piece by piece, made into features, heard by a system."""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from lexicon.errors import UserError, reading
from lexicon.files import atomic_write
from pipeline.sound.audio import audio_info, read_stretch, refuse_endless, resampled_length
from pipeline.sound.mfcc import Cepstra, CepstralStats, FeatureSettings, add_deltas, mfcc
from pipeline.sound.pauses import Piece, cut_at_pauses, find_pauses, frame_levels, near_speech, spoken_part
from pipeline.times.clock import FRAME_LENGTH_MS, FRAME_SHIFT_MS
from pipeline.times.segments import Segment

BLOCK_SECONDS = 60  # of sound in memory at a time
LONGEST_S = 24 * 3600  # its features take 500 MB; 2 MB of FLAC may hold as much
# Frames of training that a recording's mean and variance begin with: of those tried on single utterances of dev as WAV
# files (bench/own_audio.py --single --set dev) the fewest that bring every system within 3 points of its WER there.
PRIOR_FRAMES = 400
SOURCE = "recording.txt"
LONGEST_NAME = 60  # characters of a file name that are kept in the names of results


@dataclass(frozen=True)
class Recording:
    """A file as one long utterance: ``static`` (T, 13) cepstra and ``levels`` (T,) dB, frame by frame at ``rate`` Hz.

    Only these are kept, about 20 MB for an hour. ``seconds`` is the length of the file.
    """

    name: str
    seconds: float
    settings: FeatureSettings
    static: np.ndarray
    levels: np.ndarray
    training: Cepstra | None = None  # of what the models were trained on

    @cached_property
    def stats(self) -> CepstralStats:
        """Of the whole file, which is taken for one speaker, without its pauses; and of training, which a word or two
        need."""
        stats = CepstralStats()
        if self.training:
            stats.add_prior(self.training, PRIOR_FRAMES)
        stats.add(self.static[near_speech(self.levels)] if self.heard else self.static)
        return stats

    @property
    def heard(self) -> bool:
        """Whether there is any sound."""
        return bool(near_speech(self.levels).any())

    def feats(self, start: int = 0, end: int | None = None) -> np.ndarray:
        """Normalised features of frames ``start`` to ``end``, (end - start, 39) float32."""
        return add_deltas(self.stats.normalise(self.static[start:end], self.settings.norm_vars))

    def pieces(self) -> list[Piece]:
        """The recording cut at its pauses."""
        return cut_at_pauses(self.levels)

    @cached_property
    def pauses(self) -> list[tuple[int, int]]:
        """The first frame of each pause, and the first one after it."""
        return find_pauses(self.levels)

    def spoken(self, piece: Piece) -> tuple[int, int]:
        """The frames that a search should hear of a piece with speech."""
        return spoken_part(piece, self.pauses)


def own_name(wav: Path | str) -> str:
    """What results of ``wav`` are called: its name without ending, as CTM files and folders take it."""
    return _plain(Path(wav).stem)


def _plain(name: str) -> str:
    return re.sub(r"[^\w.+-]", "_", name).lstrip(".")[:LONGEST_NAME] or "recording"


def own_folder(base: Path, wav: Path | str) -> Path:
    """The folder below ``base`` for the results of ``wav``, made if need be: its name, or with that of its folder and a
    number where another recording has that. SOURCE in it says whose results these are."""
    path, name = _place(wav), own_name(wav)
    longer = f"{_plain(Path(wav).expanduser().resolve().parent.name)}-{name}"
    names = itertools.chain((name, longer), (f"{longer}-{number}" for number in itertools.count(2)))
    out = next(base / name for name in names if _source(base / name).split("\n")[0] in ("", str(path)))
    out.mkdir(parents=True, exist_ok=True)
    return out


def begin_results(out: Path, wav: Path | str) -> None:
    """Before results of ``wav`` are written to its folder: those of what the file was before, or of nobody knows what,
    are moved aside, that they do not mix."""
    path = _place(wav)
    with open(path, "rb") as stream:
        known = f"{path}\n{hashlib.file_digest(stream, 'blake2b').hexdigest()[:32]}\n"
    if _source(out) != known and any(out.iterdir()):
        names = (out.with_name(f"{out.name}.{number}") for number in itertools.count(1))
        out.rename(next(name for name in names if not name.exists()))
        out.mkdir()
    with atomic_write(out / SOURCE) as stream:
        stream.write(known)


def _place(wav: Path | str) -> Path:
    """Where a recording lies: within the project from there, for a project may be moved."""
    path = Path(wav).expanduser().resolve()
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _source(folder: Path) -> str:
    """Whose results are in a folder: path and hash of the recording; "" if nothing says so."""
    path = folder / SOURCE
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def read_recording(wav: Path | str, settings: FeatureSettings, training: Cepstra | None = None) -> Recording:
    """Read an audio file of any rate and length. UserError if it cannot be read or holds less than one frame."""
    if not str(wav):
        raise UserError("no file given; name one: make transcribe WAV=my.wav")
    wav = Path(wav).expanduser()
    if not wav.is_file():
        what = "a folder, not" if wav.is_dir() else "no such"
        raise UserError(f"{wav}: {what} audio file; correct the path in WAV=...")
    info = audio_info(wav)
    refuse_endless(wav, info.num_samples / info.sample_rate, LONGEST_S, "cut it and give its parts one by one")
    with reading(wav):
        blocks = [
            (mfcc(samples, settings.sample_rate), frame_levels(samples, settings.sample_rate))
            for samples in _blocks(wav, settings.sample_rate)
        ]
        static, levels = (np.concatenate(parts) for parts in zip(*blocks))
    seconds = info.num_samples / info.sample_rate
    if not len(static):
        raise UserError(
            f"{wav}: {1000 * seconds:.0f} ms long, shorter than one frame of {FRAME_LENGTH_MS:g} ms; record more"
        )
    return Recording(own_name(wav), seconds, settings, static, levels, training)


def _blocks(wav: Path, rate: int) -> Iterator[np.ndarray]:
    """The samples of consecutive blocks of frames: each begins one shift after the last frame of the one before."""
    window, shift = (int(rate * ms / 1000) for ms in (FRAME_LENGTH_MS, FRAME_SHIFT_MS))
    info = audio_info(wav)
    total = resampled_length(info.num_samples, info.sample_rate, rate)
    frames = BLOCK_SECONDS * rate // shift
    for first in range(0, max(1, (total - window) // shift + 1), frames):
        yield read_stretch(wav, rate, first * shift, min((first + frames - 1) * shift + window, total))


def shifted(segments: list[Segment], frames: int) -> list[Segment]:
    """The segments of a piece that begins at frame ``frames``, on the time axis of the recording."""
    return [replace(segment, start=segment.start + frames, end=segment.end + frames) for segment in segments]
