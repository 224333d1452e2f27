"""Kaldi data directories: a hand-written one is read, ours is sorted as `sort` sorts, every fault has its line."""
from __future__ import annotations

import os
import subprocess

import numpy as np
import pytest
import soundfile

from lexicon.errors import UserError
from pipeline.datadir import Utterance, read_datadir, write_datadir


@pytest.fixture
def datadir(tmp_path):
    """A directory as a Kaldi user writes it: two speakers, three utterances."""
    for name in ("one", "two", "three"):
        soundfile.write(tmp_path / f"{name}.wav", np.zeros(400), 8000)
    path = tmp_path / "data"
    path.mkdir()
    (path / "wav.scp").write_text("".join(f"{u} {tmp_path}/{w}.wav\n" for u, w in
                                          [("ann-1", "one"), ("ann-2", "two"), ("bob-1", "three")]))
    (path / "text").write_text("ann-1 HELLO  WORLD\nann-2 GRÜSS GOTT\nbob-1 YES\n", encoding="utf-8")
    (path / "utt2spk").write_text("ann-1 ann\nann-2 ann\nbob-1 bob\n")
    (path / "spk2utt").write_text("ann ann-1 ann-2\nbob bob-1\n")
    (path / "utt2num_samples").write_text("ann-1 400\nann-2 400\nbob-1 400\n")
    return path


def test_reads_what_kaldi_users_write(datadir):
    assert read_datadir(datadir) == [
        Utterance("ann-1", "ann", datadir.parent / "one.wav", ("HELLO", "WORLD"), 400),
        Utterance("ann-2", "ann", datadir.parent / "two.wav", ("GRÜSS", "GOTT"), 400),
        Utterance("bob-1", "bob", datadir.parent / "three.wav", ("YES",), 400)]


def test_writes_what_it_reads_and_as_sort_orders(datadir):
    """Ids whose order differs between locales, written in the wrong order; the judge is `LC_ALL=C sort`."""
    wav = datadir.parent / "one.wav"
    ids = ["b", "a_1", "a-1", "a", "B", "é", "z", "a1", "10", "9"]
    utterances = [Utterance(i, "s", wav, ("W",), 400) for i in ids]
    write_datadir(datadir, utterances)
    for name in ("wav.scp", "text", "utt2spk", "spk2utt", "utt2num_samples"):
        subprocess.run(["sort", "-c", "-k1,1", datadir / name], env={**os.environ, "LC_ALL": "C"}, check=True)
    assert sorted(read_datadir(datadir), key=lambda u: ids.index(u.id)) == utterances


def test_writing_replaces_old_features(datadir):
    utterances = read_datadir(datadir)
    (datadir / "feats.scp").write_text("ann-1 old.ark:0\n")
    write_datadir(datadir, utterances)
    assert sorted(p.name for p in datadir.iterdir()) == ["spk2utt", "text", "utt2num_samples", "utt2spk", "wav.scp"]


@pytest.mark.parametrize("name,old,new,message", [
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
])
def test_faults_have_their_file_and_line(datadir, name, old, new, message):
    content = (datadir / name).read_text(encoding="utf-8")
    assert old in content
    (datadir / name).write_text(content.replace(old, new), encoding="utf-8")
    with pytest.raises(UserError) as error:
        read_datadir(datadir)
    assert str(error.value).startswith(str(datadir)) and message in str(error.value)
    assert "\n" not in str(error.value) and ";" in str(error.value)


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


@pytest.mark.parametrize("utterances,message", [
    ([], "no utterances"),
    ([Utterance("a", "s", "x.wav", ("W",), 1), Utterance("a", "s", "y.wav", ("W",), 1)], "duplicate utterance id"),
    ([Utterance("a", "s", "x.wav", (), 1)], "has no words"),
    ([Utterance("a b", "s", "x.wav", ("W",), 1)], "white space"),
])
def test_what_could_not_be_read_back_is_not_written(datadir, utterances, message):
    before = {path.name: path.read_bytes() for path in datadir.iterdir()}
    with pytest.raises(UserError, match=message):
        write_datadir(datadir, utterances)
    assert {path.name: path.read_bytes() for path in datadir.iterdir()} == before
