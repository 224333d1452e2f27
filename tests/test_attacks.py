"""Attacks on a user's files, and on whoever takes data, models or file names from somebody else; all for real.

Each row runs make in a copy of the project (attacks/sandbox.py) with somebody's files around it, and asserts that
nothing outside data/ and exp/ of the corpus has changed, that nothing hidden in a value ran, and that it works or says
in a line why not. Kinds: B, what is not ours is not deleted; C, what comes from elsewhere is not run and writes nowhere
else; D, no number that belongs to something else; E, nothing that cannot be got out of.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from attacks.attack import fake_exp
from attacks.links import LINKS, planted, run_to_the_end
from attacks.rows import ATTACKS
from attacks.sandbox import PROJECT, Sandbox, copy, differences, snapshot, write_corpus


@pytest.fixture(scope="session")
def fresh(prompts_root, tmp_path_factory) -> Sandbox:
    """A clone, and a small corpus beside it."""
    sandbox = Sandbox(tmp_path_factory.mktemp("fresh") / "root")
    write_corpus(sandbox.mine, Path(os.path.relpath(PROJECT / "downloads")), 20)
    return sandbox


@pytest.fixture(scope="session")
def prepared(fresh, tmp_path_factory) -> Sandbox:
    """The same with data/mine made, and results of the user."""
    sandbox = fresh.copy_to(tmp_path_factory.mktemp("prepared") / "root")
    done = sandbox.make("data", "CORPUS_DIR=../../../mine")
    assert done.code == 0, done.said
    fake_exp(sandbox)
    return sandbox


@pytest.fixture
def sandbox(prepared, tmp_path) -> Sandbox:
    """One to attack."""
    return prepared.copy_to(tmp_path / "root")


@pytest.mark.parametrize("attack", [attack for attack in ATTACKS if attack.always], ids=str)
def test_one_command(sandbox, attack):
    faults = attack.faults(sandbox)
    assert not faults, "\n".join(faults)


# Links in what was received -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def received(fresh, tmp_path_factory) -> dict[str, list[str]]:
    """{link: what happened to the file it leads to} after a whole `make gmm` in folders full of links."""
    sandbox = fresh.copy_to(tmp_path_factory.mktemp("links") / "root")
    before = planted(sandbox)
    done = run_to_the_end(sandbox)
    after = snapshot(sandbox.root / "strangers")
    found = {
        name: [line for line in differences(before, after) if line.endswith((f" {number}", f" {number}/kept"))]
        for number, name in enumerate(LINKS)
    }
    found["the run"] = [*done.faults(), *([] if done.code == 0 else [f"does not work: {' '.join(done.message)[:300]}"])]
    return found


@pytest.mark.parametrize("name", [*LINKS, "the run"])
def test_links_lead_nowhere(received, name):
    assert not received[name]


# Names of temporary files -------------------------------------------------------------------------------------------

KILLED = """
import os, signal, socket, sys, platform
if {elsewhere}:
    name = os.uname()
    other = type(name)((name.sysname, "elsewhere", *name[2:]))
    os.uname = platform.uname = lambda: other
    socket.gethostname = platform.node = lambda: "elsewhere"
from lexicon.files import atomic_write
with atomic_write(sys.argv[1]) as stream:
    stream.write("half")
    stream.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("elsewhere", [True, False], ids=["on another host", "here"])
def test_temporary_files_of_a_process(sandbox, elsewhere):
    """What a process on another host is writing stays; what one that was killed here has left goes."""
    folder = sandbox.project / "data/mine/train"
    before = set(folder.iterdir())
    subprocess.run([sys.executable, "-c", KILLED.format(elsewhere=elsewhere), folder / "text"], cwd=sandbox.project)
    left = set(folder.iterdir()) - before
    assert left
    assert sandbox.make("check", "DIR=data/mine/train", "FIX=yes").code is not None
    sandbox.run([sys.executable, "-c", KILLED.format(elsewhere=False), str(folder / "utt2spk")])
    assert all(path.exists() == elsewhere for path in left)


# Numbers of something else, and ways out ----------------------------------------------------------------------------


def test_a_setting_that_is_refused_leaves_what_was_there(sandbox):
    """D: make data with a split that does not exist, and then without."""
    before = snapshot(sandbox.project / "data/mine")
    done = sandbox.make("data", "CORPUS=mine", "SPLIT=nonsense")
    assert done.code and not done.faults()
    again = sandbox.make("data", "CORPUS=mine")
    assert again.code == 0 and not again.faults(), again.said
    assert not [
        line
        for line in differences(before, snapshot(sandbox.project / "data/mine"))
        if not line.endswith(("made", "wav.scp"))
    ]  # paths of recordings outside the project are this copy's


@pytest.mark.parametrize("how", ["moved", "copied without times", "another user's times", "the corpus moved along"])
def test_a_project_elsewhere_has_nothing_to_do(sandbox, tmp_path, how):
    """E: wherever it lies and whatever its times, data/mine is made."""
    there = tmp_path / "there"
    if how == "copied without times":
        shutil.copytree(sandbox.root, there, symlinks=True, copy_function=shutil.copyfile)
        for path in there.rglob("bin/*"):
            path.chmod(0o755)
    elif how == "another user's times":
        copy(sandbox.root, there)
        for number, path in enumerate(sorted(there.rglob("data/mine/**/*"), key=lambda path: path.name[::-1])):
            os.utime(path, (1_700_000_000 - number, 1_700_000_000 - number))
    else:
        sandbox.root.rename(there)
    moved = Sandbox.at(there)
    moved.freshen()
    planned = moved.make("-n", "data", "CORPUS=mine")
    assert planned.code == 0 and not planned.faults() and "prepare_data" not in planned.out, planned.said
    done = moved.make("check", "CORPUS=mine")
    assert done.code == 0 and not done.faults(), done.said


@pytest.mark.parametrize("name", ["splits.json", "train/text", "dev/text", "test/text"])
@pytest.mark.parametrize("damage", ["deleted", "cut in half"])
def test_a_damaged_table_is_made_again_or_named(sandbox, name, damage):
    """D: make lexicon reads these; afterwards all is as it was, or the file is named."""
    path = sandbox.project / "data/mine" / name
    was = path.read_bytes()
    if damage == "deleted":
        path.unlink()
    else:
        path.write_bytes(was[: len(was) // 2])
    done = sandbox.make("lexicon", "CORPUS=mine")
    assert not done.faults(), done.faults()
    rebuilt = path.is_file() and path.read_bytes() == was
    named = done.code and name in " ".join(done.message)
    assert rebuilt or named, f"neither made again nor named: {done.said[-300:]}"
