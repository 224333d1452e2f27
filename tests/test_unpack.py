"""Untrusted archives: what leads outside, devices, bombs, damage and a full disk; each one line and nothing left."""

from __future__ import annotations

import errno
import io
import os
import resource
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from lexicon.errors import UserError
from pipeline.corpora import fetch, unpack


def tar_of(path: Path, *members: tuple[tarfile.TarInfo, bytes], mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as tar:
        for member, content in members:
            member.size = member.size or len(content)
            tar.addfile(member, io.BytesIO(content))
    return path


def entry(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tuple[tarfile.TarInfo, bytes]:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, link
    return member, b"speech" if kind == tarfile.REGTYPE else b""


def zip_of(path: Path, name: str, mode: int = 0, content: bytes = b"speech") -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        member = zipfile.ZipInfo(name)
        member.external_attr, member.compress_type = mode << 16, zipfile.ZIP_DEFLATED
        packed.writestr(member, content)
    return path


def refused(archive: Path, folder: Path, message: str) -> None:
    """Unpacked through ``fetch``, as corpora do: one line, and neither the corpus nor anything beside it."""
    before = sorted(folder.rglob("*"))
    with pytest.raises(UserError, match=message) as error:
        fetch.unpack(archive, "corpus", "from nowhere", folder / "cache")
    assert "\n" not in str(error.value) and str(archive) in str(error.value)
    assert sorted(folder.rglob("*")) in (before, sorted([*before, folder / "cache"]))


@pytest.mark.parametrize("mode,suffix", [("w", ".tar"), ("w:gz", ".tgz"), ("w:bz2", ".tar.bz2"), ("w:xz", ".tar.xz")])
def test_sound_tars_are_unpacked(tmp_path, mode, suffix):
    archive = tar_of(tmp_path / f"a{suffix}", entry("top", tarfile.DIRTYPE), entry("top/ä/sa1.wav"), mode=mode)
    root = fetch.unpack(archive, "corpus", "from a test", tmp_path / "cache")
    assert (root / "top/ä/sa1.wav").read_bytes() == b"speech" and fetch.origin(root) == "from a test"


def test_sound_zips_are_unpacked_by_what_they_are_not_by_their_name(tmp_path):
    root = fetch.unpack(zip_of(tmp_path / "a.tar.gz", "top/ä/sa1.wav"), "corpus", "from a test", tmp_path / "cache")
    assert (root / "top/ä/sa1.wav").read_bytes() == b"speech"


def test_links_within_the_tree_are_kept(tmp_path):
    archive = tar_of(
        tmp_path / "a.tar",
        entry("top/sa1.wav"),
        entry("top/sa2.wav", tarfile.SYMTYPE, "sa1.wav"),
        entry("top/sa3.wav", tarfile.LNKTYPE, "top/sa1.wav"),
        mode="w",
    )
    root = fetch.unpack(archive, "corpus", "from a test", tmp_path / "cache")
    assert [(root / f"top/sa{i}.wav").read_bytes() for i in (1, 2, 3)] == [b"speech"] * 3


@pytest.mark.parametrize(
    "members",
    [
        [entry("../escaped.wav")],
        [entry("top/../../escaped.wav")],
        [entry("/tmp/escaped.wav")],
        [entry("out", tarfile.SYMTYPE, "/etc"), entry("out/escaped.wav")],
        [entry("out", tarfile.SYMTYPE, "../.."), entry("out/escaped.wav")],
        [entry("deep/out", tarfile.SYMTYPE, "a/../../.."), entry("deep/out/escaped.wav")],
        [entry("passwd", tarfile.LNKTYPE, "/etc/passwd")],
        [entry("passwd", tarfile.LNKTYPE, "../../../etc/passwd")],
        [entry("two\nlines/../../x")],
    ],
)
def test_a_tar_that_leads_outside_is_refused(tmp_path, members):
    refused(tar_of(tmp_path / "a.tar.gz", *members), tmp_path, r"would write outside its folder \(.*\); fetch it again")


@pytest.mark.parametrize("kind", [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_devices_are_refused(tmp_path, kind):
    refused(tar_of(tmp_path / "a.tar.gz", entry("null", kind)), tmp_path, "'null' is a device")


@pytest.mark.parametrize(
    "name,mode,message",
    [
        ("../escaped.wav", 0, "would write outside"),
        ("/tmp/escaped.wav", 0, "would write outside"),
        ("top/../../escaped.wav", 0, "would write outside"),
        ("out", stat.S_IFLNK | 0o777, "'out' is a link or device"),
        ("null", stat.S_IFCHR | 0o666, "'null' is a link or device"),
    ],
)
def test_a_zip_that_leads_outside_is_refused(tmp_path, name, mode, message):
    refused(zip_of(tmp_path / "a.zip", name, mode), tmp_path, message)


def test_a_zip_with_a_password_says_what_to_do(tmp_path):
    archive = zip_of(tmp_path / "a.zip", "sa1.wav")
    data = bytearray(archive.read_bytes())
    for offset, signature in ((6, b"PK\3\4"), (8, b"PK\1\2")):  # where the two headers keep their flags
        data[data.index(signature) + offset] |= 1
    archive.write_bytes(data)
    refused(archive, tmp_path, "'sa1.wav' needs a password; give a folder unpacked by hand")


# Bombs


def test_a_tar_that_declares_a_terabyte_is_stopped_before_it_is_written(tmp_path):
    member = tarfile.TarInfo("huge.wav")
    member.size = 1 << 40
    (tmp_path / "a.tar").write_bytes(member.tobuf(tarfile.GNU_FORMAT) + bytes(10240))
    refused(tmp_path / "a.tar", tmp_path, r"unpacks to more than 4.3 GB, out of all proportion to its 0.0 MB")


def test_a_sparse_file_of_a_terabyte_is_stopped(tmp_path):
    """GNU's old format: one byte is in the archive, the rest is holes that would be filled with zeros."""
    member = tarfile.TarInfo("holes.wav")
    member.size, member.type = 1, tarfile.GNUTYPE_SPARSE
    header = bytearray(member.tobuf(tarfile.GNU_FORMAT))
    header[386:410] = b"%011o\0%011o\0" % (0, 1)  # a piece: where, and how long
    header[483:495] = b"\x80" + (1 << 40).to_bytes(11, "big")  # the size of the file
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    (tmp_path / "a.tar").write_bytes(header + b"x".ljust(512, b"\0") + bytes(1024))
    refused(tmp_path / "a.tar", tmp_path, "unpacks to more than 4.3 GB")


def test_a_zip_that_declares_a_terabyte_is_stopped(tmp_path):
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for number in range(300):  # of 4 GB each, by what the directory says
            packed.writestr(f"{number}.wav", b"x")
        for member in packed.infolist():
            member.file_size = 0xFFFFFFF0 >> 1
    refused(archive, tmp_path, "unpacks to more than 4.3 GB")


def test_bombs_are_stopped_while_they_are_unpacked(tmp_path, monkeypatch):
    """Zeros, 1000 to 1, and names without end. With a limit of 1 MB, for the test to be fast."""
    monkeypatch.setattr(unpack, "LARGEST_SMALL", 1 << 20)
    zeros = bytes(3 << 20)
    archive = tar_of(tmp_path / "a.tar.gz", (tarfile.TarInfo("zeros.wav"), zeros))
    refused(archive, tmp_path, "unpacks to more than 0.0 GB")
    refused(zip_of(tmp_path / "a.zip", "zeros.wav", content=zeros), tmp_path, "unpacks to more than 0.0 GB")
    many = tar_of(tmp_path / "many.tar.gz", *(entry(f"{i}", tarfile.DIRTYPE) for i in range(2000)))
    refused(many, tmp_path, "unpacks to more than 0.0 GB")


def test_speech_that_is_compressed_well_is_no_bomb(tmp_path):
    member = tarfile.TarInfo("silence.wav")
    root = fetch.unpack(tar_of(tmp_path / "a.tar.gz", (member, bytes(3 << 20))), "corpus", "x", tmp_path / "cache")
    assert (root / "silence.wav").stat().st_size == 3 << 20


# Damage, and the disk


def cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def flipped(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes(b ^ 255 for b in data[middle : middle + 40]) + data[middle + 40 :]


@pytest.mark.parametrize(
    "damage",
    [cut, flipped, lambda data: b"", lambda data: b"<html>gone</html>", lambda data: data[:6] + b"garbage" * 9],
)
@pytest.mark.parametrize("kind", ["tar", "tar.gz", "tar.bz2", "tar.xz", "zip"])
def test_damaged_archives_are_named(tmp_path, kind, damage):
    content = os.urandom(50_000)
    archive = tmp_path / f"a.{kind}"
    if kind == "zip":
        zip_of(archive, "sa1.wav", content=content)
    else:
        tar_of(archive, (tarfile.TarInfo("sa1.wav"), content), mode=f"w:{kind[4:]}")
    if (kind, damage) == ("tar", flipped):
        return  # a tar has no checksum of what it holds: nobody could tell
    archive.write_bytes(damage(archive.read_bytes()))
    refused(archive, tmp_path, "a damaged archive .*; fetch it again")


@pytest.mark.parametrize("members", [[entry("a"), entry("a/b")], [entry("x" * 300)]])
def test_names_that_cannot_be_are_damage(tmp_path, members: list):
    refused(tar_of(tmp_path / "a.tar.gz", *members), tmp_path, "a damaged archive")


@pytest.mark.parametrize(
    "pack",
    [
        lambda path, data: tar_of(path, (tarfile.TarInfo("sa1.wav"), data)),
        lambda path, data: zip_of(path, "sa1.wav", content=data),
    ],
)
def test_a_disk_that_is_full_in_the_middle_leaves_nothing(tmp_path, pack: Callable[[Path, bytes], Path]):
    """The kernel lets no file grow beyond 1 MB: the system's error, which stages report, not a damaged archive."""
    archive = pack(tmp_path / "a", bytes(3 << 20))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, hard))
    try:
        with pytest.raises(OSError) as error:
            fetch.unpack(archive, "corpus", "from nowhere", tmp_path / "cache")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert error.value.errno == errno.EFBIG
    assert not list((tmp_path / "cache").iterdir())
