"""Archives of gzip members: there and back one at a time, damaged, mixed up, and untrusted; lattices in them."""

from __future__ import annotations

import gzip
import json
import zlib
from pathlib import Path

import pytest
from helpers.trees import chain_lattice

from lexicon.errors import UserError
from pipeline.base import members
from pipeline.base.members import Members, packed, write_members
from pipeline.base.sealed import read_sealed, write_sealed
from pipeline.lattice import LatticeArchive, kept_lattice, kept_lattices, packed_lattice, write_lattices
from pipeline.lattice.formats import json_line

HELD = {"u1": b"one\n", 'u4<i>&"x': b"", "ünï": bytes(range(256)) * 99}


def written(path: Path, held: dict[str, bytes] = HELD) -> Members:
    with write_members(path) as append:
        for utterance, data in held.items():
            append(utterance, packed(data))
    return Members(path, "make it again")


def test_there_and_back_in_any_order(tmp_path):
    archive = written(tmp_path / "new" / "a.gz")
    assert list(archive) == list(HELD) and len(archive) == 3 and "u1" in archive and "u2" not in archive
    for utterance in reversed(HELD):
        assert archive.read(utterance) == HELD[utterance]
    assert gzip.decompress(archive.path.read_bytes()) == b"".join(HELD.values())  # as zcat does
    assert sorted(path.name for path in archive.path.parent.iterdir()) == ["a.gz", "a.gz.index"]
    before = archive.path.read_bytes()
    written(archive.path)
    assert archive.path.read_bytes() == before  # it says neither when nor where


def test_one_member_is_read_and_no_other(tmp_path):
    archive = written(tmp_path / "a.gz")
    _, offset, length, _ = read_sealed(tmp_path / "a.gz.index", "")[2].split()
    whole = archive.path.read_bytes()
    archive.path.write_bytes(bytes(int(offset)) + whole[int(offset) : int(offset) + int(length)])
    assert archive.read("ünï") == HELD["ünï"]
    with pytest.raises(UserError, match="a.gz: u1: damaged"):
        archive.read("u1")


def test_an_empty_archive(tmp_path):
    assert len(written(tmp_path / "a.gz", {})) == 0 and (tmp_path / "a.gz").read_bytes() == b""


def test_a_stopped_write_leaves_the_old_archive(tmp_path):
    archive = written(tmp_path / "a.gz")
    with pytest.raises(KeyboardInterrupt), write_members(tmp_path / "a.gz") as append:
        append("u1", packed(b"another"))
        raise KeyboardInterrupt
    assert archive.read("u1") == b"one\n" and list(Members(tmp_path / "a.gz", "")) == list(HELD)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.gz", "a.gz.index"]


def test_a_truncated_archive_is_one_line(tmp_path):
    archive = written(tmp_path / "a.gz")
    whole = archive.path.read_bytes()
    for keep in range(0, len(whole), 7):
        archive.path.write_bytes(whole[:keep])
        with pytest.raises(UserError, match=r"a.gz: ünï: cut short: it has \d+ bytes, .*; make it again") as caught:
            archive.read("ünï")
        assert "\n" not in str(caught.value)
    archive.path.unlink()
    with pytest.raises(UserError, match="a.gz: no such file; make it again"):
        archive.read("u1")


def test_a_flipped_bit_anywhere_is_noticed(tmp_path):
    held = {"u1": b"one\n", "u2": b"two\n"}
    archive = written(tmp_path / "a.gz", held)
    index = tmp_path / "a.gz.index"
    whole, lines = archive.path.read_bytes(), index.read_bytes()
    for place in range(len(whole)):
        archive.path.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << place % 8]) + whole[place + 1 :])
        with pytest.raises(UserError, match=r"a.gz: u[12]: damaged, .*; make it again"):
            [archive.read(utterance) for utterance in archive]
    for place in range(len(lines)):
        index.write_bytes(lines[:place] + bytes([lines[place] ^ 1 << place % 8]) + lines[place + 1 :])
        with pytest.raises(UserError, match=r"a.gz.index: damaged or cut short; make it again"):
            Members(archive.path, "make it again")
    for keep in range(len(lines) - 1):
        index.write_bytes(lines[:keep])
        with pytest.raises(UserError, match=r"a.gz.index: damaged or cut short; make it again"):
            Members(archive.path, "make it again")
    index.unlink()
    with pytest.raises(UserError, match=r"a.gz.index: no such index; make it again"):
        Members(archive.path, "make it again")


def test_the_index_of_another_archive(tmp_path):
    written(tmp_path / "a.gz")
    written(tmp_path / "b.gz", {utterance: data + b"!" for utterance, data in HELD.items()})
    (tmp_path / "b.gz.index").rename(tmp_path / "a.gz.index")
    archive = Members(tmp_path / "a.gz", "make it again")
    for utterance in archive:
        with pytest.raises(UserError, match=f"a.gz: {utterance}: (damaged, or the index is another's|cut short)"):
            archive.read(utterance)


def test_an_utterance_that_is_not_there(tmp_path):
    with pytest.raises(UserError, match='a.gz: nothing of "u2" is in it; make it again'):
        written(tmp_path / "a.gz").read("u2")


@pytest.mark.parametrize(
    "line",
    [
        "",
        "u1",
        "u1 0 9",
        "u1 0 9 00000000 x",
        "u1 -1 9 00000000",
        "u1 0 1e3 00000000",
        "u1 ٣ 9 00000000",
        f"u1 {'9' * 5000} 9 00000000",
        "../u1 0 9 00000000",
        "u1 0 9 0000000G",
        "u0 0 9 00000000",
    ],
)
def test_lines_of_an_untrusted_index(tmp_path, line):
    write_sealed(tmp_path / "a.gz.index", ["u0 0 9 00000000", line])
    with pytest.raises(UserError, match="a.gz.index:2: .* is not `utterance offset length checksum`; again"):
        Members(tmp_path / "a.gz", "again")


def of_a_stranger(path: Path, data: bytes, offset: int = 0, length: int | None = None) -> Members:
    """An archive of these bytes, and an index that knows them."""
    path.write_bytes(data)
    write_sealed(
        path.with_name(f"{path.name}.index"),
        [f"u1 {offset} {len(data) if length is None else length} {zlib.crc32(data):08x}"],
    )
    return Members(path, "again")


@pytest.mark.parametrize(
    "data,says",
    [
        (b"", "not one whole gzip member"),
        (b"{}", "incorrect header"),
        (gzip.compress(b"{}")[:-4], "not one whole gzip member"),
        (gzip.compress(b"{}") * 2, "not one whole gzip member"),
        (gzip.compress(b"{}")[:-4] + bytes(4), "incorrect length check"),
        (zlib.compress(b"{}"), "incorrect header"),
        (gzip.compress(bytes(1001)), "unpacks to more than the 1000 bytes it may have"),
        (gzip.compress(bytes(10_000_000)), "more than the 1000"),
    ],
    ids=range(8),  # not the bytes, which say when
)
def test_bytes_of_a_stranger(tmp_path, monkeypatch, data, says):
    monkeypatch.setattr(members, "LARGEST", 1000 if len(data) < 1000 else 10**6)
    if len(data) > 1000:
        says = says.replace("1000", "1000000")
    with pytest.raises(UserError, match=f"a.gz: u1: .*{says}.*; again"):
        of_a_stranger(tmp_path / "a.gz", data).read("u1")


def test_sizes_that_are_lies(tmp_path, monkeypatch):
    with pytest.raises(UserError, match="a.gz: u1: cut short: it has 22 bytes, its index knows 1000000020"):
        of_a_stranger(tmp_path / "a.gz", gzip.compress(b"{}"), 21, 999_999_999).read("u1")
    with open(tmp_path / "a.gz", "r+b") as stream:
        stream.truncate(1 << 40)  # with holes: no disk is filled
    with pytest.raises(UserError, match="a.gz: u1: a member of 999999999 bytes, more than the 67108864 it may have"):
        Members(tmp_path / "a.gz", "again").read("u1")
    monkeypatch.setattr(members, "LARGEST", 1000)
    assert of_a_stranger(tmp_path / "a.gz", packed(bytes(1000))).read("u1") == bytes(1000)  # as large as it may be
    with pytest.raises(ValueError, match="1001 bytes are more than the 1000"):
        packed(bytes(1001))


# ---- lattices


def decoded(tmp_path: Path, *utterances: str) -> Path:
    """A decode of u1, u2 and u3, of which nothing was found in u2, with lattices of these."""
    decode = tmp_path / "exp/gmm/decode_test"
    decode.mkdir(parents=True, exist_ok=True)
    (decode / "free.txt").write_text("u1 AH\nu2\nu3 B\n")
    with write_lattices(decode / "lattices/free") as append:
        for utterance in utterances:
            append(utterance, packed_lattice(chain_lattice(utterance, "gmm", ["AH", "B"])))
    return decode


def test_lattices_there_and_back(tmp_path):
    decode = decoded(tmp_path, "u3", "u1")
    archive = kept_lattices(decode, "free")
    assert list(archive) == ["u3", "u1"]
    for utterance in ("u1", "u3"):
        wanted = json_line(chain_lattice(utterance, "gmm", ["AH", "B"]))
        assert json_line(archive.read(utterance)) == json_line(kept_lattice(decode, "free", utterance)) == wanted
    lines = gzip.decompress((decode / "lattices/free/lattices.jsonl.gz").read_bytes()).decode().splitlines()
    assert [json.loads(line)["utterance"] for line in lines] == ["u3", "u1"]
    assert kept_lattice(decode, "free", "u2") is None and kept_lattice(decode, "words", "u1") is None


def test_a_lattice_is_missing_only_where_nothing_was_found(tmp_path):
    decode = decoded(tmp_path)
    for graph in ("free", "words"):  # an empty archive, and none
        with pytest.raises(UserError, match=f"lattices/{graph}: no lattices; GRAPH is free, words or"):
            kept_lattices(decode, graph)
    with pytest.raises(
        UserError, match=r'lattices.jsonl.gz: 1 of 2 utterances are not there \(first: "u3"\); remove \S*hyp.txt'
    ):
        kept_lattices(decoded(tmp_path, "u1"), "free")
    with pytest.raises(
        UserError, match=r"lattices.jsonl.gz: 1 utterances are none of this set's 2 \(first: \"u9\"\); remove"
    ):
        kept_lattices(decoded(tmp_path, "u1", "u3", "u9"), "free")
    folder = decode / "lattices/free"
    with pytest.raises(UserError, match=r'nothing of "u2" is in it; decode again: remove \S*decode_test/hyp.txt and'):
        LatticeArchive(folder).read("u2")


def test_folders_of_before_there_were_archives(tmp_path):
    folder = tmp_path / "gmm/decode_test/lattices/free"
    folder.mkdir(parents=True)
    (folder / "u1.json").write_text(json_line(chain_lattice("u1", "gmm", ["AH"])))
    with pytest.raises(
        UserError, match=r"lattices.jsonl.gz.index: no such index; decode again: remove \S*decode_test/hyp.txt and run"
    ):
        kept_lattice(tmp_path / "gmm/decode_test", "free", "u1")


def test_members_that_are_no_lattice(tmp_path):
    lattice = json_line(chain_lattice("u2", "gmm", ["AH"])).encode()
    for content, says in (
        (b"", "not JSON"),
        (b"\xff", "not JSON"),
        (b"[" * 100_000, "nested too deeply"),
        (b"{}", "not a phone lattice"),
        (b'{"version":2,"version":2}', "not JSON"),
        (lattice, 'a lattice of "u2" in its place'),
    ):
        with write_lattices(tmp_path) as append:
            append("u1", packed(content))
        with pytest.raises(UserError, match=rf"lattices.jsonl.gz: u1: .*{says}.*; decode again") as caught:
            LatticeArchive(tmp_path).read("u1")
        assert "\n" not in str(caught.value)


def test_a_lattice_too_large_to_be_read_is_not_written(monkeypatch):
    monkeypatch.setattr(members, "LARGEST", 100)
    with pytest.raises(UserError, match='the lattice of "u1": .* use a smaller --lattice-beam'):
        packed_lattice(chain_lattice("u1", "gmm", ["AH", "B"]))
