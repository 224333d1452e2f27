"""One thread a process; the same results in the same order however many processes; none that outlives its parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lexicon.errors import UserError
from pipeline.base.parallel import CORES, Cores, Crew, each

PROJECT = Path(__file__).resolve().parents[1]
THREADS = """
import numpy as np, scipy.linalg, sklearn.linear_model, torch
from threadpoolctl import threadpool_info
def threads(_):
    pools = {pool["filepath"].rsplit("/", 1)[-1]: pool["num_threads"] for pool in threadpool_info()}
    return {**pools, "torch": torch.get_num_threads()}
"""
AFTER = "import pipeline.base.parallel\n" + THREADS  # as a stage
BEFORE = THREADS + "import pipeline.base.parallel\n"  # numpy is there already, as in a test


@pytest.mark.parametrize("program", [AFTER, BEFORE], ids=["loaded later", "loaded before"])
def test_one_thread_in_a_process_and_its_workers(program: str):
    """Whatever the environment says, for each BLAS and OpenMP library that is loaded, and for PyTorch."""
    more = "print(threads(0), *pipeline.base.parallel.each(threads, range(2), 2), sep='\\n')"
    user = {name: "2" for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")}
    done = subprocess.run(
        [sys.executable, "-c", program + more],
        cwd=PROJECT,
        env={**os.environ, **user},
        text=True,
        capture_output=True,
        check=True,
    )
    found = [eval(line) for line in done.stdout.splitlines()]
    assert len(found) == 3 and len(found[0]) > 3
    assert {count for pools in found for count in pools.values()} == {1}


def square(number: int) -> tuple[int, int]:
    time.sleep(0.01 * (number % 3))  # some come later than those behind them
    if number == 13:
        raise UserError("13: unlucky")
    return number**2, os.getpid()


def test_results_come_in_order_from_several_processes():
    for jobs in (1, 2, 3, 20):
        found = list(each(square, range(10), jobs))
        assert [value for value, _ in found] == [n**2 for n in range(10)]
        assert (os.getpid() in {process for _, process in found}) == (jobs == 1)
        assert len({process for _, process in found}) <= min(jobs, 10)
    assert list(each(square, [], 2)) == []
    assert [process for _, process in each(square, [3], 2)] == [os.getpid()]  # for one item none is started


def test_it_draws_only_a_few_items_ahead():
    drawn = []
    results = each(square, (drawn.append(n) or n for n in range(1000) if n != 13), 2)
    next(results)
    time.sleep(0.3)
    assert len(drawn) < 20
    results.close()


def test_an_error_is_raised_in_its_place():
    results, found = each(square, range(11, 16), 2), []
    with pytest.raises(UserError, match="^13: unlucky$"):
        for value, _ in results:
            found.append(value)
    assert found == [121, 144]


def test_a_worker_that_is_killed_is_named():
    with pytest.raises(UserError, match="killed, most likely for want of memory"):
        list(each(lambda number: os.kill(os.getpid(), signal.SIGKILL), range(3), 2))


def alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


FAMILY = """
import os, time
from pipeline.base.parallel import CORES, each
def linger(_):
    os.write(1, f"{os.getpid()}\\n".encode())  # at once: two of them write
    time.sleep(60)
with CORES.one(2):
    list(each(linger, range(2), 2))
"""


@pytest.fixture
def family(tmp_path: Path):
    """A process with two workers that have the two cores of ``tmp_path``: (the process, the workers' numbers)."""
    process = subprocess.Popen(
        [sys.executable, "-c", FAMILY],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PHONOSCOPE_CORES": str(tmp_path)},
    )
    yield process, [int(process.stdout.readline()) for _ in range(2)]
    process.kill()
    process.wait()


def test_workers_do_not_outlive_a_killed_parent_nor_keep_its_cores(family, tmp_path: Path, monkeypatch):
    monkeypatch.setenv("PHONOSCOPE_CORES", str(tmp_path))
    process, workers = family
    cores = Cores()
    assert all(map(alive, workers)) and cores.grow(2, 2) == 0
    process.kill()
    process.wait()
    until = time.monotonic() + 5
    while any(map(alive, workers)) and time.monotonic() < until:
        time.sleep(0.01)
    assert not any(map(alive, workers)) and cores.grow(2, 2) == 2
    cores.shrink(0)


def test_stages_share_the_cores(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("PHONOSCOPE_CORES", str(tmp_path / "new"))
    one, other = Cores(), Cores()
    assert (one.grow(1, 2), other.grow(2, 2), one.grow(2, 2)) == (1, 1, 1)
    other.shrink(0)
    assert one.grow(2, 2) == 2
    with pytest.raises(TimeoutError):
        monkeypatch.setattr(time, "sleep", lambda seconds: (_ for _ in ()).throw(TimeoutError))
        with other.one(2):
            pass
    one.shrink(0)
    with other.one(2):
        assert len(other.held) == 1
    assert not other.held


def test_a_crew_leaves_as_many_cores_held_as_it_found(tmp_path: Path, monkeypatch):
    """A process outside make's stages, such as a test, would keep the core from all stages for ever."""
    monkeypatch.setenv("PHONOSCOPE_CORES", str(tmp_path))
    list(each(square, range(4), 2))
    assert not CORES.held and (other := Cores()).grow(2, 2) == 2
    other.shrink(0)
    with CORES.one(2):
        list(each(square, range(4), 2))
        assert len(CORES.held) == 1


def test_where_nothing_can_be_locked_work_goes_on(tmp_path: Path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("PHONOSCOPE_CORES", str(tmp_path / "file"))
    assert Cores().grow(2, 2) == 2
    (tmp_path / "victim").write_text("kept")
    (tmp_path / "core0").symlink_to("victim")
    monkeypatch.setenv("PHONOSCOPE_CORES", str(tmp_path))
    assert Cores().grow(1, 1) == 1 and (tmp_path / "victim").read_text() == "kept"


def test_a_crew_sees_shared_memory_alone():
    kept = [1]
    with Crew(lambda number: kept[0] * number, 2) as crew:
        kept[0] = 10
        assert list(crew.map(range(4))) == [0, 1, 2, 3]
        assert list(crew.map(range(2))) == [0, 1]
