"""A recording of one's own, however long: read piece by piece, made into features, heard by a system."""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from lexicon.errors import UserError, reading
from lexicon.files import atomic_write
from pipeline.sound.audio import AudioInfo, audio_info, read_stretch, refuse_endless, resampled_length
from pipeline.sound.front_end import FrontEnd, Raw, SpeakerStats, extractor_of
from pipeline.sound.pauses import Piece, cut_at_pauses, find_pauses, frame_levels, near_speech, spoken_part
from pipeline.times.clock import FRAME_LENGTH_MS, FRAME_SHIFT_MS
from pipeline.times.segments import Segment

BLOCK_SECONDS = 60  # of sound in memory at a time
LONGEST_S = 24 * 3600  # its features take 500 MB; 2 MB of FLAC may hold as much
# Rows of training that a recording's mean and variance begin with: of those tried on single utterances of dev as WAV
# files (bench/own_audio.py --single --set dev) the fewest that bring every system within 3 points of its WER there.
PRIOR_FRAMES = 400
SOURCE = "recording.txt"
LONGEST_NAME = 60  # characters of a file name that are kept in the names of results


@dataclass(frozen=True)
class Recording:
    """A file as one long utterance: the rows (T', coefficients) of each kind of ``raw`` features that is wanted, and
    ``levels`` (T,) dB, frame by frame.

    Only these are kept, of cepstra about 20 MB for an hour. ``seconds`` is the length of the file.
    """

    name: str
    seconds: float
    raw: Mapping[Raw, np.ndarray]
    levels: np.ndarray
    _stats: dict[FrontEnd, SpeakerStats] = field(default_factory=dict)

    @property
    def num_frames(self) -> int:
        return len(self.levels)

    def stats(self, front_end: FrontEnd) -> SpeakerStats:
        """Of the whole file, which is taken for one speaker, without its pauses; and of training, which a word or two
        need."""
        if front_end not in self._stats:
            self._stats[front_end] = stats = SpeakerStats(front_end.raw.coefficients)
            if front_end.prior:
                stats.add_prior(front_end.prior, PRIOR_FRAMES)
            rows, speech = self.raw[front_end.raw], near_speech(self.levels)[:: front_end.step]
            stats.add(rows[speech] if speech.any() else rows)
        return self._stats[front_end]

    @property
    def heard(self) -> bool:
        """Whether there is any sound."""
        return bool(near_speech(self.levels).any())

    def feats(self, front_end: FrontEnd, start: int = 0, end: int | None = None) -> np.ndarray:
        """What a front end makes of frames ``start``, a multiple of its step, to ``end``: a row for each that is
        centred on one of them, (T, D) float32."""
        first, last = (-(-frame // front_end.step) for frame in (start, self.num_frames if end is None else end))
        return front_end.compose(self.raw[front_end.raw][first:last], self.stats(front_end))

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


def read_recording(wav: Path | str, wanted: Collection[Raw]) -> Recording:
    """Read an audio file of any rate and length, for the kinds of raw features that are ``wanted``. UserError if it
    cannot be read or holds less than one frame."""
    wav, info = recording_info(wav)
    with reading(wav):
        read = [_read(wav, rate, wanted) for rate in sorted({raw.sample_rate for raw in wanted})]
        levels = read[0][0][: min(len(found) for found, _ in read)]  # resampled, sound may last a frame more or less
        rows = {raw: x[: -(-len(levels) // raw.step)] for _, found in read for raw, x in found.items()}
    seconds = info.num_samples / info.sample_rate
    if not len(levels):
        raise too_short(wav, seconds)
    return Recording(own_name(wav), seconds, rows, levels)


def too_short(wav: Path, seconds: float) -> UserError:
    """What is said of a recording without a single frame."""
    return UserError(
        f"{wav}: {1000 * seconds:.0f} ms long, shorter than one frame of {FRAME_LENGTH_MS:g} ms; record more"
    )


def recording_info(wav: Path | str) -> tuple[Path, AudioInfo]:
    """Where a recording is, and what it is; UserError for what cannot be read, or not as one recording."""
    if not str(wav):
        raise UserError("no file given; name one: make transcribe WAV=my.wav")
    wav = Path(wav).expanduser()
    if not wav.is_file():
        what = "a folder, not" if wav.is_dir() else "no such"
        raise UserError(f"{wav}: {what} audio file; correct the path in WAV=...")
    info = audio_info(wav)
    refuse_endless(wav, info.num_samples / info.sample_rate, LONGEST_S, "cut it and give its parts one by one")
    return wav, info


def _read(wav: Path, rate: int, wanted: Collection[Raw]) -> tuple[np.ndarray, dict[Raw, np.ndarray]]:
    """Levels of the frames of a file at that rate, and the raw rows of the kinds that are of sound at it."""
    extractors = {raw: extractor_of(raw) for raw in wanted if raw.sample_rate == rate}
    blocks = [
        [levels, *(of.rows(samples, rate)[: -(-len(levels) // raw.step)] for raw, of in extractors.items())]
        for samples in _blocks(wav, rate)
        for levels in [frame_levels(samples, rate)]
    ]
    levels, *rows = (np.concatenate(parts) for parts in zip(*blocks))
    return levels, dict(zip(extractors, rows))


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
