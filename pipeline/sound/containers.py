"""What audio files hold, whatever their headers claim: the streams in a file, one after the other, each as libsndfile
reads it to its end.

libsndfile believes headers. It reads the first of chained Ogg streams and of joined MP3s, guesses how long an MP3
without a Xing frame is, takes a WAV that went through a pipe for empty, and where samples are missing it reads fewer.
"""

from __future__ import annotations

import io
import mmap
import re
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile

from lexicon.errors import UserError
from pipeline.sound import mp3

Bytes = mmap.mmap | bytes
GSM, MPEG = 0x31, (0x50, 0x55)  # formats of WAV
GSM_BLOCK = 65  # bytes, of 320 samples
LONGEST_HEADER = 1 << 20  # bytes, that are kept in memory


class Stream(NamedTuple):
    """One stream: the bytes ``head``, a mended header, and then those of the file from ``start`` to ``stop``."""

    head: bytes
    start: int
    stop: int

    @contextmanager
    def open(self, path: Path | str) -> Iterator[soundfile.SoundFile]:
        """For reading; RuntimeError if it cannot be."""
        with _View(path, self) as view, soundfile.SoundFile(view) as file:
            yield file


class _View(io.RawIOBase):
    """A stream as a file of its own."""

    def __init__(self, path: Path | str, stream: Stream):
        self.head, self.start, self.size = stream.head, stream.start, len(stream.head) + stream.stop - stream.start
        self.file, self.at = open(path, "rb"), 0

    def seek(self, offset: int, whence: int = 0) -> int:
        self.at = max(0, offset + (0, self.at, self.size)[whence])
        return self.at

    def tell(self) -> int:
        return self.at

    def close(self) -> None:
        super().close()
        self.file.close()

    def readinto(self, buffer) -> int:
        wanted = min(len(buffer), max(0, self.size - self.at))
        head = self.head[self.at : self.at + wanted]
        self.file.seek(self.start + max(0, self.at - len(self.head)))
        data = head + self.file.read(wanted - len(head))
        buffer[: len(data)] = data
        self.at += len(data)
        return len(data)


def streams(path: Path | str) -> list[Stream] | None:
    """The streams of a file, or None where libsndfile reads all of the file as it is.

    UserError if samples are missing, or if bytes follow that may be samples and that no header tells of.
    """
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        try:
            return _streams(path, data)
        except struct.error:  # a header that ends too early
            raise UserError(
                f"{path}: truncated before any samples; fetch the file again, or remove the utterance"
            ) from None


def _streams(path: Path | str, data: Bytes) -> list[Stream] | None:
    kind, form = data[:4], data[8:12]
    if kind in (b"RIFF", b"RIFX", b"RF64", b"BW64") and form == b"WAVE":
        return _wav(path, data)
    if kind == b"riff" and data[24:28] == b"wave":
        return _w64(path, data)
    if kind == b"FORM" and form in (b"AIFF", b"AIFC"):
        _aiff(path, data)
        return None
    if kind == b"NIST":
        _sphere(path, data)
        return None
    if kind == b".snd":
        start, length = struct.unpack_from(">II", data, 4)
        _whole(path, data, start, 0 if length == 0xFFFFFFFF else length)
        return None
    if data[(begin := mp3.after_tag(data, 0, len(data))) : begin + 4] == b"fLaC":
        return _flac(path, data, begin)
    if kind == b"OggS":
        return [Stream(b"", *span) for span in _ogg(path, data)]
    return [Stream(*part) for part in mp3.parts(path, data, 0, len(data))] or None


def truncated(path: Path | str, promised: int, found: int, what: str) -> UserError:
    """The error for a file that ends too early."""
    return UserError(f"{path}: truncated, {found} of {promised} {what}; fetch the file again, or remove the utterance")


def _whole(path: Path | str, data: Bytes, start: int, length: int) -> None:
    """UserError if fewer than ``length`` bytes follow ``start``."""
    if start + length > len(data):
        raise truncated(path, length, max(0, len(data) - start), "bytes of samples")


# WAV and its relatives: chunks


def _header(path: Path | str, data: Bytes, stop: int) -> bytearray:
    """The bytes before the samples."""
    if stop > LONGEST_HEADER:
        raise UserError(f"{path}: {stop} bytes before the samples of a file from a pipe; write it again")
    return bytearray(data[:stop])


def _chunks(data: Bytes, order: str, start: int = 12) -> Iterator[tuple[bytes, int, int]]:
    """(name, where its contents begin, their length) of each chunk; they are padded to an even length."""
    while start + 8 <= len(data):
        (length,) = struct.unpack_from(f"{order}I", data, start + 4)
        yield data[start : start + 4], start + 8, length
        start += 8 + length + length % 2


def _streamed(length: int) -> bool:
    """Whether a length was written by a program that could not yet know it: ffmpeg 0xFFFFFFFF, sox and Kaldi
    0x7FFFF000, others these less the header; in 64 bits -1 or the largest number."""
    return any(top - 4096 < length <= top for top in (0x7FFFF000, 0x80000000, 0xFFFFFFFF)) or length >= 1 << 62


def _wav(path: Path | str, data: Bytes) -> list[Stream] | None:
    """RIFF, and with 64 bits for the length RF64."""
    order, places, tag = ">" if data[:4] == b"RIFX" else "<", {}, 0
    for name, start, length in _chunks(data, order):
        places[name] = start
        if name == b"fmt ":
            (tag,) = struct.unpack_from(f"{order}H", data, start)
        if name == b"data":
            break
    else:
        raise UserError(f"{path}: truncated before any samples; fetch the file again, or remove the utterance")
    field, form = start - 4, f"{order}I"
    if b"ds64" in places and length == 0xFFFFFFFF:
        field, form = places[b"ds64"] + 8, "<Q"
        (length,) = struct.unpack_from(form, data, field)
    head = None
    if _streamed(length) or (length == 0 and not _tail_of_chunks(data, start, order)):
        head, length = _header(path, data, start), len(data) - start
        if form.endswith("I") and length > 0xFFFFFFFF:
            raise UserError(
                f"{path}: {length} bytes of samples behind a header for {0xFFFFFFFF} at most, from a pipe; "
                f"write it as W64 or RF64, or cut it"
            )
        struct.pack_into(form, head, field, length)
    _whole(path, data, start, length)
    if tag in MPEG:
        return [Stream(*part) for part in mp3.parts(path, data, start, start + length)] or None
    if not _tail_of_chunks(data, start + length, order):
        raise UserError(
            f"{path}: {len(data) - start - length} bytes, no chunks of a WAV file, after the {length} of "
            f"samples that its header tells of; were two files joined? Write it again"
        )
    if tag == GSM:  # the byte that pads an odd number of blocks would become 40 ms of noise: one less stands for it
        length -= length % GSM_BLOCK
        head = head or _header(path, data, start)
        struct.pack_into(form, head, field, length - length % 2)
    return [Stream(bytes(head), start, start + length)] if head else None


def _tail_of_chunks(data: Bytes, start: int, order: str) -> bool:
    """Whether nothing but chunks, a tag or zeros follow the samples, with or without the byte that pads them."""
    for begin in (start, start + 1):
        stop = begin
        for name, contents, length in _chunks(data, order, begin):
            if not re.fullmatch(rb"[ -~]{4}", name) or name in (b"RIFF", b"RIFX", b"RF64"):
                break
            stop = contents + length
        rest = data[stop : stop + (1 << 20)]
        if stop >= len(data) or not rest.strip(b"\0") or (rest.startswith(b"TAG") and len(rest) == 128):
            return True
    return False


def _w64(path: Path | str, data: Bytes) -> list[Stream] | None:
    """Sony's Wave64: names of 16 bytes, lengths of 64 bits that count the 24 bytes of both, padded to eight."""
    start = 40
    while start + 24 <= len(data):
        (length,) = struct.unpack_from("<Q", data, start + 16)
        if data[start : start + 4] == b"data":
            if length <= 24 or _streamed(length):
                head = _header(path, data, start + 24)
                struct.pack_into("<Q", head, start + 16, len(data) - start)
                return [Stream(bytes(head), start + 24, len(data))]
            _whole(path, data, start + 24, length - 24)
            return None
        start += max(24, -(-length // 8) * 8)
    raise UserError(f"{path}: truncated before any samples; fetch the file again, or remove the utterance")


def _aiff(path: Path | str, data: Bytes) -> None:
    for name, start, length in _chunks(data, ">"):
        if name == b"SSND":
            return _whole(path, data, start, length)
    raise UserError(f"{path}: truncated before any samples; fetch the file again, or remove the utterance")


def _sphere(path: Path | str, data: Bytes) -> None:
    """NIST SPHERE: a header of text."""
    size = int(data[8:16]) if data[8:16].strip().isdigit() else 1024
    fields = dict(re.findall(rb"^(\w+) -\w+ (.*?)\s*$", data[: min(size, 1 << 16)], re.MULTILINE))
    if b"shorten" in fields.get(b"sample_coding", b"").lower():
        raise UserError(
            f"{path}: compressed with shorten; unpack it: sph2pipe -f wav {Path(path).name} out.wav, or "
            f"w_decode of NIST's SPHERE tools"
        )
    numbers = [fields.get(name, b"") for name in (b"sample_count", b"channel_count", b"sample_n_bytes")]
    if all(re.fullmatch(rb"[0-9]{1,15}", number) for number in numbers):
        count, channels, width = map(int, numbers)
        _whole(path, data, size, count * channels * width)


# FLAC and Ogg

STREAMINFO = b"\0\0\0\x22"  # as the first block of metadata begins; it may be the last too: 0x80


def _flac(path: Path | str, data: Bytes, begin: int) -> list[Stream] | None:
    """A FLAC from a pipe has 0 for its length: it is decoded to count the samples. It may begin behind a tag."""
    start, header = begin + 42, data[begin : begin + 42]
    total = int.from_bytes(header[21:26]) & 0xFFFFFFFFF
    if total or header[5:8] != STREAMINFO[1:] or len(header) < 42:
        return None
    with Stream(_with_total(header, (1 << 36) - 1), start, len(data)).open(path) as file:
        total, block = 0, np.empty((1 << 16, file.channels), np.float32)
        while True:
            block.fill(np.nan)
            try:
                file.read(out=block)
            except (soundfile.LibsndfileError, RuntimeError) as error:  # at the end; the samples before it are there
                if "sync" in str(error):
                    raise UserError(
                        f"{path}: damaged or truncated after {total} samples; fetch the file again, or "
                        f"remove the utterance"
                    ) from None
            found = int(np.isfinite(block[:, 0]).sum())
            total += found
            if found < len(block):
                return [Stream(_with_total(header, total), start, len(data))] if total else None


def _with_total(header: bytes, total: int) -> bytes:
    """The first 42 bytes of a FLAC file, for ``total`` samples and with the sum of their bytes unknown."""
    return header[:21] + bytes([header[21] & 0xF0 | total >> 32]) + struct.pack(">I", total & 0xFFFFFFFF) + bytes(16)


def joined_flac(path: Path | str) -> bool:
    """Whether a second FLAC follows in the same file, which libsndfile does not read: as a file, or its frames alone,
    as ffmpeg's `concat` copies them. Looks at all bytes."""
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        begin = mp3.after_tag(data, 0, len(data))
        if data[begin : begin + 4] != b"fLaC":
            return False
        frames = _after_metadata(data, begin)
        heads = [b"fLaC" + first + STREAMINFO[1:] for first in (b"\0", b"\x80")]
        return any(data.find(head, frames + 1) > 0 for head in heads + _first_frame(data[frames : frames + 16]))


def _after_metadata(data: Bytes, begin: int) -> int:
    """Where the frames of the FLAC that begins at ``begin`` do."""
    at, last = begin + 4, False
    while not last and at + 4 <= len(data):
        last, at = data[at] >= 0x80, at + 4 + int.from_bytes(data[at + 1 : at + 4])
    return at


def _first_frame(frame: bytes) -> list[bytes]:
    """How a frame like this one begins that is the first (number 0) of its stream, with any of its channels coded as
    the difference of others; nothing if this is none."""
    if len(frame) < 16 or frame[0] != 0xFF or frame[4]:
        return []
    size = 5 + {6: 1, 7: 2}.get(frame[2] >> 4, 0) + {12: 1, 13: 2, 14: 2}.get(frame[2] & 15, 0)
    kinds = (1, 8, 9, 10) if frame[3] >> 4 in (1, 8, 9, 10) else (frame[3] >> 4,)
    heads = [frame[:3] + bytes([kind << 4 | frame[3] & 15]) + frame[4:size] for kind in kinds]
    return [head + bytes([_crc8(head)]) for head in heads]


def _crc8(data: bytes) -> int:
    """The sum that ends the header of a FLAC frame: x^8 + x^2 + x + 1."""
    value = 0
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value << 1 ^ (0x107 if value & 0x80 else 0)
    return value


def _ogg(path: Path | str, data: Bytes) -> list[tuple[int, int]]:
    """Where each of the chained streams begins and ends: pages that begin a stream stand at its head."""
    at, begins, opening = 0, [], False
    while data[at : at + 4] == b"OggS":
        table = at + 27
        segments = data[table - 1] if table <= len(data) else 0
        stop = table + segments + sum(data[table : table + segments])
        if stop > len(data) or table > len(data):
            raise truncated(path, stop - at, len(data) - at, f"bytes of its last page, at {at}")
        was, opening = opening, bool(data[at + 5] & 2)
        if opening and not was:
            begins.append(at)
        at = stop
    if (more := data.find(b"OggS", at)) >= 0:
        raise UserError(
            f"{path}: damaged, {more - at} bytes at {at} are no Ogg; fetch the file again, or remove the utterance"
        )
    return list(zip(begins, [*begins[1:], at]))
