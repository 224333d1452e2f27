"""Kaldi archives: binary ``.ark`` with the index ``.scp``, as Kaldi's own readers expect them.

The encoding is kaldiio's; what is added here is that a killed run leaves no false index (the scp is renamed last) and
that an archive from a stranger cannot run a command (Kaldi's ``cmd |`` entries and kaldiio's pickles are refused).
"""
from __future__ import annotations

import math
import os
import re
import struct
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import kaldiio
import numpy as np

from lexicon.errors import UserError, reading
from lexicon.files import atomic_write
from lexicon.text import numbered_lines, unfit_for_a_file

PLACE = re.compile(r"[^|]+:[0-9]+")  # file and offset; a bar would be a command


def write_archive(scp: Path | str, arrays: Iterable[tuple[str, np.ndarray]]) -> int:
    """Write ``NAME.ark`` beside ``NAME.scp`` and the index last; float32 matrices or int32 vectors.

    Returns how many were written.
    """
    scp = Path(scp)
    ark = scp.with_suffix(".ark")
    index = []
    with atomic_write(ark, "wb") as stream:
        for key, array in arrays:
            stream.write(f"{key} ".encode())
            index.append(f"{key} {ark}:{stream.tell()}\n")
            kaldiio.matio.write_array(stream, np.ascontiguousarray(array))
    with atomic_write(scp) as stream:
        stream.writelines(index)
    return len(index)


class Archive(Mapping[str, np.ndarray]):
    """The arrays behind an ``.scp``, read from disk when asked for, so that a corpus never fills the memory."""

    def __init__(self, scp: Path | str):
        self.path = Path(scp)
        self._entries: dict[str, str] = {}
        if not self.path.is_file():
            raise UserError(f"{self.path}: no such index; run the stage that makes it (make help lists them)")
        for number, line in numbered_lines(self.path):
            key, _, where = line.partition(" ")
            if not key or not PLACE.fullmatch(where.strip()):
                raise UserError(f"{self.path}:{number}: {line!r} is not `utterance file.ark:offset`"
                                " (pipes are not run); make the archive again")
            if key in self._entries:
                raise UserError(f'{self.path}:{number}: utterance "{key}" for the second time; make the archive again')
            if why := unfit_for_a_file(key):
                raise UserError(f'{self.path}:{number}: utterance "{key}": a file of that name {why}; rename it')
            self._entries[key] = where.strip()

    def __getitem__(self, key: str) -> np.ndarray:
        where = self._entries[key]
        try:
            with reading(f"{self.path}: {key}"):
                array = read_place(where)
        except MemoryError:
            raise
        except Exception as error:  # kaldiio raises anything from AssertionError to struct.error on damaged bytes
            raise UserError(f"{self.path}: {key}: cannot read {where} ({error}); delete {self.path} and run make again"
                            ) from error
        if not isinstance(array, np.ndarray) or not np.isfinite(array).all():
            raise UserError(
                f"{self.path}: {key}: {where} holds no finite matrix; delete {self.path} and run make again")
        return array

    def __contains__(self, key: object) -> bool:
        return key in self._entries  # without reading the array

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)


def read_place(where: str) -> np.ndarray:
    """The binary matrix or vector at `file:offset`. On damaged bytes kaldiio raises anything."""
    path, _, offset = where.rpartition(":")
    if not os.path.isfile(path):
        raise ValueError("no such file")
    with open(path, "rb") as stream:
        stream.seek(int(offset))
        head = stream.read(32)
        if head[:2] != b"\0B":  # kaldiio would take other things as well, among them pickles
            raise ValueError("no binary Kaldi matrix begins there")
        if _elements(head[2:]) > os.fstat(stream.fileno()).st_size - int(offset):
            raise ValueError("more elements promised than the file has bytes")
        stream.seek(int(offset))
        return kaldiio.matio.read_kaldi(stream)


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
