"""Two stages at a time, and stages that are stopped: nobody harms the other's files, and no lock stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bad_inputs.place import COMMANDS, PROJECT, Place, program
from bad_inputs.running import one_line, started, wait_for


def test_the_second_of_two_is_told_who_is_at_work_and_a_killed_one_leaves_no_lock(
    finished: Place, tmp_path: Path
) -> None:
    place = finished.copy(tmp_path / "place")
    lock, log = "*/toy/.phonoscope-lock.*", place / "exp/toy/gmm/train.log"
    before = (place / "exp/toy/gmm/model.safetensors").read_bytes()
    log.unlink()
    with started(place, "train_gmm", "--warm-up", "100000") as first:
        wait_for(log.exists, first)
        for stage, where in (("train_gmm", "exp/toy"), ("align", "exp/toy"), ("make_lang", "data/toy")):
            assert one_line(stage, place.stage(stage)) == (
                f"{program(stage)}: {place / where}: train (process {first.pid}) is at work there; wait until it is"
                f" done, or stop it, and run the same command again\n"
            )
        assert place.stage("train_gmm", "--out", "exp/other/gmm").returncode == 0  # data that both only read
    assert len(list(place.root.glob(lock))) == 2 and (place / "exp/toy/gmm/model.safetensors").read_bytes() == before
    assert place.stage("train_gmm").returncode == 0 and not list(place.root.glob(lock))


@pytest.mark.parametrize(
    ("variables", "together"),
    [
        ({"PHONOSCOPE_RUN": "1.2"}, True),
        ({"TORCHELASTIC_RUN_ID": "none", "MASTER_ADDR": "here", "MASTER_PORT": "29500"}, True),
        ({"MASTER_PORT": "29500"}, False),  # people export it for programs of their own
    ],
)
def test_stages_of_one_run_work_side_by_side(
    finished: Place, tmp_path: Path, monkeypatch, variables: dict[str, str], together: bool
) -> None:
    """Of one make, or of one torchrun."""
    place = finished.copy(tmp_path / "place")
    (place / "exp/toy/gmm/train.log").unlink()
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with started(place, "train_gmm", "--warm-up", "100000") as first:
        wait_for((place / "exp/toy/gmm/train.log").exists, first)
        done = subprocess.run(
            [sys.executable, "-m", "stages.align", *COMMANDS["align"].split()],
            cwd=place.root,
            text=True,
            env={**os.environ, "PYTHONPATH": str(PROJECT)},
            capture_output=True,
        )
        assert (done.returncode == 0) == together, done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_stopped_run_harms_nothing_and_goes_on(finished: Place, tmp_path: Path, number: signal.Signals) -> None:
    place = finished.copy(tmp_path / "place")
    before = place.snapshot()
    with started(place, "decode", "--model", "exp/toy/neural", "--out", "exp/toy/neural/decode_test") as decode:
        wait_for(
            lambda: list((place / "exp/toy/neural").glob(".decode_test.*-tmp/lattices/words/.lattices.*-tmp")), decode
        )
        decode.send_signal(number)
        out, err = decode.communicate()
    assert decode.returncode != 0 and not out
    if number == signal.SIGINT:
        assert err == "decode: interrupted; the same command goes on from here\n"
    litter = {name for name in place.snapshot() if name not in before}
    assert all("-tmp/" in name or "/.phonoscope-lock." in name for name in litter)
    assert (litter == set()) == (number == signal.SIGINT)
    del before["exp/toy/neural/decode_test/hyp.txt.made"]  # so make runs it again
    assert {name: content for name, content in place.snapshot().items() if name not in litter} == before
    done = place.stage("decode", "--model", "exp/toy/neural", "--out", "exp/toy/neural/decode_test")
    scores = {name for name in before if "neural/decode_test/" in name and ("er.txt" in name)}  # of the decode before
    made = {"exp/toy/neural/decode_test/hyp.txt.made"}
    assert done.returncode == 0 and place.snapshot().keys() == before.keys() - scores | made


def test_many_at_once_on_one_output_all_end_well(finished: Place, tmp_path: Path) -> None:
    """However their locks interleave, each ends with its result or with the line, and no lock is left."""
    place = finished.copy(tmp_path / "place")
    script = (
        f"import sys, time, pathlib; sys.path.insert(0, {str(PROJECT)!r}); sys.argv = ['stage.py']\n"
        "from lexicon.errors import UserError; from stages.lock import alone\n"
        "held = pathlib.Path('held')\n"
        "for turn in range(30):\n"
        "    try:\n"
        "        with alone([pathlib.Path('out/put')], [], 'one'):\n"
        "            held.mkdir(); held.rmdir()\n"  # fails if somebody else is within
        "    except UserError as error:\n"
        "        assert ' is at work there; ' in str(error), error\n"
    )
    crowd = [subprocess.Popen([sys.executable, "-c", script], cwd=place.root, stderr=subprocess.PIPE) for _ in range(3)]
    assert [process.communicate()[1] for process in crowd] == [b""] * 3
    assert list((place / "out").iterdir()) == []


def test_a_reader_that_hangs_up_is_one_line(finished: Place, tmp_path: Path) -> None:
    place = finished.copy(tmp_path / "place")
    with started(place, "show_lattice") as process:
        process.stdout.close()
        assert process.stderr.read() == (
            "show_lattice: nobody reads the output any more (a pipe was closed); run the same command again\n"
        )
        assert process.wait() == 1
