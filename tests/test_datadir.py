"""Kaldi data directories: a hand-written one is read, ours is sorted as `sort` sorts, every fault has its line."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace

import numpy as np
import pytest
import soundfile

from lexicon.errors import UserError
from lexicon.files import mark
from pipeline.datadir import DataDir, Utterance, read_datadir, write_datadir
from pipeline.sound.audio import Cut


@pytest.fixture
def datadir(tmp_path):
    """A directory as a Kaldi user writes it: two speakers, three utterances."""
    for name in ("one", "two", "three"):
        soundfile.write(tmp_path / f"{name}.wav", np.zeros(400), 8000)
    path = tmp_path / "data"
    path.mkdir()
    (path / "wav.scp").write_text(
        "".join(f"{u} {tmp_path}/{w}.wav\n" for u, w in [("ann-1", "one"), ("ann-2", "two"), ("bob-1", "three")])
    )
    (path / "text").write_text("ann-1 HELLO  WORLD\nann-2 GRÜSS GOTT\nbob-1 YES\n", encoding="utf-8")
    (path / "utt2spk").write_text("ann-1 ann\nann-2 ann\nbob-1 bob\n")
    (path / "spk2utt").write_text("ann ann-1 ann-2\nbob bob-1\n")
    (path / "utt2num_samples").write_text("ann-1 400\nann-2 400\nbob-1 400\n")
    return path


def test_reads_what_kaldi_users_write(datadir):
    assert read_datadir(datadir) == [
        Utterance("ann-1", "ann", datadir.parent / "one.wav", ("HELLO", "WORLD"), 400),
        Utterance("ann-2", "ann", datadir.parent / "two.wav", ("GRÜSS", "GOTT"), 400),
        Utterance("bob-1", "bob", datadir.parent / "three.wav", ("YES",), 400),
    ]


def test_writes_what_it_reads_and_as_sort_orders(datadir):
    """Ids whose order differs between locales, written in the wrong order; the judge is `LC_ALL=C sort`."""
    wav = datadir.parent / "one.wav"
    ids = ["b", "a_1", "a-1", "a", "B", "é", "z", "a1", "10", "9"]
    utterances = [Utterance(i, "s", wav, ("W",), 400) for i in ids]
    mark(datadir.parent)
    write_datadir(datadir, utterances)
    for name in ("wav.scp", "text", "utt2spk", "spk2utt", "utt2num_samples"):
        subprocess.run(["sort", "-c", "-k1,1", datadir / name], env={**os.environ, "LC_ALL": "C"}, check=True)
    assert sorted(read_datadir(datadir), key=lambda u: ids.index(u.id)) == utterances


def test_writing_replaces_old_features(datadir):
    utterances = read_datadir(datadir)
    (datadir / "feats.scp").write_text("ann-1 old.ark:0\n")
    mark(datadir.parent)
    write_datadir(datadir, utterances)
    assert sorted(p.name for p in datadir.iterdir()) == ["spk2utt", "text", "utt2num_samples", "utt2spk", "wav.scp"]


@pytest.mark.parametrize(
    "name,old,new,message",
    [
        ("text", "bob-1 YES\n", "bob-1 YES\ncal-1 NO\n", 'text:4: "cal-1": transcript without audio'),
        ("text", "bob-1 YES\n", "", 'wav.scp:3: "bob-1": audio without transcript'),
        ("text", "bob-1 YES", "ann-2 YES", 'text:3: duplicate id "ann-2", first on line 2'),
        ("text", "bob-1 YES", "aaa-1 YES", 'text:3: "aaa-1" after "ann-2" is not sorted'),
        ("text", "bob-1 YES", "bob-1", 'text:3: "bob-1" without a transcript'),
        ("text", "bob-1 YES", "\nbob-1 YES", "text:3: an empty line"),
        ("utt2spk", "bob-1 bob\n", "", 'wav.scp:3: "bob-1": no speaker'),
        ("utt2spk", "bob-1 bob", "bob-1 bob smith", 'utt2spk:3: "bob smith" is not one speaker'),
        ("utt2spk", "ann-2 ann", "ann-2 bob", 'spk2utt:1: utterances of "ann" differ from utt2spk'),
        ("spk2utt", "bob bob-1\n", "", 'utt2spk:3: speaker "bob" is not in spk2utt'),
        ("utt2num_samples", "ann-2 400", "ann-2 many", 'utt2num_samples:2: "many" is not a number of samples'),
        ("wav.scp", "one.wav", "gone.wav", "wav.scp:1: "),
        ("wav.scp", "one.wav", "one.wav sox -t wav - |", "is a pipe"),
        ("wav.scp", "one.wav", "one.ark:17", "is a place in an archive"),
        ("text", "HELLO", "HEL\0LO", "text:1: a control character (U+0000)"),
    ],
)
def test_faults_have_their_file_and_line(datadir, name, old, new, message):
    content = (datadir / name).read_text(encoding="utf-8")
    assert old in content
    (datadir / name).write_text(content.replace(old, new), encoding="utf-8")
    with pytest.raises(UserError) as error:
        read_datadir(datadir)
    assert str(error.value).startswith(str(datadir)) and message in str(error.value)
    assert "\n" not in str(error.value) and ";" in str(error.value)


@pytest.fixture
def cuts(datadir):
    """The same utterances as stretches of one recording, as Kaldi writes them."""
    (datadir / "wav.scp").write_text(f"rec {datadir.parent}/one.wav\n")
    (datadir / "segments").write_text("ann-1 rec 0 0.02\nann-2 rec 0.0125 0.03\nbob-1 rec 0.03 -1\n")
    return datadir


def test_reads_stretches_of_recordings(cuts):
    assert [(u.id, u.wav, u.cut) for u in read_datadir(cuts)] == [
        ("ann-1", cuts.parent / "one.wav", (0, 0.02)),
        ("ann-2", cuts.parent / "one.wav", (0.0125, 0.03)),
        ("bob-1", cuts.parent / "one.wav", (0.03, 0.05)),
    ]  # 400 samples at 8 kHz end after 0.05 s


def test_writes_stretches_and_reads_them_back(cuts, tmp_path):
    utterances = read_datadir(cuts)
    third = replace(utterances[0], id="cat", cut=Cut(1 / 3, 2 / 3))
    write_datadir(tmp_path / "again", [*utterances, third])
    assert read_datadir(tmp_path / "again") == [*utterances, third]


@pytest.mark.parametrize(
    "old,new,message",
    [
        ("rec 0 0.02", "tape 0 0.02", 'segments:1: recording "tape" is not in wav.scp'),
        ("rec 0 0.02", "rec 0 now", 'segments:1: "rec 0 now" is not a recording, its start and its end'),
        ("rec 0 0.02", "rec 0.02 0.01", "segments:1: "),
        ("rec 0 0.02", "rec -3 0.01", "segments:1: "),
        ("rec 0 0.02", "rec 0 inf", "segments:1: "),
        ("rec 0 0.02", "rec nan 1", "segments:1: "),
        ("rec 0 0.02", "rec 0 0.02 A", 'segments:1: "rec 0 0.02 A" chooses a channel'),
        ("ann-1 rec 0 0.02\n", "", 'text:1: "ann-1": transcript without audio; add its line to segments'),
        ("bob-1", "bob-2", 'segments:3: "bob-2": audio without transcript'),
    ],
)
def test_faults_of_stretches(cuts, old, new, message):
    content = (cuts / "segments").read_text()
    assert old in content
    (cuts / "segments").write_text(content.replace(old, new))
    with pytest.raises(UserError) as error:
        read_datadir(cuts)
    assert message in str(error.value)


def test_the_first_problem_says_how_many_there_are(datadir):
    (datadir / "text").write_text("ann-2 B\n")
    (datadir / "utt2num_samples").write_text("ann-1 0\nann-2 400\nbob-1 400\n")
    with pytest.raises(UserError) as error:
        read_datadir(datadir)
    assert str(error.value) == (
        f'{datadir}/wav.scp:1: "ann-1": audio without transcript; add its line to text, or remove '
        f"the utterance (3 problems in all; make check DIR={datadir} lists them)"
    )
    assert [str(p).split("; ")[0].removeprefix(f"{datadir}/") for p in DataDir(datadir).problems()] == [
        'wav.scp:1: "ann-1": audio without transcript',
        'wav.scp:3: "bob-1": audio without transcript',
        'utt2num_samples:1: "0" is not a number of samples',
    ]


@pytest.mark.parametrize(
    "pipe,hint",
    [
        ("sph2pipe -f wav -p -c 1 /ldc/a.sph |", "give the file itself, which phonoscope reads: /ldc/a.sph"),
        ("flac -c -d -s /corpus/84-1.flac |", "give the file itself, which phonoscope reads: /corpus/84-1.flac"),
        ("cat a.wav b.wav | sox - -t wav - |", "run it once and give the file it writes"),
        ("touch /tmp/owned |", "run it once and give the file it writes"),
    ],
)
def test_pipes_are_named_and_never_run(datadir, pipe, hint):
    with open(datadir / "wav.scp", "a") as stream:
        stream.write(f"zoe {pipe}\n")
    (message,) = [str(p) for p in DataDir(datadir).problems() if "is a pipe" in str(p)]
    assert message.startswith(f'{datadir}/wav.scp:4: "{pipe}"') and "never run" in message and message.endswith(hint)


def test_relative_paths_are_looked_for_beside_the_directory(datadir):
    (datadir / "wav.scp").write_text("ann-1 one.wav\nann-2 ../two.wav\nbob-1 data/../three.wav\n")
    assert [u.wav.resolve().name for u in read_datadir(datadir)] == ["one.wav", "two.wav", "three.wav"]


def test_line_ends_and_tabs_of_other_systems_are_read_and_remarked_upon(datadir):
    before = read_datadir(datadir)
    (datadir / "text").write_bytes(
        (datadir / "text").read_bytes().replace(b"\n", b"\r\n").replace(b"1 HELLO", b"1\tHELLO")
    )
    (datadir / "utt2spk").write_bytes(b"\xef\xbb\xbf" + (datadir / "utt2spk").read_bytes())
    assert read_datadir(datadir) == before
    remarks = [str(p) for p in DataDir(datadir).problems() if p.remark]
    assert len(remarks) == 3 and "(3 such lines)" in remarks[0] and "text:1: a tab" in remarks[1]
    assert "utt2spk:1: a byte order mark" in remarks[2]


def test_missing_files_and_bytes_that_are_not_utf8(datadir):
    (datadir / "text").write_bytes(b"ann-1 HELLO\nann-2 GR\xdcSS\nbob-1 YES\n")
    with pytest.raises(UserError, match="text:2: .*not UTF-8"):
        read_datadir(datadir)
    (datadir / "utt2spk").unlink()
    (datadir / "text").write_text("ann-1 A\nann-2 B\nbob-1 YES\n")
    with pytest.raises(UserError, match="utt2spk: no such file"):
        read_datadir(datadir)
    with pytest.raises(UserError, match="no such data directory"):
        read_datadir(datadir / "absent")


@pytest.mark.parametrize(
    "utterances,message",
    [
        ([], "no utterances"),
        ([Utterance("a", "s", "x.wav", ("W",), 1), Utterance("a", "s", "y.wav", ("W",), 1)], "duplicate utterance id"),
        ([Utterance("a", "s", "x.wav", (), 1)], "has no words"),
        ([Utterance("a b", "s", "x.wav", ("W",), 1)], "white space"),
    ],
)
def test_what_could_not_be_read_back_is_not_written(datadir, utterances, message):
    before = {path.name: path.read_bytes() for path in datadir.iterdir()}
    with pytest.raises(UserError, match=message):
        write_datadir(datadir, utterances)
    assert {path.name: path.read_bytes() for path in datadir.iterdir()} == before
