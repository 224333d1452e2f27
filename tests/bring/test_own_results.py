"""Results of one's own recordings: each has a folder, and old ones do not mix with new ones."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import soundfile

from bring import RATE, noise
from bring.trees import sound
from pipeline.sound.recording import begin_results, own_folder


def results(base: Path, wav: Path, what: str = "new") -> Path:
    out = own_folder(base, wav)
    begin_results(out, wav)
    (out / "a.ctm").write_text(what)
    return out


def test_results_of_one_name_from_two_folders_stay_apart(tmp_path):
    own_dir, wavs = tmp_path / "own", [sound(tmp_path / folder / "a.wav") for folder in ("s1", "s2", "x/s2")]
    folders = [results(own_dir, wav, str(wav)) for wav in wavs]
    assert [folder.name for folder in folders] == ["a", "s2-a", "s2-a-2"]
    assert [own_folder(own_dir, wav) for wav in wavs] == folders  # again, in any order, and relative or not
    assert own_folder(own_dir, os.path.relpath(wavs[1])) == folders[1]
    assert [(folder / "a.ctm").read_text() for folder in folders] == list(map(str, wavs))


def test_files_of_two_endings_are_two_recordings(tmp_path):
    folders = {results(tmp_path / "own", sound(tmp_path / f"s/a{end}")) for end in (".wav", ".flac")}
    assert len(folders) == 2


@pytest.mark.parametrize("old", ["of an earlier recording", "of nobody knows what"])
def test_old_results_do_not_mix_with_new_ones(tmp_path, old):
    own_dir, wav = tmp_path / "own", sound(tmp_path / "a.wav")
    out = results(own_dir, wav, "old")
    if old == "of an earlier recording":
        soundfile.write(wav, noise(0.7, 5), RATE)
    else:
        (out / "recording.txt").unlink()
    assert results(own_dir, wav) == out and (out / "a.ctm").read_text() == "new"
    assert (own_dir / "a.1/a.ctm").read_text() == "old"
