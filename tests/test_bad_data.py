"""Faults of real data: each ends the real stage with one line that names the file, and the way out works.

More faults, of all stages, are in bad_inputs.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest
import soundfile

PROJECT = Path(__file__).resolve().parents[1]
SPEAKERS = ("george", "jackson", "lucas", "nicolas", "theo", "yweweler")
VICTIM = "0_george_7.wav"


def stage(name: str, *options: str | Path) -> subprocess.CompletedProcess:
    """Run a stage as the Makefile does."""
    return subprocess.run(
        [sys.executable, "-m", f"stages.{name}", *map(str, options)], cwd=PROJECT, text=True, capture_output=True
    )


def snapshot(folder: Path) -> dict[str, bytes]:
    """All but the records, which a stage removes first and which say when it began."""
    return {
        str(p.relative_to(folder)): p.read_bytes()
        for p in sorted(folder.rglob("*"))
        if p.is_file() and p.suffix != ".made"
    }


def tone(rate: int) -> np.ndarray:
    """(num_samples,) a fifth of a second of 500 Hz."""
    return 0.3 * np.sin(2 * np.pi * 500 * np.arange(rate // 5) / rate)


class Workplace:
    """A small fsdd in its publisher's layout, and the commands a person runs on it."""

    def __init__(self, folder: Path) -> None:
        self.recordings = folder / "free-spoken-digit-dataset/recordings"
        self.downloads, self.out, self.cache = folder / "archives", folder / "data/fsdd", folder / "cache"
        self.archive = self.downloads / "fsdd.tar.gz"
        self.recordings.mkdir(parents=True)
        self.downloads.mkdir()
        for speaker in SPEAKERS:
            for index in range(12):
                soundfile.write(self.recordings / f"0_{speaker}_{index}.wav", tone(8000), 8000)

    def pack(self) -> None:
        with tarfile.open(self.archive, "w:gz") as tar:
            tar.add(self.recordings.parent, arcname=self.recordings.parent.name)

    def prepare(self, *options: str) -> subprocess.CompletedProcess:
        return stage(
            "prepare_data",
            "--corpus",
            "fsdd",
            "--downloads",
            self.downloads,
            "--out",
            self.out,
            "--cache",
            self.cache,
            *options,
        )


@pytest.fixture(scope="module")
def prepared(tmp_path_factory) -> Workplace:
    """Data without faults, prepared once; only for tests that copy it."""
    place = Workplace(tmp_path_factory.mktemp("sound"))
    place.pack()
    done = place.prepare()
    assert done.returncode == 0, done.stderr
    return place


@pytest.fixture
def place(prepared, tmp_path) -> Workplace:
    """The same, one's own, with something in the data directory that must survive."""
    place = Workplace(tmp_path)
    shutil.copytree(prepared.out, place.out)
    (place.out / "train/feats.scp").write_text("precious\n")
    return place


def one_line(done: subprocess.CompletedProcess, stage_name: str) -> str:
    """The one line on standard error of a stage that failed."""
    assert done.returncode != 0
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1 and lines[0].startswith(f"{stage_name}: "), done.stderr
    return lines[0]


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-200])


@pytest.mark.parametrize(
    "spoil,message",
    [
        (truncate, "truncated, 3000 of 3200 bytes of samples"),
        (lambda path: path.write_bytes(b""), "0 bytes"),
        (lambda path: path.write_bytes(b"RIFFs and songs, but no audio"), "not a WAV file"),
        (lambda path: soundfile.write(path, np.zeros(0), 8000), "0 samples"),
    ],
)
def test_an_unreadable_wav_is_named(place, spoil, message):
    spoil(place.recordings / VICTIM)
    place.pack()
    before = snapshot(place.out)
    line = one_line(place.prepare(), "prepare_data")
    assert f"{VICTIM}: {message}" in line and "1 of 72 utterances unreadable" in line and "--allow-missing 1" in line
    assert snapshot(place.out) == before
    done = place.prepare("--allow-missing", "1")
    assert done.returncode == 0 and "1 left out (1 unreadable)" in done.stdout
    assert VICTIM not in (place.out / "dev/wav.scp").read_text() and VICTIM in (place.out / "splits.json").read_text()


def test_a_44100_hz_stereo_wav_is_converted(place):
    soundfile.write(place.recordings / VICTIM, np.stack([tone(44100)] * 2, axis=1), 44100)
    place.pack()
    done = place.prepare()
    assert done.returncode == 0, done.stderr
    lengths = dict(line.split() for line in (place.out / "dev/utt2num_samples").read_text().splitlines())
    assert lengths["george-0-07"] == lengths["george-0-08"] == "1600"  # at the 8 kHz of all others
    features = stage("make_mfcc", "--data", place.out / "dev")
    assert features.returncode == 0, features.stderr


@pytest.mark.parametrize("damage", [lambda data: data[:-300], lambda data: b"<html>404</html>"])
def test_a_corrupted_archive_is_named(place, damage):
    place.pack()
    place.archive.write_bytes(damage(place.archive.read_bytes()))
    before = snapshot(place.out)
    assert f"{place.archive}: a damaged archive" in one_line(place.prepare(), "prepare_data")
    assert snapshot(place.out) == before and not list(place.cache.iterdir())


def test_audio_without_transcript_in_an_archive(place):
    shutil.copy(place.recordings / VICTIM, place.recordings / "cough.wav")
    place.pack()
    before = snapshot(place.out)
    assert "recordings/cough.wav: audio without transcript" in one_line(place.prepare(), "prepare_data")
    assert snapshot(place.out) == before


def test_duplicate_utterance_id_in_an_archive(place):
    (place.recordings / "again").mkdir()
    shutil.copy(place.recordings / VICTIM, place.recordings / "again" / VICTIM)
    place.pack()
    before = snapshot(place.out)
    line = one_line(place.prepare(), "prepare_data")
    assert 'duplicate utterance id "george-0-07"' in line and f"again/{VICTIM}" in line
    assert snapshot(place.out) == before


def test_again_makes_the_same_and_takes_old_features_away(place):
    place.pack()
    assert place.prepare().returncode == 0
    once = snapshot(place.out)
    assert "train/feats.scp" not in once
    assert place.prepare().returncode == 0
    assert snapshot(place.out) == once
