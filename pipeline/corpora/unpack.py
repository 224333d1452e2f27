"""Unpacking archives of strangers: nothing outside the folder, no devices, no bombs, and one line for what is wrong."""
from __future__ import annotations

import bz2
import contextlib
import errno
import gzip
import io
import lzma
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO, NoReturn

from lexicon.errors import UserError

# Speech hardly shrinks: 100 times the archive is no corpus. Text does, so a small archive may grow to a harmless size.
LARGEST_RATIO = 100
LARGEST_SMALL = 4 << 30  # bytes
BLOCK = 1 << 16
BYTES_A_FILE = 4096      # that a file takes up at least
DECOMPRESSORS = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ": lzma.open}  # by an archive's first bytes
# What a sound archive never runs into; any other error of the system (a full disk) is not the archive's fault.
BAD_NAMES = (errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENAMETOOLONG, errno.ELOOP, errno.EINVAL)
DAMAGED = (tarfile.TarError, zipfile.BadZipFile, EOFError, zlib.error, lzma.LZMAError, NotImplementedError, ValueError)


def extract(archive: Path, folder: Path) -> None:
    """Extract a tar (plain, gz, bz2, xz) or zip archive into ``folder``.

    Raises UserError for one that is damaged, leads out of the folder, holds devices, needs a password, or would unpack
    to out of all proportion; OSError where the disk is full. Either way part of it may lie in ``folder``.
    """
    try:
        zipped = zipfile.is_zipfile(archive)
        (_extract_zip if zipped else _extract_tar)(archive, folder, _Budget(archive))
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
            raise UserError(f"{self.archive}: unpacks to more than {self.limit / 1e9:.1f} GB, out of all proportion to"
                            f" its {self.archive.stat().st_size / 1e6:.1f} MB; no corpus does: fetch it anew")


class _Counted(io.RawIOBase):
    """A stream that spends what is read from it: headers count as well, however large they claim to be."""

    def __init__(self, stream: IO[bytes], budget: _Budget) -> None:
        self.stream, self.budget = stream, budget

    def read(self, size: int = -1) -> bytes:
        block = self.stream.read(size)
        self.budget.spend(len(block))
        return block


def _extract_tar(archive: Path, folder: Path, budget: _Budget) -> None:
    with _decompressed(archive) as stream, tarfile.open(fileobj=_Counted(stream, budget), mode="r|") as tar:
        declared = _Budget(archive)  # apart from what is read, because a sparse file unpacks to more than it holds
        for member in tar:
            declared.spend(member.size + BYTES_A_FILE)
            _refuse_outside(archive, member.name)
            if member.issym() or member.islnk():
                _refuse_outside(archive, member.linkname, f"{member.name!r} is a link to ")
            elif not (member.isfile() or member.isdir()):
                raise UserError(f"{archive}: {member.name!r} is a device, as no corpus has; get it from its publisher")
            try:
                tar.extract(member, folder, filter="data")  # PEP 706
            except tarfile.FilterError as error:
                _outside(archive, str(error))
        while block := stream.read(BLOCK):  # behind the last member stands the checksum of them all
            budget.spend(len(block))


def _extract_zip(archive: Path, folder: Path, budget: _Budget) -> None:
    with zipfile.ZipFile(archive) as packed:
        for member in packed.infolist():
            budget.spend(member.file_size + BYTES_A_FILE)
        for member in packed.infolist():
            _refuse_outside(archive, member.filename)
            kind = stat.S_IFMT(member.external_attr >> 16)
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise UserError(f"{archive}: {member.filename!r} is a link or device; give a folder unpacked by hand")
            if member.flag_bits & 1:
                raise UserError(f"{archive}: {member.filename!r} needs a password; give a folder unpacked by hand")
            path = folder / member.filename
            if member.is_dir():
                path.mkdir(parents=True, exist_ok=True)
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            with packed.open(member) as source, open(path, "wb") as target:
                shutil.copyfileobj(source, target)  # no more than file_size, and the CRC is checked


@contextlib.contextmanager
def _decompressed(archive: Path) -> Iterator[IO[bytes]]:
    with open(archive, "rb") as stream:
        head = stream.read(6)
    opened = next((opener for magic, opener in DECOMPRESSORS.items() if head.startswith(magic)), open)
    with opened(archive, "rb") as stream:
        yield stream


def _refuse_outside(archive: Path, name: str, prefix: str = "") -> None:
    """A path that is absolute or goes up; even within the folder, because links can make ".." lead elsewhere."""
    if not name or "\0" in name or name.startswith("/") or ".." in PurePosixPath(name).parts:
        _outside(archive, f"{prefix}{name!r}")


def _outside(archive: Path, what: str) -> NoReturn:
    raise UserError(f"{archive}: would write outside its folder ({what}); fetch it again from its publisher")


def _damaged(archive: Path, error: Exception) -> UserError:
    return UserError(f"{archive}: a damaged archive ({first_line(error)}); fetch it again")


def first_line(error: Exception) -> str:
    """What went wrong, in one line."""
    return (str(error).splitlines() or [type(error).__name__])[0].strip(":<> ")
