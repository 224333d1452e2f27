"""Disks that are full or not to be written: one line, what was there stays, and the same command goes on."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from bad_inputs.place import Place
from bad_inputs.running import one_line

WRITERS = [
    "prepare_data",
    "make_lang",
    "make_mfcc",
    "train_gmm",
    "align",
    "train_classifier",
    "train_ctc",
    "tune",
    "decode",
    "score",
    "compare",
    "report",
    "show_lattice",
    "show",
]


@pytest.mark.parametrize("stage", WRITERS)
def test_a_file_that_may_not_grow_is_one_line_and_what_was_there_stays(
    finished: Place, tmp_path: Path, stage: str
) -> None:
    """RLIMIT_FSIZE: every write beyond 8 bytes fails in the middle, as on a full disk."""
    place = finished.copy(tmp_path / "place")
    before = place.snapshot()
    done = place.stage(stage, file_size=8)
    assert "File too large; free some space there" in one_line(stage, done)
    after = place.snapshot()
    changed = {
        name
        for name in before.keys() | after.keys()
        if before.get(name) != after.get(name)
        # The record goes first of all; which utterances are too short, and of what recording, is written early.
        and not name.endswith((".made", "/short.txt", "/recording.txt"))
    }
    # What says that a stage is finished goes before what it stands for is touched; logs are begun anew.
    assert changed <= {
        "data/toy/splits.json",
        "data/toy/lang/lang.json",
        "exp/toy/gmm/train.log",
        "exp/toy/classifier/train.log",
        "exp/toy/gmm/ali_dev/phones.txt",
        "exp/toy/gmm/decode_test/wer.txt",
    }


@pytest.fixture(scope="module")
def small_disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path | None]:
    """A disk of 12 MB, where one may be mounted; None elsewhere, where RLIMIT_FSIZE above has to do."""
    disk = tmp_path_factory.mktemp("disk")
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "none", str(disk)], capture_output=True)
    yield disk if mounted.returncode == 0 else None
    if mounted.returncode == 0:
        subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.parametrize("stage", ["prepare_data", "make_lang", "make_mfcc", "align", "decode", "report"])
def test_a_full_disk_and_the_same_command_again(finished: Place, small_disk: Path | None, stage: str) -> None:
    root = (small_disk or finished.root.parent) / stage
    place = finished.copy(root)
    ballast = root / "ballast"
    if small_disk:
        with contextlib.suppress(OSError), open(ballast, "wb", buffering=0) as stream:
            while stream.write(b"\0" * 4096):
                pass
    before = place.snapshot()
    done = place.stage(stage) if small_disk else place.stage(stage, file_size=8)
    line = one_line(stage, done)
    assert "free some space there" in line and str(Path(line.split(": ")[1])) in line
    after = place.snapshot()
    lost = {name for name, content in before.items() if after.get(name) != content and not name.endswith(".made")}
    assert lost <= {"data/toy/splits.json", "data/toy/lang/lang.json"}
    ballast.unlink(missing_ok=True)
    assert place.stage(stage).returncode == 0
    assert not list(root.rglob("*phonoscope-tmp")) and not list(root.rglob("*phonoscope-lock*"))
    shutil.rmtree(root)


@pytest.mark.parametrize("stage", ["make_lang", "train_gmm", "align", "decode", "compare"])
def test_an_unwritable_place_is_named(finished: Place, tmp_path: Path, stage: str) -> None:
    """/proc is a folder in which nobody may make files, root neither."""
    place = finished.copy(tmp_path / "place")
    before = place.snapshot()
    assert "/proc" in one_line(stage, place.stage(stage, "--out", "/proc/phonoscope"))
    assert place.snapshot() == before
