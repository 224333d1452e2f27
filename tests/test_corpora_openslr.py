"""librispeech, mini_librispeech and speechocean762 as small trees in their publishers' exact layouts."""

from __future__ import annotations

import tarfile
from pathlib import Path

import numpy as np
import pytest
import soundfile
from helpers.corpora import chapter

from lexicon.errors import UserError
from pipeline.corpora import fetch, librispeech, mini_librispeech, speechocean762


def pack(top: Path, folder: str, archive: Path) -> None:
    archive.parent.mkdir(exist_ok=True)
    with tarfile.open(archive, "w:gz", compresslevel=1) as tar:
        tar.add(top / folder, arcname=folder)


def ids(sets, name: str) -> list[str]:
    return [u.id for u in sets[name]]


@pytest.fixture
def full(tmp_path) -> Path:
    for part, reader in (
        ("train-clean-100", 103),
        ("train-other-500", 20),
        ("dev-clean", 1272),
        ("test-clean", 1089),
        ("dev-other", 116),
        ("test-other", 1688),
    ):
        chapter(tmp_path, part, reader, 7, 2)
    return tmp_path


def test_librispeech_official_sets(full, tmp_path):
    root = librispeech.get(full, tmp_path / "cache")
    assert root == full / "LibriSpeech"
    sets = librispeech.prepare(root).sets
    assert ids(sets, "train") == ["103-7-0000", "103-7-0001", "20-7-0000", "20-7-0001"]
    assert ids(sets, "dev") == ["1272-7-0000", "1272-7-0001"] and ids(sets, "test") == ["1089-7-0000", "1089-7-0001"]
    first = sets["test"][0]
    assert (first.speaker, first.words, first.num_samples) == ("1089", ("IT'S", "WORD", "0"), 1600)
    other = librispeech.prepare(root, "other").sets
    assert ids(other, "dev") == ["116-7-0000", "116-7-0001"] and ids(other, "test") == ["1688-7-0000", "1688-7-0001"]


def test_one_part_alone_is_cut_by_every_sixth(tmp_path):
    """Sorted as `sort` does, over readers; 24 utterances: 4 test, 2 dev."""
    for reader, number, count in ((19, 198, 10), (26, 495, 8), (103, 1, 6)):
        chapter(tmp_path, "train-clean-100", reader, number, count)
    pack(tmp_path, "LibriSpeech", tmp_path / "downloads/train-clean-100.tar.gz")
    root = librispeech.get(tmp_path / "downloads", tmp_path / "cache")
    assert "not the publisher's known archive, taken as it is" in fetch.origin(root)
    prepared = librispeech.prepare(root)
    in_order = (
        [f"103-1-{i:04}" for i in range(6)]
        + [f"19-198-{i:04}" for i in range(10)]
        + [f"26-495-{i:04}" for i in range(8)]
    )
    assert ids(prepared.sets, "test") == in_order[5::6] and len(prepared.sets["test"]) == 4
    assert ids(prepared.sets, "dev") == in_order[2::12] and len(prepared.sets["train"]) == 18
    assert prepared.sample_rate == 16000


def test_librispeech_without_training_part(tmp_path):
    chapter(tmp_path, "test-clean", 1089, 7, 2)
    with pytest.raises(UserError, match="holds test-clean, but no part to train on; add one of train-clean-100"):
        librispeech.prepare(tmp_path)


def test_librispeech_archives_missing(tmp_path):
    with pytest.raises(UserError, match="neither a folder LibriSpeech nor one of dev-clean.tar.gz, .*; put one there"):
        librispeech.get(tmp_path, tmp_path / "cache")


def test_transcripts_and_audio_must_agree(tmp_path):
    chapter(tmp_path, "train-clean-100", 19, 198, 3)
    folder = tmp_path / "LibriSpeech/train-clean-100/19/198"
    (folder / "19-198-0001.flac").rename(tmp_path / "aside.flac")
    with pytest.raises(UserError, match='19-198.trans.txt: "19-198-0001": transcript without audio; restore'):
        librispeech.prepare(tmp_path)
    (tmp_path / "aside.flac").rename(folder / "19-198-0009.flac")
    with pytest.raises(UserError, match="19-198-0009.flac: audio without transcript; add its line to"):
        librispeech.prepare(tmp_path)


def test_mini_librispeech(tmp_path):
    for reader in range(1001, 1021):
        chapter(tmp_path, "train-clean-5", reader, 3, 1)
    chapter(tmp_path, "dev-clean-2", 84, 3, 2)
    for part in mini_librispeech.PUBLISHED:
        pack(tmp_path, f"LibriSpeech/{part}", tmp_path / f"downloads/{part}.tar.gz")
    root = mini_librispeech.get(tmp_path / "downloads", tmp_path / "cache")  # both archives in one folder
    sets = mini_librispeech.prepare(root).sets
    assert ids(sets, "dev") == ["1010-3-0000", "1020-3-0000"] and len(sets["train"]) == 18
    assert ids(sets, "test") == ["84-3-0000", "84-3-0001"]
    (tmp_path / "downloads/dev-clean-2.tar.gz").unlink()
    with pytest.raises(UserError, match="no dev-clean-2; mini_librispeech consists of train-clean-5 and dev-clean-2"):
        mini_librispeech.prepare(mini_librispeech.get(tmp_path / "downloads", tmp_path / "cache"))


@pytest.fixture
def speechocean(tmp_path) -> Path:
    """Sixteen speakers to train on and two to test on, one utterance each; tables as the publisher writes them."""
    top = tmp_path / "speechocean762"
    (top / "resource").mkdir(parents=True)
    (top / "resource/lexicon.txt").write_text("CALL\tK AO0 L\nA\tAH0\nA\tEY0\nBEAR\tB EH1 R\n")
    for name, speakers in (("train", range(16)), ("test", (20, 21))):
        (top / name).mkdir()
        rows = [(f"{s:04}{s:05}", f"{s:04}") for s in speakers]
        (top / name / "wav.scp").write_text("".join(f"{u}\tWAVE/SPEAKER{s}/{u}.WAV\n" for u, s in rows))
        (top / name / "text").write_text("".join(f"{u}\tCALL A BEAR\n" for u, _ in rows))
        (top / name / "utt2spk").write_text("".join(f"{u}\t{s}\n" for u, s in rows))
        for u, s in rows:
            (top / f"WAVE/SPEAKER{s}").mkdir(parents=True)
            soundfile.write(top / f"WAVE/SPEAKER{s}/{u}.WAV", np.full(800, 0.1), 16000)
    pack(tmp_path, "speechocean762", tmp_path / "downloads/speechocean762.tar.gz")
    return tmp_path / "downloads"


def test_speechocean762(speechocean, tmp_path):
    prepared = speechocean762.prepare(speechocean762.get(speechocean, tmp_path / "cache"))
    assert {name: sorted(u.speaker for u in members) for name, members in prepared.sets.items()} == {
        "train": [f"{s:04}" for s in range(16) if s not in (7, 15)],
        "dev": ["0007", "0015"],
        "test": ["0020", "0021"],
    }
    assert prepared.sets["test"][0].words == ("CALL", "A", "BEAR") and prepared.sets["test"][0].id == "002000020"
    assert prepared.lexicon == "CALL K AO L\nA AH\nA EY\nBEAR B EH R\n"


def test_speechocean762_with_a_table_cut_short(speechocean, tmp_path):
    root = speechocean762.get(speechocean, tmp_path / "cache")
    text = root / "speechocean762/train/text"
    text.write_text("".join(text.read_text().splitlines(keepends=True)[:-1]))
    with pytest.raises(UserError, match='train/wav.scp: "001500015" is not in text; fetch the archive again'):
        speechocean762.prepare(root)
