"""Kaldi data directories through CORPUS_DIR: segments, gold phones, words as they are."""

from __future__ import annotations

from pathlib import Path

import pytest
import soundfile

from bring import RATE, noise
from bring.recordings import stage
from lexicon.errors import UserError
from pipeline.corpora import own
from pipeline.datadir import read_datadir
from pipeline.times.intervals import read_ctm


def kaldi(path: Path, utterances: dict[str, str], wav: str, segments: dict[str, str] | None = None) -> Path:
    """A data directory as Kaldi's recipes leave it, without what only phonoscope has."""
    path.mkdir(parents=True)
    tables = {
        "wav.scp": {name: wav for name in (["tape"] if segments else utterances)},
        "text": utterances,
        "utt2spk": {u: u.split("-")[0] for u in utterances},
    }
    if segments:
        tables["segments"] = {u: f"tape {times}" for u, times in segments.items()}
    for name, table in tables.items():
        (path / name).write_text("".join(f"{key} {table[key]}\n" for key in sorted(table)))
    return path


def test_segments_gold_and_words_as_they_are(tmp_path):
    soundfile.write(tmp_path / "tape.flac", noise(12), RATE)
    texts = {f"ann-{i:02}": f"straße Nr.{i}" for i in range(12)}
    path = kaldi(
        tmp_path / "k",
        texts,
        f"{tmp_path}/tape.flac",
        {u: f"{i}.0 {i + 1 if i < 11 else -1}" for i, u in enumerate(texts)},
    )
    (path / "phones.ctm").write_text("ann-00 1 0.1 0.2 sh\nann-04 1 0.5 0.25 t\n")
    (path / "fold.txt").write_text("sh ʃ\n")
    out = tmp_path / "data/k"
    done = stage("prepare_data", "--corpus", "k", "--corpus-dir", path, "--out", out)
    assert done.returncode == 0, done.stderr
    first, *_ = read_datadir(out / "train")
    assert first.words == ("straße", "Nr.0") and first.cut == (0, 1) and first.num_samples == RATE
    assert read_ctm(out / "train/phones.ctm")["ann-00"][0][:2] == (0.1, pytest.approx(0.3))
    assert list(read_ctm(out / "test/phones.ctm")) == ["ann-04"] and "sh ʃ" in (out / "fold.txt").read_text()


def test_directories_named_as_sets_are_the_sets(tmp_path):
    soundfile.write(tmp_path / "a.wav", noise(1), RATE)
    for name in ("train", "dev", "test", "train_sp"):
        kaldi(tmp_path / "d" / name, {f"{name}-{i}": "A" for i in range(3)}, "../../a.wav")
    prepared, split, _ = own.prepare(tmp_path / "d")
    assert split == "given" and {name: len(m) for name, m in prepared.sets.items()} == {"train": 3, "dev": 3, "test": 3}
    assert prepared.left_out == [("train_sp", "neither train, dev nor test")]


@pytest.mark.parametrize(
    "name,line,message",
    [
        ("wav.scp", "ann-0 sph2pipe -f wav -p -c 1 /ldc/a.sph |\n", "never run, .*give the file itself.* /ldc/a.sph"),
        ("wav.scp", "ann-0 touch owned |\n", "is a pipe.*never run"),
        ("text", "", "audio without transcript; .*$"),
        ("words.ctm", "tape 1 0 1 A\n", '"tape" is no utterance of text'),
    ],
)
def test_what_is_wrong_with_a_directory_is_said(tmp_path, name, line, message):
    soundfile.write(tmp_path / "a.wav", noise(1), RATE)
    path = kaldi(tmp_path / "k", {f"ann-{i}": "A" for i in range(3)}, f"{tmp_path}/a.wav")
    before = (path / name).read_text().splitlines(keepends=True) if (path / name).exists() else []
    (path / name).write_text("".join([line, *before[1:]]))  # in place of the first
    with pytest.raises(UserError, match=message):
        own.prepare(path)
    assert not (path / "owned").exists() and not Path("owned").exists()


def test_speakers_nobody_knew_are_not_taken_for_known(tmp_path):
    soundfile.write(tmp_path / "a.wav", noise(1), RATE)
    path = kaldi(tmp_path / "k", {f"u{i:02}": "A" for i in range(20)}, f"{tmp_path}/a.wav")
    assert own.prepare(path).split == "utterance"
