"""Writing that leaves nothing false: what is there after an error, and after a kill."""
from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from lexicon.files import atomic_dir, atomic_write, scratch_dir

KILLED = "import os, sys, signal; from lexicon.files import *; d = {}(sys.argv[1]); d.__enter__(); os.kill(os.getpid(), 9)"


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), atomic_write(path) as stream:
        stream.write("new")
        1 / 0
    assert path.read_text() == "old" and os.listdir(tmp_path) == ["file"]


def test_a_directory_takes_the_place_of_the_old_one_whole(tmp_path):
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "old").touch()
    with atomic_dir(tmp_path / "d") as new:
        (new / "fresh").touch()
        assert os.listdir(tmp_path / "d") == ["old"]
    assert os.listdir(tmp_path) == ["d"] and os.listdir(tmp_path / "d") == ["fresh"]


@pytest.mark.parametrize("maker", ["atomic_dir", "scratch_dir", "atomic_write"])
def test_what_a_killed_run_left_is_cleared_by_the_next(tmp_path, maker):
    done = subprocess.run([sys.executable, "-c", KILLED.format(maker), str(tmp_path / "d")])
    assert done.returncode == -signal.SIGKILL and len(os.listdir(tmp_path)) == 1
    with scratch_dir(tmp_path / "d") as mine:
        assert os.listdir(tmp_path) == [mine.name]


def test_a_running_process_keeps_its_scratch(tmp_path):
    other = tmp_path / f".d.{os.getppid()}.tmp"
    other.mkdir()
    with scratch_dir(tmp_path / "d"):
        pass
    assert other.is_dir()
