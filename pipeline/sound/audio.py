"""Audio files to arrays: mono float32 at the rate the recogniser wants, or one line that says what is wrong."""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile

from lexicon.errors import UserError
from pipeline.sound.containers import Stream, joined_flac, streams, truncated

# Below telephone bandwidth there is no speech to recognise; above, the header is damaged.
SAMPLE_RATES = range(4000, 384_001)
BLOCK = 1 << 20  # samples, of all channels together
# An utterance that is in memory as a whole, as features and in training. A day of silence is 2 MB of FLAC, so what
# comes may be much longer than it looks. `make transcribe` and `make align` cut recordings at their pauses first.
LONGEST_UTTERANCE_S = 3600
LOUDEST = 8.0  # of full scale; beyond, floating-point samples were written in the range of integers
SCALES = (1 << 15, 1 << 23, 1 << 31)
QUIET = 0.001  # of full scale; softer sound is not asked whether its channels cancel
CANCELLED = 0.01  # of the power of the channels is left in their mean: they correlate with -0.98 or less
BLOCK_SECONDS = 60  # that are averaged and resampled at a time
MARGIN_SECONDS = 1  # that are read on both sides of such a block, far more than the resampler's filter is long


class Cut(NamedTuple):
    """A stretch of a recording, in seconds from its first sample."""

    start: float
    end: float

    def samples(self, info: AudioInfo) -> tuple[int, int]:
        """First sample, and the first one behind the stretch, at the file's own rate; never past its end."""
        first, last = (min(round(time * info.sample_rate), info.num_samples) for time in self)
        return first, last


class AudioInfo(NamedTuple):
    """What a file is; ``num_samples`` is per channel and at the file's own ``sample_rate`` (Hz)."""

    sample_rate: int
    num_samples: int
    channels: int


def audio_info(path: Path | str) -> AudioInfo:
    """Sample rate, length and channels of an audio file (WAV, FLAC, NIST SPHERE, Ogg, MP3): all that it holds, counted
    where headers cannot be trusted (`pipeline.sound.containers`).

    Raises UserError if the file is missing, empty, no audio, cut short, or has no samples or an absurd rate.
    """
    return _contents(path).info


class _Contents(NamedTuple):
    """An audio file: its streams one after the other (None: the file as it is), and the samples of each."""

    info: AudioInfo
    streams: tuple[tuple[Stream | None, int], ...]


def _contents(path: Path | str) -> _Contents:
    if not os.path.isfile(path):  # Path.is_file raises for names that are too long
        raise UserError(f"{path}: no such audio file; restore it, or remove the utterance")
    if os.path.getsize(path) == 0:
        raise UserError(f"{path}: 0 bytes; fetch the file again, or remove the utterance")
    return _counted(os.fspath(path), *_version(path))


def _version(path: Path | str) -> tuple[int, int, int]:
    """Another one for another file of the same name."""
    stat = os.stat(path)
    return stat.st_ino, stat.st_size, stat.st_mtime_ns


@lru_cache(maxsize=64)  # a recording is read block by block
def _counted(path: str, *_: int) -> _Contents:
    """As ``_contents``, of a file that is there; what else is given tells its versions apart."""
    try:
        parts: Sequence[Stream | None] = streams(path) or [None]
        headers = [_header(path, part) for part in parts]
    except (soundfile.LibsndfileError, RuntimeError):
        raise UserError(
            f"{path}: not a WAV file (nor FLAC, SPHERE, Ogg, MP3); convert it or remove the utterance"
        ) from None
    first, num_samples = headers[0], sum(header.num_samples for header in headers)
    if num_samples <= 0:
        raise UserError(f"{path}: 0 samples; fetch the file again, or remove the utterance")
    if first.sample_rate not in SAMPLE_RATES:
        raise UserError(
            f"{path}: a sample rate of {first.sample_rate} Hz; expected {SAMPLE_RATES.start} to "
            f"{SAMPLE_RATES.stop - 1}, convert the file or remove the utterance"
        )
    if other := next((header for header in headers if header[::2] != first[::2]), None):
        raise UserError(
            f"{path}: recordings at {first.sample_rate} Hz with {first.channels} channels and at "
            f"{other.sample_rate} Hz with {other.channels} in one file; take them apart"
        )
    return _Contents(
        first._replace(num_samples=num_samples),
        tuple((part, header.num_samples) for part, header in zip(parts, headers)),
    )


def _header(path: str, stream: Stream | None) -> AudioInfo:
    """What libsndfile says of a stream."""
    with _open(path, stream) as file:
        if stream is None and file.format == "MP3":
            raise UserError(f"{path}: an MP3 of free format, whose length is not known; convert it to WAV")
        return AudioInfo(file.samplerate, file.frames, file.channels)


def _open(path: Path | str, stream: Stream | None) -> AbstractContextManager[soundfile.SoundFile]:
    return stream.open(path) if stream else soundfile.SoundFile(str(path))


def read_audio(path: Path | str, sample_rate: int, cut: Cut | None = None) -> np.ndarray:
    """Read an audio file, or the stretch ``cut`` of it, as (num_samples,) float32, mono at ``sample_rate`` Hz. Full
    scale is 1, but nothing is clipped: filters, MP3 and floating point may go beyond.

    Channels are averaged, and refused where they cancel; another rate is resampled band-limited
    (``scipy.signal.resample_poly``: a linear-phase FIR with a Kaiser window, cut-off at the lower Nyquist frequency),
    to ``resampled_length`` samples. Raises UserError as ``audio_info`` does, if the samples cannot all be read or are
    not finite, or are more than LONGEST_UTTERANCE_S.
    """
    info = audio_info(path)
    first, last = cut.samples(info) if cut else (0, info.num_samples)
    refuse_endless(path, (last - first) / info.sample_rate)
    total = resampled_length(last - first, info.sample_rate, sample_rate)
    size = BLOCK_SECONDS * sample_rate
    blocks = [read_stretch(path, sample_rate, begin, min(begin + size, total), cut) for begin in range(0, total, size)]
    return np.concatenate([np.zeros(0, np.float32), *blocks])


def read_stretch(path: Path | str, sample_rate: int, begin: int, end: int, cut: Cut | None = None) -> np.ndarray:
    """Samples ``begin`` to ``end`` of what the file, or the stretch ``cut`` of it, is at ``sample_rate`` Hz.

    Read from whole seconds with a margin: there the samples of every rate coincide, and the edges of the resampler's
    filter lie outside.
    """
    info = audio_info(path)
    first, last = cut.samples(info) if cut else (0, info.num_samples)
    start = max(0, begin // sample_rate - MARGIN_SECONDS)
    stop = min(last, first + (end // sample_rate + 1 + MARGIN_SECONDS) * info.sample_rate)
    mono = _mono(path, _blocks(path, first + start * info.sample_rate, stop))
    if info.sample_rate != sample_rate:
        from scipy.signal import resample_poly  # a slow import that most corpora do not need

        common = math.gcd(info.sample_rate, sample_rate)
        mono = resample_poly(mono, sample_rate // common, info.sample_rate // common)
    return mono[begin - start * sample_rate : end - start * sample_rate].astype(np.float32)


def _mono(path: Path | str, blocks: Iterator[np.ndarray]) -> np.ndarray:
    """The mean of the channels, (num_samples,) float64. UserError where it would not be what is heard."""
    means, mean, each, loudest, count = [np.zeros(0)], 0.0, 0.0, 0.0, 0
    for block in blocks:
        with np.errstate(invalid="ignore", over="ignore"):
            means.append(block.mean(axis=1, dtype=np.float64))
            loudest = max(loudest, float(np.abs(block).max(initial=0.0)))
        if not (np.isfinite(means[-1]).all() and np.isfinite(loudest)):
            raise UserError(f"{path}: samples that are not finite; convert the file again, or remove the utterance")
        if block.shape[1] > 1 and loudest <= LOUDEST:
            mean += float((means[-1] ** 2).sum())
            each += float((block.astype(np.float64) ** 2).mean(axis=1).sum())
        count += len(block)
    if loudest > LOUDEST:
        raise UserError(
            f"{path}: samples up to {loudest:.6g}, but full scale of floating point is 1; divide them by "
            f"{next((scale for scale in SCALES if loudest <= scale), loudest):.10g} and write them again"
        )
    if each > count * QUIET**2 and mean < CANCELLED * each:
        raise UserError(
            f"{path}: its channels cancel each other (one is the other upside down); keep one of them: "
            f"sox {Path(path).name} out.wav remix 1"
        )
    return np.concatenate(means)


def refuse_endless(
    path: Path | str,
    seconds: float,
    longest: float = LONGEST_UTTERANCE_S,
    remedy: str = "cut it into utterances: a segments file names stretches of recordings",
) -> None:
    """UserError for audio that is longer than what may be in memory at once."""
    if seconds > longest:
        raise UserError(f"{path}: {seconds / 3600:.1f} hours at a stretch, more than {longest / 3600:g}; {remedy}")


def audio_blocks(path: Path | str, cut: Cut | None = None) -> tuple[AudioInfo, Iterator[np.ndarray]]:
    """The samples of a file, or of the stretch ``cut``, as they are: what it is, and (num_samples, channels) float32
    blocks.

    Raises UserError as ``audio_info`` does, and the blocks do if the samples cannot all be read.
    """
    info = audio_info(path)
    first, last = cut.samples(info) if cut else (0, info.num_samples)
    return info, _blocks(path, first, last)


def _blocks(path: Path | str, first: int, last: int) -> Iterator[np.ndarray]:
    """Samples ``first`` to ``last``, block by block: a damaged header may promise more than fits into memory."""
    read, begin, contents = 0, 0, _contents(path)
    try:
        for stream, length in contents.streams:
            for block in _stretch(path, stream, max(0, first - begin), min(length, last - begin)):
                read += len(block)
                yield block
            begin += length
    except (soundfile.LibsndfileError, RuntimeError):
        pass  # what is missing is counted
    if read != last - first:
        raise truncated(path, last - first, read, "samples")
    if last == contents.info.num_samples and joined_flac(path):
        raise UserError(f"{path}: a second FLAC follows after {last} samples; take them apart, or write it again")


def _stretch(path: Path | str, stream: Stream | None, first: int, last: int) -> Iterator[np.ndarray]:
    """Samples ``first`` to ``last`` of one stream."""
    if first >= last:
        return
    with _open(path, stream) as file:
        size, unpacked = max(1, BLOCK // file.channels), None
        if file.seekable():
            file.seek(first)
        else:
            unpacked = _unpacked(path, stream, *_version(path))
        for start in range(first, last, size):
            stop = min(start + size, last)
            block = (
                file.read(stop - start, dtype="float32", always_2d=True)
                if unpacked is None
                else unpacked[start:stop] / np.float32(32768)
            )
            if not len(block):
                return
            yield block


@lru_cache(maxsize=1)
def _unpacked(path: Path | str, stream: Stream | None, *_: int) -> np.ndarray:
    """All samples (num_samples, channels) int16 of what can only be read from its beginning (GSM, G.721): on the disk,
    for a recording is read block by block."""
    with _open(path, stream) as file, tempfile.TemporaryFile() as disk:
        while len(block := file.read(BLOCK // file.channels, dtype="int16", always_2d=True)):
            disk.write(block.tobytes())
        if not disk.tell():
            return np.zeros((0, file.channels), np.int16)
        disk.flush()
        return np.memmap(disk, np.int16, "r").reshape(-1, file.channels)


def resampled_length(num_samples: int, from_rate: int, to_rate: int) -> int:
    """The number of samples ``read_audio`` returns for a file of ``num_samples`` at ``from_rate`` Hz."""
    return -(-num_samples * to_rate // from_rate)
