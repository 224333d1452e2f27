"""An archive with one record per utterance, each read on its own: gzip members end to end, and an index.

NAME is a gzip file like any other: ``zcat`` prints what all members hold. ``NAME.index`` is a sealed list
(`pipeline.base.sealed`) with a line for each member,

    utterance offset length checksum

the bytes before it in NAME, its own, and their CRC-32. Arrays are kept otherwise, as Kaldi keeps them: see
`pipeline.base.archive`.

Neither file is trusted when a member is read. It must lie within NAME, match its checksum, and unpack to at most
LARGEST bytes. What the bytes mean is for the caller to check.
"""

from __future__ import annotations

import contextlib
import os
import re
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

from lexicon.errors import UserError, reading
from lexicon.files import atomic_write
from lexicon.text import unfit_for_a_file
from pipeline.base.sealed import read_sealed, write_sealed

LARGEST = 1 << 26  # bytes of a member, packed or not: 48 minutes of the fullest lattices seen (23 kB a second)
LEVEL = 6  # of zlib; 9 would take 0.4 % off lattices
GZIP = 16 + zlib.MAX_WBITS
PLACE = re.compile(r"(\S+) ([0-9]{1,15}) ([0-9]{1,9}) ([0-9a-f]{8})")


def index_of(path: Path) -> Path:
    """Where the index of an archive is: beside it."""
    return path.with_name(f"{path.name}.index")


def packed(data: bytes) -> bytes:
    """The data as a gzip member, without time or file name, so that equal data give equal bytes. ValueError if it is
    too large to be read again."""
    if len(data) > LARGEST:
        raise ValueError(f"{len(data)} bytes are more than the {LARGEST} of a member")
    packer = zlib.compressobj(LEVEL, zlib.DEFLATED, GZIP)
    return packer.compress(data) + packer.flush()


@contextlib.contextmanager
def write_members(path: Path) -> Iterator[Callable[[str, bytes], None]]:
    """Yields a function that appends the ``packed`` member of an utterance; call it once for each. Archive and index
    are in place when the block ends; if it ends with an error, the old ones stay."""
    lines: list[str] = []
    with atomic_write(path, "wb") as stream:

        def append(utterance: str, member: bytes) -> None:
            lines.append(f"{utterance} {stream.tell()} {len(member)} {zlib.crc32(member):08x}")
            stream.write(member)

        yield append
        index_of(path).unlink(missing_ok=True)  # an index never outlives its archive
    write_sealed(index_of(path), lines)


class Members:
    """The members of an archive, each read from disk when it is asked for. ``way_out`` ends every message: how the
    archive is made again."""

    def __init__(self, path: Path, way_out: str):
        self.path, self.way_out = path, way_out
        self._places: dict[str, tuple[int, int, str]] = {}
        index = index_of(path)
        for number, line in enumerate(read_sealed(index, way_out), 1):
            found = PLACE.fullmatch(line)
            if not found or found[1] in self._places or unfit_for_a_file(found[1]):
                raise UserError(f"{index}:{number}: {line!r} is not `utterance offset length checksum`; {way_out}")
            self._places[found[1]] = int(found[2]), int(found[3]), found[4]

    def __contains__(self, utterance: object) -> bool:
        return utterance in self._places

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def read(self, utterance: str) -> bytes:
        """The data of an utterance. UserError, with archive, utterance and way out, if it is missing or damaged."""
        if utterance not in self._places:
            raise UserError(f'{self.path}: nothing of "{utterance}" is in it; {self.way_out}')
        if not self.path.is_file():
            raise UserError(f"{self.path}: no such file; {self.way_out}")
        try:
            with reading(f"{self.path}: {utterance}"):
                return self._unpacked(*self._places[utterance])
        except (ValueError, zlib.error) as error:
            raise UserError(f"{self.path}: {utterance}: {error}; {self.way_out}") from error

    def _unpacked(self, offset: int, length: int, checksum: str) -> bytes:
        with open(self.path, "rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            if offset + length > size:
                raise ValueError(f"cut short: it has {size} bytes, its index knows {offset + length}")
            if length > LARGEST:
                raise ValueError(f"a member of {length} bytes, more than the {LARGEST} it may have")
            stream.seek(offset)
            member = stream.read(length)
        if f"{zlib.crc32(member):08x}" != checksum:
            raise ValueError("damaged, or the index is another's: the checksum is not the one it knows")
        unpacker = zlib.decompressobj(GZIP)
        data = unpacker.decompress(member, LARGEST + 1)
        if len(data) > LARGEST:
            raise ValueError(f"unpacks to more than the {LARGEST} bytes it may have")
        if not unpacker.eof or unpacker.unused_data:
            raise ValueError("not one whole gzip member")
        return data
