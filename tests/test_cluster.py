"""Work on a real cluster of dask: separate processes, of which one is killed midway, and one comes late."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from bad_inputs.place import PROJECT
from helpers.cluster import PATIENCE_S, Cluster

from lexicon.errors import UserError
from pipeline.base import cluster as far
from pipeline.base.parallel import CLUSTER, each
from pipeline.base.spill import OnDisk


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    started = Cluster(tmp_path_factory.mktemp("cluster"), workers=2)
    yield started
    started.close()


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(far, "WORKERS_S", PATIENCE_S)


@pytest.fixture
def there(two: Cluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Cluster:
    monkeypatch.setenv(CLUSTER, two.address)
    monkeypatch.chdir(tmp_path)
    return two


def test_results_come_in_order_from_several_processes_elsewhere(there, tmp_path):
    """With what the function refers to, a file that lies in the working directory, and one that each reads a bit of."""
    matrix = np.random.default_rng(0).normal(size=(40, 7))
    Path("seven").write_text("7")
    values = OnDisk(tmp_path, ((str(i), matrix[i]) for i in range(40)))

    def total(index: int) -> tuple[np.ndarray, int]:
        time.sleep(0.05 * (index % 3))
        return matrix[:index].sum(0) * int(Path("seven").read_text()) + values[str(index)], os.getpid()

    found = list(each(total, range(40), 1, spread=True))
    for index, (rows, process) in enumerate(found):
        assert (rows == matrix[:index].sum(0) * 7 + matrix[index]).all() and process != os.getpid()
    assert {process for _, process in found} <= {worker.pid for worker in there.workers}
    assert len({process for _, process in found}) == 2


def test_what_is_not_to_be_spread_stays_here(there):
    assert [process for process in each(lambda _: os.getpid(), range(3))] == [os.getpid()] * 3


def test_what_cannot_be_sent_is_computed_here(there):
    lock = threading.Lock()

    def locked(index: int) -> int:
        with lock:
            return os.getpid()

    assert list(each(locked, range(3), spread=True)) == [os.getpid()] * 3


def test_what_is_spread_in_a_worker_stays_there(there):
    def inner(index: int) -> tuple[int, list[int]]:
        return os.getpid(), list(each(lambda _: os.getpid(), range(3), spread=True))

    for process, inside in each(inner, range(4), 2):
        assert process != os.getpid() and inside == [process] * 3


def test_errors_come_as_they_are(there):
    def fail(index: int) -> int:
        if index == 3:
            raise UserError("3: unlucky")
        return 1 // (index - 7)

    found = each(fail, range(9), spread=True)
    assert [next(found) for _ in range(3)] == [-1, -1, -1]
    with pytest.raises(UserError, match="3: unlucky"):
        next(found)
    with pytest.raises(ZeroDivisionError):
        list(each(fail, [6, 7], spread=True))


def test_a_file_for_others_is_the_users_alone_and_goes_with_what_holds_it(there, tmp_path):
    values = OnDisk(tmp_path, [("a", 1), ("b", [2])])
    (file,) = tmp_path.glob(".spill*")
    assert file.stat().st_mode & 0o777 == 0o600
    again = pickle.loads(pickle.dumps(values))
    assert dict(again) == {"a": 1, "b": [2]}
    del values
    assert not list(tmp_path.glob(".spill*")) and again["b"] == [2]


def test_only_a_few_are_sent_ahead(there):
    taken = 0

    def items() -> Iterator[int]:
        nonlocal taken
        for index in range(1000):
            taken = index
            yield index

    found = each(lambda index: index, items(), spread=True)
    assert next(found) == 0 and taken < 2 * far.AHEAD + 2
    found.close()


def test_one_that_is_killed_midway_is_not_missed_and_one_that_comes_late_gets_work(tmp_path, monkeypatch):
    """The numbers are those of an undisturbed run. There is work until the late one has done some."""
    rows = np.random.default_rng(1).normal(size=(60, 50))

    def work(index: int) -> tuple[np.ndarray, int]:
        time.sleep(0.1)
        return np.exp(rows[: index % 60 + 1]).sum(0), os.getpid()

    cluster, done, late = Cluster(tmp_path, workers=2), [], []

    def items() -> Iterator[int]:
        for index in range(round(PATIENCE_S / 0.1)):
            yield index
            if index > 60 and late[0].pid in {process for _, process in done}:
                return

    try:
        monkeypatch.setenv(CLUSTER, cluster.address)
        for result in each(work, items(), spread=True):
            done.append(result)
            if len(done) == 20:
                killed = done[-1][1]
                next(worker for worker in cluster.workers if worker.pid == killed).send_signal(signal.SIGKILL)
                late.append(cluster.worker())
    finally:
        cluster.close()
    assert all((one == np.exp(rows[: index % 60 + 1]).sum(0)).all() for index, (one, _) in enumerate(done))
    assert len(done) > 60 and {killed, late[0].pid} < {process for _, process in done}
    assert killed not in {process for _, process in done[-20:]}


def test_no_cluster_at_the_address_ends_in_one_line(tmp_path, monkeypatch, two):
    monkeypatch.setattr(far, "ANSWER_S", 1)
    monkeypatch.setattr(far, "WORKERS_S", 1)
    for address, says in (
        ("tcp://127.0.0.1:9", "ADDRESS=tcp://127.0.0.1:9: no scheduler of dask answers there"),
        ("nonsense://x", "no scheduler of dask answers there"),
    ):
        monkeypatch.setenv(CLUSTER, address)
        with pytest.raises(UserError) as error:
            list(each(abs, range(3), spread=True))
        assert says in str(error.value) and "\n" not in str(error.value)
    idle = Cluster(tmp_path / "idle")
    try:
        monkeypatch.setenv(CLUSTER, idle.address)
        with pytest.raises(UserError, match="no worker there after 1 s; start some: dask worker tcp://"):
            list(each(abs, range(3), spread=True))
        idle.worker(threads=2)
        monkeypatch.setattr(far, "WORKERS_S", PATIENCE_S)
        with pytest.raises(UserError, match="has 2 threads; start it with --nthreads 1"):
            list(each(abs, range(3), spread=True))
    finally:
        idle.close()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["JOBS=dask"], "ADDRESS=: name a scheduler of dask: tcp://HOST:8786"),
        (["JOBS=dask", "ADDRESS=host:8786"], "ADDRESS=host:8786: name a scheduler"),
        (["JOBS=dask", "ADDRESS=tcp://$(touch x):1"], "name a scheduler"),
        (["JOBS=4"], "JOBS=4: write here or dask"),
    ],
)
def test_make_says_what_a_cluster_is_called(words, says):
    done = subprocess.run(["make", "-n", "help", *words], cwd=PROJECT, capture_output=True, text=True)
    assert done.returncode == 2 and says in done.stderr, done.stderr
