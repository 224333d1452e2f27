"""Unpacking untrusted archives: nothing outside the folder, no devices, no bombs, and one line for what is wrong."""

from __future__ import annotations

import bz2
import contextlib
import errno
import gzip
import io
import lzma
import math
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO, NoReturn, Protocol

from lexicon.errors import UserError, first_line
from pipeline.corpora.tree import of_a_mac

# Speech hardly compresses, so no corpus is 100 times its archive. Text does, so any archive may grow to LARGEST_SMALL.
LARGEST_RATIO = 100
LARGEST_SMALL = 4 << 30  # bytes
BLOCK = 1 << 16
BYTES_A_FILE = 4096  # that a file takes up at least
# Bytes of the names, attributes and maps of holes before a member of a tar, which tarfile reads into memory as a whole;
# a path has at most 4 kB. (The time of Pythons before 3.11.10 grows with their square: 2 s for 32 kB.)
LARGEST_HEADER = 1 << 15
MOST_GLOBALS = 100  # attributes for all members, which stay in memory; git writes one
# Bytes of an xz stream's window, which by its header may have 4 GB; `xz -9` needs 65 MB.
LARGEST_WINDOW = 1 << 28
ZIP_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # zipfile unpacks others 4 kB at a time: into gigabytes
# Errors that an intact archive never causes; any other (a full disk) is not the archive's fault.
BAD_NAMES = (errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENAMETOOLONG, errno.ELOOP, errno.EINVAL)
DAMAGED = (
    tarfile.TarError,
    zipfile.BadZipFile,
    EOFError,
    zlib.error,
    lzma.LZMAError,
    NotImplementedError,
    ValueError,
    RecursionError,
    KeyError,
)


def extract(archive: Path, folder: Path) -> None:
    """Extract a tar (plain, gz, bz2, xz) or zip archive into ``folder``.

    Raises UserError for one that is damaged, leads out of the folder, holds devices, needs a password, or would unpack
    to out of all proportion; OSError where the disk is full. Either way part of it may lie in ``folder``.
    """
    with _in_one_line(archive):
        if zipfile.is_zipfile(archive):
            return _extract_zip(archive, folder, _Budget(archive))
        with _decompressed(archive) as stream:
            _extract_tar(archive, stream, folder)


def extract_stream(archive: Path, stream: IO[bytes], folder: Path) -> None:
    """`extract` for a tar that another program unpacks from ``archive`` and pipes here."""
    with _in_one_line(archive):
        _extract_tar(archive, stream, folder)


def gunzip(packed: Path, path: Path) -> None:
    """Unpack a single file; UserError as `extract` raises it."""
    budget = _Budget(packed)
    with _in_one_line(packed), gzip.open(packed) as stream, open(path, "wb") as target:
        shutil.copyfileobj(_Counted(stream, budget), target)


@contextlib.contextmanager
def _in_one_line(archive: Path) -> Iterator[None]:
    """Turns what goes wrong with an archive into one line that names it."""
    try:
        yield
    except DAMAGED as error:
        raise _damaged(archive, error) from None
    except OSError as error:
        if error.errno is not None and error.errno not in BAD_NAMES:
            raise
        raise _damaged(archive, error) from None


class _Budget:
    """How many bytes an archive may still unpack to."""

    def __init__(self, archive: Path) -> None:
        self.archive = archive
        self.limit = self.left = max(LARGEST_RATIO * archive.stat().st_size, LARGEST_SMALL)

    def spend(self, num_bytes: int) -> None:
        self.left -= num_bytes
        if self.left < 0:
            raise UserError(
                f"{self.archive}: unpacks to more than {self.limit / 1e9:.1f} GB, out of all proportion to"
                f" its {self.archive.stat().st_size / 1e6:.1f} MB; no corpus does: fetch it anew"
            )


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class _Counted(io.RawIOBase):
    """A stream that spends what is read from it: headers count as well, however large they claim to be. Where there is
    ``room`` (bytes), no more may be read until it is set anew."""

    def __init__(self, stream: _Readable, budget: _Budget) -> None:
        self.stream, self.budget, self.room = stream, budget, math.inf

    def read(self, size: int = -1) -> bytes:
        block = self.stream.read(size)
        self.budget.spend(len(block))
        self.room -= len(block)
        if self.room < 0:
            raise UserError(
                f"{self.budget.archive}: a name or attribute of more than {LARGEST_HEADER >> 10} kB, as no"
                " corpus has; fetch it again from its publisher"
            )
        return block


def _members(tar: tarfile.TarFile, counted: _Counted) -> Iterator[tarfile.TarInfo]:
    """The members one by one, none kept in memory, their headers bounded."""
    while True:
        counted.room = LARGEST_HEADER
        if (member := tar.next()) is None:
            return
        counted.room = math.inf
        if len(tar.pax_headers) > MOST_GLOBALS:
            raise UserError(
                f"{counted.budget.archive}: more than {MOST_GLOBALS} attributes for all members, as no"
                " corpus has; fetch it again from its publisher"
            )
        yield member
        tar.members.clear()  # type: ignore[attr-defined]  # typeshed lacks it


def _extract_tar(archive: Path, stream: _Readable, folder: Path) -> None:
    budget, declared = _Budget(archive), _Budget(archive)  # two, for a sparse file unpacks to more than it holds
    counted = _Counted(stream, budget)
    counted.room = LARGEST_HEADER  # tarfile reads the first header when it opens
    with tarfile.open(fileobj=counted, mode="r|") as tar:
        for member in _members(tar, counted):
            declared.spend(member.size + BYTES_A_FILE)
            _refuse_outside(archive, member.name)
            if of_a_mac(member.name):
                continue
            if member.issym() or member.islnk():
                _refuse_outside(archive, member.linkname, f"{member.name!r} is a link to ")
            elif not (member.isfile() or member.isdir()):
                raise UserError(f"{archive}: {member.name!r} is a device, as no corpus has; get it from its publisher")
            try:
                tar.extract(member, folder, filter="data")  # PEP 706
            except tarfile.FilterError as error:
                _outside(archive, str(error))
        while block := stream.read(BLOCK):  # after the last member comes the checksum of all
            budget.spend(len(block))


def _extract_zip(archive: Path, folder: Path, budget: _Budget) -> None:
    with zipfile.ZipFile(archive) as packed:
        for member in packed.infolist():
            budget.spend(member.file_size + BYTES_A_FILE)
        for member in packed.infolist():
            _refuse_outside(archive, member.filename)
            if of_a_mac(member.filename):
                continue
            kind = stat.S_IFMT(member.external_attr >> 16)
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise UserError(f"{archive}: {member.filename!r} is a link or device; give a folder unpacked by hand")
            if member.flag_bits & 1:
                raise UserError(f"{archive}: {member.filename!r} needs a password; give a folder unpacked by hand")
            if member.compress_type not in ZIP_METHODS:
                raise UserError(
                    f"{archive}: {member.filename!r} is packed by a rare method of zip"
                    f" ({member.compress_type}); give a folder unpacked by hand"
                )
            path = folder / member.filename
            if member.is_dir():
                path.mkdir(parents=True, exist_ok=True)
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            with packed.open(member) as source, open(path, "wb") as target:
                shutil.copyfileobj(source, target)  # no more than file_size, and the CRC is checked


@contextlib.contextmanager
def _decompressed(archive: Path) -> Iterator[_Readable]:
    with open(archive, "rb") as stream:
        head = stream.read(6)
        stream.seek(0)
        if head.startswith(b"\x1f\x8b"):
            yield gzip.open(stream)
        elif head.startswith(b"BZh"):
            yield bz2.open(stream)
        else:
            yield _Xz(stream) if head.startswith(b"\xfd7zXZ") else stream


class _Xz(io.RawIOBase):
    """`lzma.open` with a bound on memory."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.stream, self.decoder = stream, _xz_decoder()

    def read(self, size: int = BLOCK) -> bytes:
        while True:
            packed = self.stream.read(BLOCK) if self.decoder.needs_input else b""
            if self.decoder.eof:  # several streams in a row are one file, with zeros between
                packed = self.decoder.unused_data.lstrip(b"\0") or self.stream.read(BLOCK)
                if not packed:
                    return b""
                self.decoder = _xz_decoder()
            elif self.decoder.needs_input and not packed:
                raise EOFError("cut off")
            try:
                block = self.decoder.decompress(packed, size)
            except lzma.LZMAError as error:
                if "limit" in str(error):
                    raise UserError(
                        f"{self.stream.name}: takes more than {LARGEST_WINDOW / 1e6:.0f} MB of memory to"
                        " unpack; give a folder unpacked by hand"
                    ) from None
                raise
            if block:
                return block


def _xz_decoder() -> lzma.LZMADecompressor:
    return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=LARGEST_WINDOW)


def _refuse_outside(archive: Path, name: str, prefix: str = "") -> None:
    """A path that is absolute or goes up; even within the folder, because links can make ".." lead elsewhere."""
    if not name or "\0" in name or name.startswith("/") or ".." in PurePosixPath(name).parts:
        _outside(archive, f"{prefix}{name!r}")


def _outside(archive: Path, what: str) -> NoReturn:
    raise UserError(f"{archive}: would write outside its folder ({what}); fetch it again from its publisher")


def _damaged(archive: Path, error: Exception) -> UserError:
    return UserError(f"{archive}: a damaged archive ({first_line(error)}); fetch it again")
