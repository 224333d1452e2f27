"""Audio files to arrays: mono float32 at the rate the recogniser wants, or one line that says what is wrong."""
from __future__ import annotations

import math
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile

from lexicon.errors import UserError

# Below telephone bandwidth there is no speech to recognise; above, the header is damaged.
SAMPLE_RATES = range(4000, 384_001)
BLOCK = 1 << 20  # samples, of all channels together
# An utterance that is in memory as a whole, as features and in training. A day of silence is 2 MB of FLAC, so what
# comes may be much longer than it looks. `make transcribe` and `make align` cut recordings at their pauses first.
LONGEST_UTTERANCE_S = 3600
BLOCK_SECONDS = 60     # that are averaged and resampled at a time
MARGIN_SECONDS = 1     # that are read on both sides of such a block, far more than the resampler's filter is long


class Cut(NamedTuple):
    """A stretch of a recording, in seconds from its first sample."""

    start: float
    end: float

    def samples(self, info: AudioInfo) -> tuple[int, int]:
        """First sample, and the first one behind the stretch, at the file's own rate; never past its end."""
        first, last = (min(round(time * info.sample_rate), info.num_samples) for time in self)
        return first, last


class AudioInfo(NamedTuple):
    """What a file's header says of it; ``num_samples`` is per channel and at the file's own ``sample_rate`` (Hz)."""

    sample_rate: int
    num_samples: int
    channels: int


def audio_info(path: Path | str) -> AudioInfo:
    """Sample rate, length and channels of an audio file (WAV, FLAC, NIST SPHERE, Ogg), from its header.

    Raises UserError if the file is missing, empty, no audio, cut short, or has no samples or an absurd rate.
    """
    path = Path(path)
    if not os.path.isfile(path):  # Path.is_file raises for names that are too long
        raise UserError(f"{path}: no such audio file; restore it, or remove the utterance")
    if path.stat().st_size == 0:
        raise UserError(f"{path}: 0 bytes; fetch the file again, or remove the utterance")
    _refuse_truncated_riff(path)
    try:
        header = soundfile.info(str(path))
    except (soundfile.LibsndfileError, RuntimeError):
        raise UserError(f"{path}: not a WAV file (nor FLAC, SPHERE, Ogg); convert it or remove the utterance") from None
    if header.frames <= 0:
        raise UserError(f"{path}: 0 samples; fetch the file again, or remove the utterance")
    if header.samplerate not in SAMPLE_RATES:
        raise UserError(f"{path}: a sample rate of {header.samplerate} Hz; expected {SAMPLE_RATES.start} to "
                        f"{SAMPLE_RATES.stop - 1}, convert the file or remove the utterance")
    return AudioInfo(header.samplerate, header.frames, header.channels)


def read_audio(path: Path | str, sample_rate: int, cut: Cut | None = None) -> np.ndarray:
    """Read an audio file, or the stretch ``cut`` of it, as (num_samples,) float32 in [-1, 1], mono at ``sample_rate``
    Hz.

    Channels are averaged; another rate is resampled band-limited (``scipy.signal.resample_poly``: a linear-phase FIR
    with a Kaiser window, cut-off at the lower Nyquist frequency), to ``resampled_length`` samples. Raises UserError as
    ``audio_info`` does, if the samples cannot all be read or are not finite, or are more than LONGEST_UTTERANCE_S.
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
    blocks = _blocks(path, first + start * info.sample_rate, stop)
    with np.errstate(invalid="ignore"):  # infinities of two channels: told below
        mono = np.concatenate([np.zeros(0), *(block.mean(axis=1, dtype=np.float64) for block in blocks)])
    if not np.isfinite(mono).all():
        raise UserError(f"{path}: samples that are not finite; convert the file again, or remove the utterance")
    if info.sample_rate != sample_rate:
        from scipy.signal import resample_poly  # a slow import that most corpora do not need
        common = math.gcd(info.sample_rate, sample_rate)
        mono = resample_poly(mono, sample_rate // common, info.sample_rate // common)
    return np.clip(mono[begin - start * sample_rate:end - start * sample_rate], -1.0, 1.0).astype(np.float32)


def refuse_endless(path: Path | str, seconds: float, longest: float = LONGEST_UTTERANCE_S,
                   remedy: str = "cut it into utterances: a segments file names stretches of recordings") -> None:
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
    read = 0
    try:
        with soundfile.SoundFile(str(path)) as file:
            file.seek(first)
            size = max(1, BLOCK // file.channels)
            for start in range(first, last, size):
                block = file.read(min(size, last - start), dtype="float32", always_2d=True)
                if not len(block):
                    break
                read += len(block)
                yield block
    except (soundfile.LibsndfileError, RuntimeError):
        pass  # what is missing is counted
    if read != last - first:
        raise _truncated(path, last - first, read, "samples")


def resampled_length(num_samples: int, from_rate: int, to_rate: int) -> int:
    """The number of samples ``read_audio`` returns for a file of ``num_samples`` at ``from_rate`` Hz."""
    return -(-num_samples * to_rate // from_rate)


def _refuse_truncated_riff(path: Path) -> None:
    """Compare the size a WAV file gives its data chunk with the bytes that follow: libsndfile reads less in silence."""
    size = path.stat().st_size
    with open(path, "rb") as stream:
        head = stream.read(12)
        if head[:4] != b"RIFF" or head[8:] != b"WAVE":
            return
        while len(chunk := stream.read(8)) == 8:
            name, length = struct.unpack("<4sI", chunk)
            if name == b"data":
                if stream.tell() + length > size:
                    raise _truncated(path, length, size - stream.tell(), "bytes of samples")
                return
            stream.seek(length + length % 2, 1)  # chunks are padded to an even length
    raise UserError(f"{path}: truncated before any samples; fetch the file again, or remove the utterance")


def _truncated(path: Path | str, promised: int, found: int, what: str) -> UserError:
    return UserError(f"{path}: truncated, {found} of {promised} {what}; fetch the file again, or remove the utterance")
