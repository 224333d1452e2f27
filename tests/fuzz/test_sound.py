"""Damaged audio files and archives."""

from __future__ import annotations

import shutil
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
import soundfile
from bad_inputs.damage import BYTES

from fuzz.reader import Reader, check_reader, tone
from pipeline.corpora.unpack import extract
from pipeline.sound.audio import audio_info, read_audio
from pipeline.sound.front_end import Raw
from pipeline.sound.recording import read_recording


def read_own_recording(folder: Path) -> None:
    raw = Raw("mfcc", 16000, 13)
    recording = read_recording(folder / "a.wav", {raw})
    assert np.isfinite(recording.raw[raw]).all() and len(recording.pieces()) > 0


def sounds(folder: Path) -> None:
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, size=(900, 2))
    for name, kind in (
        ("a.wav", "PCM_16"),
        ("f.wav", "FLOAT"),
        ("a.flac", "PCM_16"),
        ("a.ogg", "VORBIS"),
        ("a.sph", "PCM_16"),
        ("a.mp3", "MPEG_LAYER_III"),
    ):
        soundfile.write(folder / name, samples, 8000, subtype=kind, format="NIST" if name == "a.sph" else None)


def read_sounds(folder: Path) -> None:
    for path in sorted(folder.iterdir()):
        info = audio_info(path)
        assert info.num_samples > 0
        samples = read_audio(path, 8000)
        assert np.isfinite(samples).all() and np.abs(samples).max() <= 1


def archives(folder: Path) -> None:
    source = folder / "source"
    (source / "deep").mkdir(parents=True)
    (source / "deep/a.txt").write_text("a" * 700)
    (source / "link").symlink_to("deep")
    for name, mode in (("a.tar", "w"), ("a.tar.gz", "w:gz"), ("a.tar.xz", "w:xz")):
        with tarfile.open(folder / name, mode) as tar:
            tar.add(source, "corpus")
    with zipfile.ZipFile(folder / "a.zip", "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.write(source / "deep/a.txt", "corpus/a.txt")
    shutil.rmtree(source)


def unpack(folder: Path) -> None:
    outside = sorted(folder.iterdir())
    for path in outside:
        into = folder / "into"
        into.mkdir()
        try:
            extract(path, into)
        finally:
            shutil.rmtree(into, ignore_errors=True)
            assert sorted(folder.iterdir()) == outside


READERS = [
    Reader("own recording", lambda folder: tone(folder / "a.wav", 0.5), {"a.wav": BYTES}, read_own_recording),
    Reader("audio", sounds, dict.fromkeys(("a.wav", "f.wav", "a.flac", "a.ogg", "a.sph", "a.mp3"), BYTES), read_sounds),
    Reader("archives", archives, dict.fromkeys(("a.tar", "a.tar.gz", "a.tar.xz", "a.zip"), BYTES), unpack),
]


@pytest.mark.filterwarnings("error")  # a stage would print them
@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.name)
def test_whatever_comes_is_a_valid_value_or_one_line(reader: Reader, tmp_path: Path) -> None:
    check_reader(reader, tmp_path / "f")
