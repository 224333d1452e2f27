"""Small files that would take much memory or time: each is one line, or goes in pieces, and the memory is measured."""

from __future__ import annotations

import gzip
import io
import lzma
import subprocess
import sys
import tarfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from bad_inputs.spoil import promised
from helpers.features import CEPSTRA
from praatio import textgrid

from lexicon.errors import UserError
from pipeline.corpora.lhotse_export import _refuse_bomb
from pipeline.corpora.prepared import measure, unmeasured
from pipeline.corpora.unpack import extract, gunzip
from pipeline.datadir.check import Check
from pipeline.sound.audio import Cut, read_audio
from pipeline.sound.mfcc import FRAMES_AT_A_TIME, mfcc
from pipeline.sound.recording import read_recording
from pipeline.times.textgrid import read_textgrid

PROJECT = Path(__file__).resolve().parents[1]
ROOM_MB = 60  # beyond what Python and the imports take
LARGE = 256 << 20
# In a process of its own, what is done with argv[1] may take so much more memory than was taken before.
MEASURED = """
import resource, sys
{imports}
def limit():
    size = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + {room} * 1024 * 1024,) * 2)
from lexicon.errors import UserError
from pathlib import Path
path = Path(sys.argv[1])
limit()
try:
    {act}
except UserError as error:
    print(error)
"""


def in_little_memory(path: Path, imports: str, act: str, room: int = ROOM_MB) -> str:
    """What is said where ``act`` reads ``path`` with little memory."""
    code = MEASURED if sys.platform == "linux" else MEASURED.replace("\nlimit()\n", "\n")  # elsewhere the text alone
    done = subprocess.run(
        [sys.executable, "-c", code.format(imports=imports, act=act, room=room), path],
        cwd=PROJECT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def unpacked(path: Path) -> str:
    said = in_little_memory(path, "from pipeline.corpora.unpack import extract", f"extract(path, Path('{path}.d'))")
    assert str(path) in said and "\n" not in said
    return said


def header(kind: bytes, size: int, name: str = "x", **pax: str) -> bytes:
    member = tarfile.TarInfo(name)
    member.type, member.size, member.pax_headers = kind, size, {k.replace("_", "."): v for k, v in pax.items()}
    return member.tobuf(tarfile.PAX_FORMAT if pax else tarfile.GNU_FORMAT)


def packed(path: Path, begin: bytes, filling: bytes, size: int) -> Path:
    """A .tar.gz of ``begin`` and so many bytes of ``filling``."""
    with gzip.open(path, "wb", compresslevel=1) as stream:
        stream.write(begin)
        for _ in range(size >> 20):
            stream.write(filling * ((1 << 20) // len(filling)))
    return path


@pytest.mark.parametrize(
    "kind",
    [tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK, tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE],
)
def test_a_name_or_attribute_of_gigabytes_is_not_read(tmp_path, kind):
    said = unpacked(packed(tmp_path / "a.tar.gz", header(kind, 2 << 30), b"0" * 1024, LARGE >> 1))
    assert "a name or attribute of more than 32 kB, as no corpus has; fetch it again from its publisher" in said


def test_a_map_of_holes_without_end_is_not_read(tmp_path):
    begin = header(
        tarfile.REGTYPE, LARGE, GNU_sparse_major="1", GNU_sparse_minor="0", GNU_sparse_name="x", GNU_sparse_realsize="9"
    )
    archive = packed(tmp_path / "a.tar.gz", begin + b"99999999\n", b"1\n" * 512, LARGE >> 2)
    assert "of more than 32 kB" in unpacked(archive)


def test_many_names_before_one_member_are_refused(tmp_path):
    names = b"".join(header(tarfile.GNUTYPE_LONGNAME, 5) + b"abcd".ljust(512, b"\0") for _ in range(2000))
    assert "of more than 32 kB" in unpacked(packed(tmp_path / "a.tar.gz", names, b"\0" * 1024, 1 << 20))


def test_attributes_for_all_members_do_not_pile_up(tmp_path):
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        for number in range(200):
            tar.fileobj.write(tarfile.TarInfo.create_pax_global_header({f"k{number}": "v"}))
            tar.addfile(tarfile.TarInfo(f"{number}.wav"))
    assert "more than 100 attributes for all members" in unpacked(tmp_path / "a.tar")


def test_names_as_long_as_paths_may_be_are_unpacked(tmp_path):
    """A path of 4 kB less what stands before it, in both formats; and small attributes as git and macOS write them."""
    name = "/".join(["d" * 100] * 30)
    for number, form in enumerate((tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)):
        archive = tmp_path / f"{number}.tar"
        with tarfile.open(archive, "w", format=form, pax_headers={"comment": "c" * 40}) as tar:
            member = tarfile.TarInfo(name)
            member.size, member.pax_headers = 6, {"SCHILY.xattr.user.note": "n" * 2000} if number else {}
            tar.addfile(member, io.BytesIO(b"speech"))
        extract(archive, tmp_path / f"{number}.d")
        assert (tmp_path / f"{number}.d" / name).read_bytes() == b"speech"


def test_an_xz_window_of_a_gigabyte_is_not_taken(tmp_path):
    method = {"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 1 << 29}
    with lzma.open(tmp_path / "a.tar.xz", "wb", filters=[method]) as stream:
        stream.write(bytes(10240))
    said = unpacked(tmp_path / "a.tar.xz")
    assert "takes more than 268 MB of memory to unpack; give a folder unpacked by hand" in said


def test_xz_in_several_streams_is_one_archive(tmp_path):
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        member = tarfile.TarInfo("a.wav")
        member.size = 6
        tar.addfile(member, io.BytesIO(b"speech"))
    halves = data.getvalue()[:700], data.getvalue()[700:]
    (tmp_path / "a.tar.xz").write_bytes(bytes(4).join(lzma.compress(half) for half in halves))
    extract(tmp_path / "a.tar.xz", tmp_path / "d")
    assert (tmp_path / "d/a.wav").read_bytes() == b"speech"


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_methods_of_zip_that_unpack_at_once_are_refused(tmp_path, method):
    with zipfile.ZipFile(tmp_path / "a.zip", "w", method) as archive:
        archive.writestr("zeros.wav", b"speech")
    assert f"'zeros.wav' is packed by a rare method of zip ({method}); give a folder" in unpacked(tmp_path / "a.zip")


def test_a_link_to_what_is_not_there_is_damage(tmp_path):
    member = tarfile.TarInfo("b")
    member.type, member.linkname = tarfile.LNKTYPE, "a"
    (tmp_path / "a.tar").write_bytes(member.tobuf() + bytes(1024))
    assert "a damaged archive" in unpacked(tmp_path / "a.tar")


def test_arrays_in_a_small_file_stay_small(tmp_path):
    """A hundred bytes whose header promises an array of 100 MB."""
    path = tmp_path / "model.safetensors"
    path.write_bytes(promised("floor", 100 << 20))
    said = in_little_memory(
        path,
        """from lexicon.errors import UserError
from pipeline.hmm.gmm import load_gmm
def read(path):
    try:
        load_gmm(path)
    except UserError as error:
        print(error)""",
        "read(path)",
    )
    assert "not a GMM-HMM model" in said


def test_one_line_of_a_manifest_without_end(tmp_path):
    path = packed(tmp_path / "recordings.jsonl.gz", b'[{"id": "', b"a" * 1024, 80 << 20)
    said = in_little_memory(path, "from pipeline.corpora.lhotse_export import _refuse_bomb", "_refuse_bomb(path)")
    assert said == f"{path}: a line of more than 64 MB; make the manifests again"


def test_a_manifest_of_many_lines_is_taken(tmp_path):
    path = packed(tmp_path / "recordings.jsonl.gz", b"", b'{"id": "a"}\n'.ljust(16, b"\n") * 64, 10 << 20)
    _refuse_bomb(path)


def test_a_text_that_is_packed(tmp_path):
    (tmp_path / "a.gz").write_bytes(gzip.compress(b"hello\n"))
    gunzip(tmp_path / "a.gz", tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == b"hello\n"
    (tmp_path / "a.gz").write_bytes(b"hello")
    with pytest.raises(UserError, match="a.gz: a damaged archive"):
        gunzip(tmp_path / "a.gz", tmp_path / "a")


# Sound


@pytest.fixture(scope="module")
def silence(tmp_path_factory) -> Path:
    """Two hours of digital silence in 200 kB of FLAC."""
    path = tmp_path_factory.mktemp("silence") / "long.flac"
    with soundfile.SoundFile(path, "w", 8000, 1, format="FLAC") as file:
        for _ in range(12):
            file.write(np.zeros(10 * 60 * 8000, np.int16))
    return path


def test_an_utterance_of_hours_is_refused(silence):
    said = in_little_memory(silence, "from pipeline.sound.audio import read_audio", "read_audio(path, 8000)")
    assert said == (
        f"{silence}: 2.0 hours at a stretch, more than 1; cut it into utterances: a segments file names"
        " stretches of recordings"
    )
    assert len(read_audio(silence, 8000, Cut(7000, 7001.5))) == 12000  # a stretch of it is as good as any


def test_a_recording_of_days_is_refused(silence, monkeypatch):
    """With a limit of an hour, for the test to be fast."""
    monkeypatch.setattr("pipeline.sound.recording.LONGEST_S", 3600)
    with pytest.raises(UserError, match="2.0 hours at a stretch, more than 1; cut it and give its parts one by one"):
        read_recording(silence, {CEPSTRA})


def test_the_data_stage_and_the_check_name_a_file_of_hours(silence, tmp_path):
    """From its header alone."""
    (problem,) = measure({"train": [unmeasured("u1", "s", silence, ["A"])]}).unreadable
    assert problem[0] == "u1" and f"{silence}: 2.0 hours at a stretch" in problem[1]
    for name, line in {
        "wav.scp": f"u1 {silence}",
        "text": "u1 A",
        "utt2spk": "u1 s",
        "spk2utt": "s u1",
        "utt2num_samples": f"u1 {7200 * 8000}",
    }.items():
        (tmp_path / name).write_text(f"{line}\n")
    said = [str(problem) for problem in Check(tmp_path).problems()]
    assert any('"u1": 2.0 hours at a stretch, more than 1; cut it into utterances: write' in line for line in said)


def test_cepstra_in_pieces_are_those_of_the_whole(monkeypatch):
    samples = np.random.default_rng(0).normal(0, 0.1, 8000 * 3 + 123).astype(np.float32)
    whole = mfcc(samples, 8000)
    assert len(whole) < FRAMES_AT_A_TIME
    for size in (100, 297, 298):
        monkeypatch.setattr("pipeline.sound.mfcc.FRAMES_AT_A_TIME", size)
        np.testing.assert_allclose(mfcc(samples, 8000), whole, atol=1e-3)


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 44100])
@pytest.mark.parametrize("cut", [None, Cut(0.3331, 5.7)])
def test_sound_in_pieces_is_that_of_the_whole(tmp_path, monkeypatch, rate, cut):
    soundfile.write(tmp_path / "a.wav", np.random.default_rng(0).normal(0, 0.1, (round(6.31 * rate), 2)), rate)
    whole = read_audio(tmp_path / "a.wav", 8000, cut)
    monkeypatch.setattr("pipeline.sound.audio.BLOCK_SECONDS", 2)
    pieces = read_audio(tmp_path / "a.wav", 8000, cut)
    np.testing.assert_allclose(pieces, whole, atol=1e-6)
    assert len(pieces) == len(whole)


def test_memory_that_ends_says_where():
    from lexicon.errors import reading
    from stages.common import in_words

    with pytest.raises(MemoryError) as error, reading("outer"), reading("data/a.wav"):
        raise MemoryError
    assert in_words(error.value).startswith("data/a.wav: out of memory; close other programs")


# Time: ten times the input, about ten times the time


def grid_of(tiers: int, name: Callable[[int], str]) -> str:
    return (
        "\n".join(
            [
                'File type = "ooTextFile"',
                'Object class = "TextGrid"',
                "",
                "0",
                "1",
                "<exists>",
                str(tiers),
                *(f'"IntervalTier"\n"{name(i)}"\n0\n1\n1\n0\n1\n"say ""a"""' for i in range(tiers)),
            ]
        )
        + "\n"
    )


@pytest.mark.parametrize("name", [lambda i: "a", lambda i: "a" if i % 2 else f"a_{i}", str])
def test_tiers_of_one_name_take_no_longer(tmp_path, name):
    (tmp_path / "a.TextGrid").write_text(grid_of(3000, name))
    began = time.process_time()
    tiers = read_textgrid(tmp_path / "a.TextGrid").tiers
    assert time.process_time() - began < 3  # 29 s before
    assert len(tiers) == 3000 and all(tier == [(0.0, 1.0, 'say "a"')] for tier in tiers.values())


@pytest.mark.parametrize("form", ["long_textgrid", "short_textgrid"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_textgrids_are_read_as_praatio_reads_them(tmp_path, form, encoding):
    grid = textgrid.Textgrid(0, 3)
    grid.addTier(textgrid.IntervalTier("words", [(0.1, 0.5, 'the "a" 7'), (0.5, 1.25, "ä ! <b> 3.5 x")], 0, 3))
    grid.addTier(textgrid.PointTier("tones", [(0.3, "H*"), (1, "9")], 0, 3))
    grid.addTier(textgrid.IntervalTier("phones 2", [(0.5, 1, "intervals: 1")], 0, 3))
    grid.save(str(tmp_path / "a.TextGrid"), format=form, includeBlankSpaces=True)
    read = textgrid.openTextgrid(str(tmp_path / "a.TextGrid"), includeEmptyIntervals=True)
    expected = {
        name: [(float(a), float(b), label) for a, b, label in read.getTier(name).entries]
        for name in ("words", "phones 2")
    }
    (tmp_path / "b.TextGrid").write_text((tmp_path / "a.TextGrid").read_text(), encoding=encoding)
    assert read_textgrid(tmp_path / "b.TextGrid").tiers == expected
