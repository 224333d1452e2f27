"""One training in several processes of torchrun: the numbers of one process, and one that dies ends all."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from helpers.projects import copied_project, make

DATA = ("--data", "data/mine/train", "--dev", "data/mine/dev", "--lang", "data/mine/lang")
SMALL = ("--conv-layers", "0", "--min-updates", "3", "--width", "8", "--parts", "3", "--epochs", "4")


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    root = copied_project(tmp_path_factory.mktemp("project"))
    make(root, "mfcc", "lexicon")
    return root


def command(*options: str, ranks: int = 0) -> list[str]:
    start = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(ranks)] if ranks else []
    return [sys.executable, *start, "-m", "stages.train", *DATA, *options]


def train(project: Path, *options: str, ranks: int = 0) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command("--system", "ctc", *SMALL, *options, ranks=ranks), cwd=project, capture_output=True, text=True
    )


@pytest.fixture(scope="module")
def alone(project) -> Path:
    """Trained by one process."""
    done = train(project, "--out", "exp/mine/alone")
    assert done.returncode == 0, done.stderr
    return project / "exp/mine/alone"


def test_two_processes_compute_what_one_does_and_one_writes(project, alone):
    """Three parts for two processes: one has two of them."""
    done = train(project, "--out", "exp/mine/two", ranks=2)
    assert done.returncode == 0, done.stderr
    two = project / "exp/mine/two"
    for name in ("train.log", "model.safetensors"):
        assert (two / name).read_bytes() == (alone / name).read_bytes()
    files = {path.name for path in two.iterdir()}
    assert files == {"meta.json", "model.safetensors", "model.safetensors.made", "tensorboard", "train.log"}
    assert done.stdout.count("dev PER") == 1


def test_a_process_that_is_killed_ends_all_and_the_next_run_goes_on(project, alone):
    out = project / "exp/mine/killed"
    options = ("--out", "exp/mine/killed")
    running = subprocess.Popen(
        command("--system", "ctc", *SMALL, *options, ranks=2),
        cwd=project,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    while not (out / "checkpoint.safetensors").exists():
        assert running.poll() is None
        time.sleep(0.02)
    children = Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split()
    os.kill(int(children[-1]), signal.SIGKILL)
    assert running.wait(timeout=60) != 0
    assert not (out / "model.safetensors").exists()
    assert train(project, *options, ranks=2).returncode == 0
    assert (out / "model.safetensors").read_bytes() == (alone / "model.safetensors").read_bytes()


def test_what_is_no_network_is_not_trained_so(project):
    there = command("--system", "gmm", "--out", "exp/mine/gmm", ranks=2)
    done = subprocess.run(there, cwd=project, capture_output=True, text=True)
    assert done.returncode != 0
    assert "train: --system gmm: only a network is trained by several processes of torchrun" in done.stderr


def test_bfloat16_learns_nearly_the_same(project, alone):
    """Weights and loss are float32: the curves stay together."""
    done = train(project, "--out", "exp/mine/half", "--precision", "bfloat16")
    assert done.returncode == 0, done.stderr
    logs = [(folder / "train.log").read_text() for folder in (alone, project / "exp/mine/half")]
    exact, near = ([float(loss) for loss in re.findall(r"loss per phone (\S+)", log)] for log in logs)
    assert exact != near and near == pytest.approx(exact, rel=0.03)
