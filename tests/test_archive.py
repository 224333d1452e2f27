"""Archives read by Kaldi's own reader code (kaldi_native_io), Kaldi's read by us, and untrusted archives."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path

import kaldi_native_io
import numpy as np
import pytest

from lexicon.errors import UserError
from pipeline.base.archive import Archive, write_archive


@pytest.fixture
def matrices() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {f"utt-{n}": rng.normal(size=(n, 39)).astype(np.float32) for n in (1, 2, 300)}


def test_kaldi_reads_our_matrices(tmp_path, matrices):
    assert write_archive(tmp_path / "feats.scp", matrices.items()) == 3
    with kaldi_native_io.SequentialFloatMatrixReader(f"scp:{tmp_path}/feats.scp") as reader:
        read = {key: np.array(value) for key, value in reader}
    assert list(read) == list(matrices)
    assert all(np.array_equal(read[key], matrices[key]) for key in matrices)
    with kaldi_native_io.SequentialFloatMatrixReader(f"ark:{tmp_path}/feats.ark") as reader:
        assert [key for key, _ in reader] == list(matrices)
    with kaldi_native_io.RandomAccessFloatMatrixReader(f"scp:{tmp_path}/feats.scp") as random:
        assert "utt-300" in random and "utt-301" not in random
        assert np.array_equal(np.array(random["utt-300"]), matrices["utt-300"])


def test_kaldi_reads_our_alignments(tmp_path):
    alignments = {"a": np.array([3, 1, 4, 1, 5], np.int32), "b": np.arange(1000, dtype=np.int32)}
    write_archive(tmp_path / "ali.scp", alignments.items())
    with kaldi_native_io.SequentialInt32VectorReader(f"scp:{tmp_path}/ali.scp") as reader:
        assert {key: list(value) for key, value in reader} == {key: x.tolist() for key, x in alignments.items()}
    ours = Archive(tmp_path / "ali.scp")
    assert all(np.array_equal(ours[key], x) and ours[key].dtype == np.int32 for key, x in alignments.items())


def test_we_read_kaldis(tmp_path, matrices):
    for compression in (None, kaldi_native_io.CompressionMethod.kSpeechFeature):
        kind = "CompressedMatrixWriter" if compression else "FloatMatrixWriter"
        with getattr(kaldi_native_io, kind)(f"ark,scp:{tmp_path}/k.ark,{tmp_path}/k.scp") as writer:
            for key, x in matrices.items():
                writer.write(key, x, compression) if compression else writer.write(key, x)
        archive = Archive(tmp_path / "k.scp")
        assert list(archive) == list(matrices) and len(archive) == 3
        for key, x in matrices.items():
            np.testing.assert_allclose(archive[key], x, atol=0.05 if compression else 0)


def test_our_own_round_trip_with_blanks_in_the_path(tmp_path, matrices):
    scp = tmp_path / "a folder [of: mine]" / "feats.scp"
    write_archive(scp, matrices.items())
    archive = Archive(scp)
    assert all(np.array_equal(archive[key], x) for key, x in matrices.items())
    with pytest.raises(KeyError):
        archive["nobody"]


def test_arrays_are_written_in_memory_order(tmp_path):
    columns = np.asfortranarray(np.arange(12, dtype=np.float32).reshape(3, 4))
    write_archive(tmp_path / "x.scp", [("columns", columns), ("slice", columns[::2, 1:])])
    archive = Archive(tmp_path / "x.scp")
    assert np.array_equal(archive["columns"], columns) and np.array_equal(archive["slice"], columns[::2, 1:])


def test_a_killed_write_leaves_the_old_archive(tmp_path, matrices):
    scp = tmp_path / "feats.scp"
    write_archive(scp, matrices.items())

    def dies():
        yield "utt-1", np.zeros((1, 39), np.float32)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_archive(scp, dies())
    assert np.array_equal(Archive(scp)["utt-300"], matrices["utt-300"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["feats.ark", "feats.crc", "feats.scp"]


@pytest.mark.parametrize("keep", [0, 6, 10, 20, 5000])
def test_a_truncated_archive_is_one_line(tmp_path, matrices, keep):
    write_archive(tmp_path / "feats.scp", [("utt-300", matrices["utt-300"])])
    ark = tmp_path / "feats.ark"
    ark.write_bytes(ark.read_bytes()[:keep])
    with pytest.raises(UserError, match=r"feats\.scp: utt-300: ") as caught:
        Archive(tmp_path / "feats.scp")["utt-300"]
    assert "\n" not in str(caught.value) and "remove" in str(caught.value)


def test_missing_archive_and_values_that_are_not_finite(tmp_path):
    write_archive(tmp_path / "x.scp", [("nan", np.full((2, 2), np.nan, np.float32))])
    with pytest.raises(UserError, match="nan: .* no finite matrix"):
        Archive(tmp_path / "x.scp")["nan"]
    (tmp_path / "x.ark").unlink()
    with pytest.raises(UserError, match="x.scp: nan: cannot read"):
        Archive(tmp_path / "x.scp")["nan"]


@pytest.mark.parametrize(
    "where",
    [
        "touch {0} |",
        "touch {0} |:0",
        "touch {0} |[0:1]",
        "|touch {0}",
        "| touch {0}:7",
        "-",
        "feats.ark",
        "feats.ark:x",
        "",
    ],
)
def test_commands_in_an_index_are_refused_and_not_run(tmp_path, where):
    ran = tmp_path / "ran"
    scp = tmp_path / "feats.scp"
    scp.write_text(f"good feats.ark:5\nutt {where.format(ran)}\n")
    with pytest.raises(UserError, match=r"feats\.scp:2: .* \(pipes are not run\)"):
        dict(Archive(scp))
    assert not ran.exists()


class Bomb:
    """Unpickled, it makes a file."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_a_pickle_in_an_archive_is_refused_and_not_run(tmp_path):
    ran = tmp_path / "ran"
    (tmp_path / "feats.ark").write_bytes(b"utt PKL" + pickle.dumps(Bomb(ran)))  # kaldiio would load this
    (tmp_path / "feats.scp").write_text(f"utt {tmp_path}/feats.ark:4\n")
    with pytest.raises(UserError, match="no binary Kaldi matrix"):
        Archive(tmp_path / "feats.scp")["utt"]
    assert not ran.exists()


def test_an_index_of_other_bytes(tmp_path):
    (tmp_path / "feats.scp").write_bytes(b"utt \xff\xfe.ark:3\n")
    with pytest.raises(UserError, match="feats.scp:1: .*UTF-8"):
        Archive(tmp_path / "feats.scp")


# ---- checksums, and folders that move


def test_a_flipped_bit_anywhere_is_named_with_the_utterance(tmp_path, matrices):
    """Of every byte of the archive but the keys, which are read from the index."""
    scp = tmp_path / "ali_dev/ali.scp"
    write_archive(scp, [("a", np.arange(3, dtype=np.int32)), ("b", np.arange(2, dtype=np.int32))])
    ark = scp.with_suffix(".ark")
    whole = ark.read_bytes()
    keys = {0, 1, whole.index(b"b \0B"), whole.index(b"b \0B") + 1}
    for place in set(range(len(whole))) - keys:
        ark.write_bytes(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])
        with pytest.raises(UserError, match=r"ali.scp: [ab]: .*; remove \S*ali_dev/phones.txt and run make again"):
            dict(Archive(scp))


def test_an_index_that_lost_lines_and_damaged_checksums(tmp_path, matrices):
    scp = tmp_path / "feats.scp"
    write_archive(scp, matrices.items())
    whole, sums = scp.read_text(), scp.with_suffix(".crc")
    scp.write_text("".join(whole.splitlines(keepends=True)[:2]))
    with pytest.raises(
        UserError, match=r'feats.scp: 1 of 3 utterances are not there \(first: "utt-300"\); remove \S*feats.scp'
    ):
        Archive(scp)
    scp.write_text(whole)
    good = sums.read_bytes()
    for damaged in (
        b"",
        good[: len(good) // 2],
        good.split(b"\n", 1)[1],
        good.replace(b"utt-1", b"utt-2", 1),
        good[:-3],
    ):
        sums.write_bytes(damaged)
        with pytest.raises(UserError, match=r"feats.crc: damaged or cut short; remove \S*feats.scp and run make again"):
            Archive(scp)
    sums.unlink()  # as Kaldi leaves them
    assert len(dict(Archive(scp))) == 3


def test_a_folder_that_was_copied_reads_its_own_archive(tmp_path, matrices, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_archive(Path("data/a/feats.scp"), matrices.items())
    with kaldi_native_io.SequentialFloatMatrixReader("scp:data/a/feats.scp") as reader:
        assert len(list(reader)) == 3  # from the project's root, as Kaldi's scripts run
    shutil.copytree("data/a", "other/b")
    write_archive(Path("data/a/feats.scp"), [("utt-1", np.zeros((1, 39), np.float32))])
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert all(np.array_equal(Archive("../other/b/feats.scp")[key], x) for key, x in matrices.items())
