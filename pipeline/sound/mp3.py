"""The frames of MP3 files (ISO 11172-3, 13818-3), counted: libsndfile believes the Xing frame, or guesses."""

from __future__ import annotations

import mmap
import struct
from pathlib import Path
from typing import NamedTuple

from lexicon.errors import UserError

KBPS = {  # by (MPEG 1?, layer)
    (True, 1): (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
KBPS[False, 3] = KBPS[False, 2]
HZ = (44100, 48000, 32000)
SLOWER = {3: 1, 2: 2, 0: 4}  # by the two bits of the version: MPEG 1, 2, 2.5
TAGS = (b"TAG", b"APETAGEX", b"LYRICSBEGIN", b"ID3", b"\0")
FARTHEST = 1 << 24  # bytes of a tag, with its picture, in which the next frame is looked for


class Frame(NamedTuple):
    """A header: the ``length`` of its frame in bytes; ``kind``, what is the same in all frames of a stream."""

    length: int
    kind: int
    tag: int  # where in the frame a Xing tag would stand


def frame_at(data: mmap.mmap | bytes, at: int) -> Frame | None:
    """The frame that begins there; None if there is none, or one of free format."""
    head = int.from_bytes(data[at : at + 4]) if at + 4 <= len(data) else 0
    version, layer, rate, kbps = head >> 19 & 3, 4 - (head >> 17 & 3), head >> 10 & 3, head >> 12 & 15
    if head >> 21 != 0x7FF or version == 1 or layer == 4 or rate == 3 or kbps in (0, 15):
        return None
    first, mono = version == 3, head >> 6 & 3 == 3
    bits, hertz = 1000 * KBPS[first, layer][kbps], HZ[rate] // SLOWER[version]
    padding = head >> 9 & 1
    if layer == 1:
        length = 4 * (12 * bits // hertz + padding)
    else:
        length = (144 if first or layer == 2 else 72) * bits // hertz + padding
    side = (17 if mono else 32) if first else (9 if mono else 17)
    return Frame(length, head & 0xFFFE0C00 | mono, 4 + side)


def parts(path: Path | str, data: mmap.mmap | bytes, start: int, stop: int) -> list[tuple[bytes, int, int]]:
    """(head, start, stop) of each recording in the bytes from ``start`` to ``stop``: several may be joined. The head is
    a Xing frame that counts the frames which follow, and from ``start`` on they stand in the file.

    Empty where there is no MP3. UserError if frames are missing, or bytes between them are neither frames nor a tag.
    """
    found: list[tuple[bytes, int, int]] = []
    at: int | None
    at = after_tag(data, start, stop)
    if not frame_at(data, at):
        return []
    while at is not None and (frame := frame_at(data, at)):
        tag, name = None, bytes(data[at + frame.tag : at + frame.tag + 4])
        if name in (b"Xing", b"Info") or data[at + 36 : at + 40] == b"VBRI":
            tag = at
            at += frame.length
        begin, count, promised = at, 0, _promised(data, tag, frame) if tag is not None else None
        while (more := frame_at(data, at)) and more.kind == frame.kind and count != promised:
            if data[at + more.tag : at + more.tag + 4] in (b"Xing", b"Info"):
                break
            if at + more.length > stop:
                if promised is None:
                    raise _missing(path, f"the last frame, {stop - at} of {more.length} bytes")
                break
            at, count = at + more.length, count + 1
        if promised is not None and count < promised - 1:  # some count the frame of the tag too
            raise _missing(path, f"{count} of {promised} frames")
        if count:
            found.append((_head(data, tag, frame, begin, count), begin, at))
        at = _next(path, data, at, stop)
    return found


def _missing(path: Path | str, what: str) -> UserError:
    return UserError(f"{path}: truncated, {what}; fetch the file again, or remove the utterance")


def _promised(data: mmap.mmap | bytes, at: int, frame: Frame) -> int | None:
    """The number of frames that the tag in the frame tells of."""
    if data[at + 36 : at + 40] == b"VBRI":
        return struct.unpack_from(">I", data, at + 50)[0]
    flags, count = struct.unpack_from(">II", data, at + frame.tag + 4)
    return count if flags & 1 else None


def _head(data: mmap.mmap | bytes, tag: int | None, frame: Frame, begin: int, count: int) -> bytes:
    """The frame of the file's own Xing tag, which may say how much silence the encoder added, or else one that we make;
    for ``count`` frames."""
    own = tag is not None and data[tag + 36 : tag + 40] != b"VBRI" and _promised(data, tag, frame) is not None
    source = tag if tag is not None and own else begin
    head = bytearray(data[source : source + _length(data, source)])
    at = frame.tag + 4
    if not own:
        while len(head) < at + 8:  # too short at this rate: the same header with the next higher one
            head = bytearray(head[:2]) + bytes([head[2] + 16]) + head[3:4]
            head.extend(bytes(_length(bytes(head), 0) - 4))
        head[1] |= 1  # no checksum
        head[4:] = bytes(len(head) - 4)
        head[frame.tag : at + 4] = b"Xing\0\0\0\1"
    struct.pack_into(">I", head, at + 4, count)
    return bytes(head)


def _length(data: mmap.mmap | bytes, at: int) -> int:
    """Of the frame that is known to begin there."""
    frame = frame_at(data, at)
    assert frame is not None
    return frame.length


def after_tag(data: mmap.mmap | bytes, at: int, stop: int) -> int:
    """Behind the ID3v2 tags that begin there."""
    while data[at : at + 3] == b"ID3" and at + 10 <= stop:
        high, *rest = (byte & 127 for byte in data[at + 6 : at + 10])
        length = high
        for byte in rest:
            length = length << 7 | byte
        at += 10 + length + (10 if data[at + 5] & 16 else 0)
    return at


def _next(path: Path | str, data: mmap.mmap | bytes, at: int, stop: int) -> int | None:
    """Where the frames go on; None at the end, behind which there may be a tag."""
    if at >= stop:
        return None
    begin: int | None
    if frame_at(data, begin := after_tag(data, at, stop)):
        return begin
    beyond = min(stop, at + FARTHEST)
    begin = next(
        (
            place
            for place in _syncs(data, at, beyond)
            if (frame := frame_at(data, place))
            and (after := frame_at(data, place + frame.length))
            and after.kind == frame.kind
        ),
        None,
    )
    if not data[at : at + 11].startswith(TAGS):
        rest = f"{(begin or stop) - at} bytes at {at} that are no MP3"
        raise UserError(f"{path}: damaged, {rest}; fetch the file again, or remove the utterance")
    return begin


def _syncs(data: mmap.mmap | bytes, at: int, stop: int):
    while 0 <= (at := data.find(b"\xff", at, stop)):
        yield at
        at += 1
