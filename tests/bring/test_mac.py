"""What a Mac leaves behind in folders and archives is no recording."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from bring.trees import MAC, kaldi, libri, lj, read, sound, tree, vctk
from pipeline.corpora import commonvoice, fsdd, timit, yesno
from pipeline.corpora.unpack import extract


def plain(folder: Path) -> Path:
    return tree(folder, "s/1")


def kaldi_sets(folder: Path) -> Path:
    folder.mkdir()
    kaldi(folder / "train", {})
    return folder


def mac(folder: Path) -> None:
    """._name beside each file, and again below __MACOSX, as unzip leaves them on other systems."""
    for path in [path for path in folder.rglob("*") if path.is_file()]:
        (path.parent / f"._{path.name}").write_bytes(MAC)
        there = folder / "__MACOSX" / path.relative_to(folder).parent
        there.mkdir(parents=True, exist_ok=True)
        (there / f"._{path.name}").write_bytes(MAC)
        (there / path.name).write_bytes(MAC)


@pytest.mark.parametrize("make", [plain, kaldi_sets, lj, vctk, libri])
def test_what_a_mac_leaves_is_no_recording(tmp_path, make):
    folder = make(tmp_path / "c")
    before = {name: sorted(u.id for u in members) for name, members in read(folder).sets.items()}
    mac(folder)
    found = read(folder)
    assert {name: sorted(u.id for u in members) for name, members in found.sets.items()} == before
    assert not found.unreadable and not found.left_out


@pytest.mark.parametrize("corpus,name", [(fsdd, "recordings/7_jackson_{}.wav"), (yesno, "w/0_1_0_1_{:04b}.wav")])
def test_nor_of_corpora_that_come_built_in(tmp_path, corpus, name):
    for number in range(16):
        sound(
            tmp_path / "c" / name.format(number).replace("0b", "")
            if corpus is fsdd
            else tmp_path / "c/w" / ("0_1_" + "_".join(f"{number:04b}") + ".wav"),
            number,
        )
    before = sum(map(len, corpus.prepare(tmp_path / "c").sets.values()))
    mac(tmp_path / "c")
    assert sum(map(len, corpus.prepare(tmp_path / "c").sets.values())) == before == 16


def test_nor_of_common_voice_and_timit(tmp_path):
    rows = [f"client{n}\t{n}.wav\tyes" for n in range(3)]
    for number, name in enumerate(("train", "dev", "test")):
        sound(tmp_path / f"cv/en/clips/{number}.wav")
        (tmp_path / f"cv/en/{name}.tsv").write_text(f"client_id\tpath\tsentence\n{rows[number]}\n")
    mac(tmp_path / "cv")
    assert sum(map(len, commonvoice.prepare(tmp_path / "cv").sets.values())) == 3
    speaker = tmp_path / "t/TRAIN/DR1/FCJF0"
    sound(speaker / "SI1027.WAV")
    for ending, line in (("PHN", "0 4000 h#"), ("WRD", "0 4000 yes"), ("TXT", "0 4000 Yes.")):
        (speaker / f"SI1027.{ending}").write_text(f"{line}\n")
    mac(tmp_path / "t")
    assert len(list(timit.sentences(tmp_path / "t"))) == 1


def test_nor_are_they_unpacked(tmp_path):
    with zipfile.ZipFile(tmp_path / "c.zip", "w") as packed:
        for name in ("c/a.wav", "c/._a.wav", "__MACOSX/c/._a.wav", "__MACOSX/c/a.wav"):
            packed.writestr(name, MAC)
    extract(tmp_path / "c.zip", tmp_path / "out")
    assert [path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.*")] == ["c/a.wav"]
