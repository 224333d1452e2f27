"""Writing files: what is there after an error, and after a kill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from lexicon import files
from lexicon.errors import UserError
from lexicon.files import atomic_dir, atomic_write, grow_file, log_file, mark, noting, scratch_dir

KILLED = (
    "import os, sys, signal; from lexicon.files import *; d = {}(sys.argv[1]); d.__enter__(); os.kill(os.getpid(), 9)"
)


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), atomic_write(path) as stream:
        stream.write("new")
        1 / 0
    assert path.read_text() == "old" and os.listdir(tmp_path) == ["file"]


def test_a_directory_takes_the_place_of_the_old_one_whole(tmp_path):
    with atomic_dir(tmp_path / "d") as old:
        (old / "old").touch()
    with atomic_dir(tmp_path / "d") as new:
        (new / "fresh").touch()
        assert sorted(os.listdir(tmp_path / "d")) == [".phonoscope", "old"]
    assert os.listdir(tmp_path) == ["d"] and sorted(os.listdir(tmp_path / "d")) == [".phonoscope", "fresh"]


@pytest.mark.parametrize("maker", ["atomic_dir", "scratch_dir", "atomic_write"])
def test_what_a_killed_run_left_is_cleared_by_the_next(tmp_path, maker):
    done = subprocess.run([sys.executable, "-c", KILLED.format(maker), str(tmp_path / "d")])
    assert done.returncode == -signal.SIGKILL and len(os.listdir(tmp_path)) == 1
    with scratch_dir(tmp_path / "d") as mine:
        assert os.listdir(tmp_path) == [mine.name]


def test_a_running_process_keeps_its_scratch(tmp_path):
    with scratch_dir(tmp_path / "d") as mine:
        other = tmp_path / mine.name.replace(f"-{os.getpid()}-", f"-{os.getppid()}-").replace(
            f"-{files._started(os.getpid())}-", f"-{files._started(os.getppid())}-"
        )
    other.mkdir()
    files._clear.cache_clear()
    with scratch_dir(tmp_path / "d"):
        assert other.is_dir()
    other.rename(recycled := tmp_path / other.name.replace(f"-{files._started(os.getppid())}-", "-1-"))
    files._clear.cache_clear()
    with scratch_dir(tmp_path / "d"):
        assert not recycled.exists()  # its number is another process's now


@pytest.mark.parametrize(
    "name",
    [
        ".notes.draft.tmp",
        ".a.123.tmp",
        ".x.0123abcd-999999-1-0.phonoscope-tmp",
        ".phonoscope-tmp",
        ".notes.mine.phonoscope-tmp",
    ],
)
def test_what_is_not_of_a_dead_process_of_this_machine_stays(tmp_path, name):
    """A person's hidden file; the temporary file of another host or container, where process numbers are others."""
    (tmp_path / name).write_text("mine")
    with atomic_write(tmp_path / "d"), atomic_dir(tmp_path / "e"):
        pass
    assert (tmp_path / name).read_text() == "mine"


def test_only_folders_of_phonoscopes_own_are_replaced(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/thesis.txt").write_text("years of work")
    with pytest.raises(UserError, match="not made"), atomic_dir(tmp_path / "mine"):
        pass
    assert (tmp_path / "mine/thesis.txt").read_text() == "years of work" and os.listdir(tmp_path) == ["mine"]
    (tmp_path / "root").mkdir()
    mark(tmp_path / "root")
    (tmp_path / "root/old").mkdir()
    (tmp_path / "root/old/file").touch()
    with atomic_dir(tmp_path / "root/old") as new:
        (new / "fresh").touch()
    assert os.listdir(tmp_path / "root/old") == ["fresh"]


def test_a_file_that_grows_stays_the_same_file_for_those_who_read_along(tmp_path):
    path = tmp_path / "sub" / "events"
    grow_file(path, b"one")
    with open(path, "rb") as reader, noting() as written:
        assert reader.read() == b"one"
        grow_file(path, b"one, two")
        assert reader.read() == b", two" and written == {path}
    path.write_bytes(b"one, tw")  # a killed run came so far
    grow_file(path, b"one, two, three")
    assert path.read_bytes() == b"one, two, three"
    for other in (b"two", b"one"):
        grow_file(path, other)
        assert path.read_bytes() == other
    path.unlink()
    (tmp_path / "precious").write_bytes(b"one")
    path.symlink_to(tmp_path / "precious")
    grow_file(path, b"one, two")
    assert path.read_bytes() == b"one, two" and (tmp_path / "precious").read_bytes() == b"one"


@pytest.mark.parametrize("write", [atomic_write, log_file])
def test_a_link_in_place_of_a_file_is_replaced_not_followed(tmp_path, write):
    (tmp_path / "precious").write_text("mine")
    (tmp_path / "train.log").symlink_to(tmp_path / "precious")
    with write(tmp_path / "train.log") as stream:
        stream.write("new")
    assert (tmp_path / "precious").read_text() == "mine" and (tmp_path / "train.log").read_text() == "new"


@pytest.mark.parametrize("write", [atomic_write, log_file, scratch_dir, atomic_dir])
def test_a_link_that_leads_out_of_phonoscopes_folder_is_not_followed(tmp_path, write):
    (tmp_path / "root").mkdir()
    mark(tmp_path / "root")
    (tmp_path / "home").mkdir()
    (tmp_path / "root/own").symlink_to(tmp_path / "home")
    with pytest.raises(UserError, match="root/own: leads out of"), write(tmp_path / "root/own/file"):
        pass
    assert not os.listdir(tmp_path / "home")
    (tmp_path / "elsewhere").symlink_to(tmp_path / "root")  # the whole folder on another disk is a person's choice
    with write(tmp_path / "elsewhere/file"):
        pass
