"""Kaldi archives: binary ``.ark`` with the index ``.scp``, as Kaldi's own readers expect them.

The encoding is kaldiio's; what is added here is that a killed run leaves no false index (the scp is renamed last) and
that an archive from a stranger cannot run a command (Kaldi's ``cmd |`` entries and kaldiio's pickles are refused).
Beside the index lies ``NAME.crc``, the checksum of each array, so that damage is noticed where an array is read. What
is no array is kept in `pipeline.base.members`.
"""

from __future__ import annotations

import contextlib
import math
import os
import re
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO

import kaldiio
import numpy as np

from lexicon.errors import UserError, reading
from lexicon.files import atomic_write, write_lines
from lexicon.text import numbered_lines, same_ids, unfit_for_a_file
from pipeline.base.sealed import read_sealed, write_sealed

# What make looks at of the stage that writes an index, where it is another file.
LOOKED_AT = {"ali.scp": "phones.txt", "cmvn.scp": "feats.scp"}
HALF = b"\0BHM "  # begins a matrix of float16, its rows and columns as int32 and its values behind; Kaldi has none
PLACE = re.compile(r"[^|]+:[0-9]+")  # file and offset; a bar would be a command


def write_archive(scp: Path | str, arrays: Iterable[tuple[str, np.ndarray]]) -> int:
    """Write ``NAME.ark`` and ``NAME.crc`` beside ``NAME.scp``, the index last: matrices of floats, or int32 vectors.
    Matrices of float16, half the size, are read as float32, but not by Kaldi.

    An old index goes before the old arrays do. Returns how many were written.
    """
    with archive_writer(scp) as add:
        return sum(1 for key, array in arrays if add(key, array) is None)


@contextlib.contextmanager
def archive_writer(scp: Path | str) -> Iterator[Callable[[str, np.ndarray], None]]:
    """``write_archive`` for who writes several archives at once: a function that adds an array."""
    scp = Path(scp)
    ark = scp.with_suffix(".ark")
    index: list[str] = []
    sums: list[str] = []
    with atomic_write(ark, "wb") as stream:

        def add(key: str, array: np.ndarray) -> None:
            array = np.ascontiguousarray(array)
            stream.write(f"{key} ".encode())
            index.append(f"{key} {ark}:{stream.tell()}")
            if array.dtype == np.float16:
                stream.write(HALF + struct.pack("<ii", *array.shape) + array.astype("<f2").tobytes())
                array = array.astype(np.float32)
            else:
                kaldiio.matio.write_array(stream, array)
            sums.append(f"{key} {checksum(array)}")

        yield add
        scp.unlink(missing_ok=True)
    write_sealed(scp.with_suffix(".crc"), sums)
    write_lines(scp, index)


def checksum(array: np.ndarray) -> str:
    """CRC-32 of shape, type and values, 8 hexadecimal digits: finds damage, not malice."""
    return f"{zlib.crc32(array.tobytes(), zlib.crc32(f'{array.shape} {array.dtype.str}'.encode())):08x}"


def read_checksums(path: Path) -> dict[str, str]:
    """NAME.crc, a sealed list of `utterance checksum` lines. UserError if it is damaged."""
    return dict(line.rsplit(" ", 1) for line in read_sealed(path, again(path.with_suffix(".scp"))))


def again(scp: Path) -> str:
    """What makes an archive anew: the removal of what make looks at."""
    return f"remove {scp.with_name(LOOKED_AT.get(scp.name, scp.name))} and run make again"


class Archive(Mapping[str, np.ndarray]):
    """The arrays behind an ``.scp``, read from disk when asked for, so that a corpus never fills the memory.

    An .ark is looked for beside the .scp first, for folders are copied and moved, and then where the .scp says. Where
    there is a .crc (Kaldi writes none), index and arrays must agree with it. ``unfit`` says why a key cannot be one:
    files are named after utterances.
    """

    def __init__(self, scp: Path | str, unfit: Callable[[str], str] = unfit_for_a_file):
        self.path = Path(scp)
        self._entries: dict[str, str] = {}
        if not self.path.is_file():
            raise UserError(f"{self.path}: no such index; {again(self.path)}")
        for number, line in numbered_lines(self.path):
            key, _, where = line.partition(" ")
            if not key or not PLACE.fullmatch(where.strip()):
                raise UserError(
                    f"{self.path}:{number}: {line!r} is not `utterance file.ark:offset`"
                    f" (pipes are not run); {again(self.path)}"
                )
            if key in self._entries:
                raise UserError(f'{self.path}:{number}: utterance "{key}" for the second time; {again(self.path)}')
            if why := unfit(key):
                raise UserError(f'{self.path}:{number}: utterance "{key}": a file of that name {why}; rename it')
            self._entries[key] = where.strip()
        sums = self.path.with_suffix(".crc")
        self._sums = read_checksums(sums) if sums.is_file() else None
        if self._sums is not None:
            same_ids(
                self.path,
                self._entries,
                self._sums,
                f"{again(self.path)} (or, if it is not phonoscope's, remove {sums}, the checksums of another)",
            )

    def __getitem__(self, key: str) -> np.ndarray:
        where = self._entries[key]
        try:
            with reading(f"{self.path}: {key}"):
                array = read_place(where, self.path.parent)
        except MemoryError:
            raise
        except Exception as error:  # kaldiio raises anything from AssertionError to struct.error on damaged bytes
            raise UserError(f"{self.path}: {key}: cannot read {where} ({error}); {again(self.path)}") from error
        if not isinstance(array, np.ndarray) or not np.isfinite(array).all():
            raise UserError(f"{self.path}: {key}: {where} holds no finite matrix; {again(self.path)}")
        if self._sums is not None and checksum(array) != self._sums[key]:
            raise UserError(f"{self.path}: {key}: {where} is damaged, its checksum is another; {again(self.path)}")
        return array

    def __contains__(self, key: object) -> bool:
        return key in self._entries  # without reading the array

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)


def read_place(where: str, folder: Path) -> np.ndarray:
    """The binary matrix or vector at `file:offset`, of a file of that name in ``folder`` where there is one. On damaged
    bytes kaldiio raises anything."""
    path, _, offset = where.rpartition(":")
    beside = folder / os.path.basename(path)
    path = str(beside) if beside.is_file() else path
    if not os.path.isfile(path):
        raise ValueError("no such file")
    with open(path, "rb") as stream:
        stream.seek(int(offset))
        head = stream.read(32)
        if head.startswith(HALF):
            return _half(stream, int(offset) + len(HALF))
        if head[:2] != b"\0B":  # kaldiio would take other things as well, among them pickles
            raise ValueError("no binary Kaldi matrix begins there")
        if _elements(head[2:]) > os.fstat(stream.fileno()).st_size - int(offset):
            raise ValueError("more elements promised than the file has bytes")
        stream.seek(int(offset))
        return kaldiio.matio.read_kaldi(stream)


def _half(stream: IO[bytes], place: int) -> np.ndarray:
    """A matrix of float16 as float32."""
    stream.seek(place)
    rows, columns = struct.unpack("<ii", stream.read(8))
    if min(rows, columns) < 0 or 2 * rows * columns > os.fstat(stream.fileno()).st_size - stream.tell():
        raise ValueError("more elements promised than the file has bytes")
    return np.frombuffer(stream.read(2 * rows * columns), "<f2").reshape(rows, columns).astype(np.float32)


def _elements(head: bytes) -> int:
    """How many elements the header of a matrix or vector promises; memory is taken for them before they are read.

    Kaldi writes dimensions as int32 after a byte 4; in the header of a compressed matrix they follow two floats.
    """
    if head[:1] == b"\4":
        sizes = struct.unpack_from("<i", head, 1)
    elif head[:2] == b"CM":
        sizes = struct.unpack_from("<ii", head, head.index(b" ") + 9)
    else:
        sizes = struct.unpack_from("<i", head, 4)
        sizes += struct.unpack_from("<i", head, 9) if head[1:2] == b"M" else ()
    if min(sizes) < 0:
        raise ValueError("negative dimensions")
    return math.prod(sizes)
