"""A function applied to utterances in several processes, of which no more work at a time than there are cores.

Workers are forked, so they share the models, graphs and libraries of their parent without loading or sending them. Two
start in 0.08 s; joblib's, which import everything again, take 11 s and 14 s of processor time. They die with their
parent, even if it is killed. Where a fork is not safe (anywhere but on Linux) everything runs in one process.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import gc
import multiprocessing
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkProcess
from pathlib import Path
from typing import Any, TypeVar, cast

from lexicon.errors import UserError

Item = TypeVar("Item")
Result = TypeVar("Result")

CLUSTER = "PHONOSCOPE_CLUSTER"  # the environment variable with the address of a scheduler of dask
AHEAD = 4  # results that may wait for an earlier one, for each worker: this bounds memory
POLL_S = 0.2  # seconds between two attempts to take a core
PR_SET_PDEATHSIG = 1  # of Linux's prctl(2)


class Cores:
    """The cores that this stage holds, of those that all stages of one `make` share.

    Each core is a file in the folder that the environment variable PHONOSCOPE_CORES names; to hold its lock is to have
    the core. The kernel frees the locks of a killed process. A stage waits only for its first core, when it holds no
    other, so stages cannot wait for each other. Without the variable, or where files cannot be locked, every request is
    granted.
    """

    def __init__(self) -> None:
        self.held: list[int] = []

    @contextlib.contextmanager
    def one(self, of: int) -> Iterator[None]:
        """Hold at least one of ``of`` cores within the block; waits until one is free."""
        while self.grow(1, of) < 1:
            time.sleep(POLL_S)
        try:
            yield
        finally:
            self.shrink(0)

    def grow(self, wanted: int, of: int) -> int:
        """Take free cores until ``wanted`` are held; returns how many are."""
        folder = os.environ.get("PHONOSCOPE_CORES")
        if not folder:
            return wanted
        try:
            Path(folder).mkdir(parents=True, exist_ok=True)
            for number in range(of):
                if len(self.held) < wanted and (core := _lock(Path(folder) / f"core{number}")) is not None:
                    self.held.append(core)
        except OSError:  # a file system without locks, or a folder where nothing may be written
            return wanted
        return len(self.held)

    def shrink(self, wanted: int) -> None:
        """Give cores back until ``wanted`` are held."""
        while len(self.held) > wanted:
            core = self.held.pop()
            fcntl.flock(core, fcntl.LOCK_UN)  # closing is not enough: workers have it open as well
            os.close(core)


def _lock(path: Path) -> int | None:
    """The file's descriptor, locked; None if another has it, this process as well."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        return None
    except OSError:
        os.close(file)
        raise
    return file


CORES = Cores()


class Crew:
    """Worker processes that apply ``function`` to the items they are sent; to be used in a `with` statement.

    They are copies of this process as it was when they started; later changes reach them only through shared memory.
    ``of`` is how many cores all stages share, at least ``size``.
    """

    def __init__(self, function: Callable[[Item], Result], size: int, of: int = 0):
        context = multiprocessing.get_context("fork")
        self.of = max(of, size)
        self.pipes: list[Connection] = []
        self.processes: list[ForkProcess] = []
        self.had = len(CORES.held)
        sys.stdout.flush()
        sys.stderr.flush()
        for _ in range(size):
            ours, theirs = context.Pipe()
            process = context.Process(target=_work, args=(function, theirs, os.getpid()), daemon=True)
            process.start()
            theirs.close()
            self.pipes.append(ours)
            self.processes.append(process)

    def __enter__(self) -> Crew:
        return self

    def __exit__(self, *error: object) -> None:
        for process in self.processes:
            process.kill()  # it is idle, or its result is no longer wanted
        for process, pipe in zip(self.processes, self.pipes):
            process.join()
            pipe.close()
        CORES.shrink(self.had)

    def map(self, items: Iterable[Item]) -> Iterator[Result]:
        """The results in the order of ``items``; an error is raised in the place of its result."""
        numbered, idle, wanted = enumerate(items), list(self.pipes), 0
        at_work: dict[Connection, int] = {}
        done: dict[int, tuple[bool, Any]] = {}
        more = True
        while True:
            while more and idle and len(done) < AHEAD * len(self.pipes) and self._core_for_one_more(len(at_work)):
                more = (task := next(numbered, None)) is not None
                if task is not None:
                    pipe = idle.pop()
                    at_work[pipe] = task[0]
                    with _alive():
                        pipe.send(task[1])
            if not more:
                CORES.shrink(max(1, len(at_work)))
            if wanted in done:
                yield _opened(done.pop(wanted))
                wanted += 1
            elif not at_work:
                return
            else:
                ready = wait(list(at_work), POLL_S if more and idle else None)
                for pipe in cast("list[Connection]", ready):  # `wait` takes sockets as well
                    with _alive():
                        done[at_work.pop(pipe)] = pipe.recv()
                    idle.append(pipe)

    def _core_for_one_more(self, busy: int) -> bool:
        return not busy or CORES.grow(busy + 1, self.of) > busy


def _work(function: Callable[[Item], Result], pipe: Connection, parent: int) -> None:
    """In a worker: answer each item with (True, result) or (False, error)."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before that
        return
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent as well, which ends its workers
    os.environ.pop(CLUSTER, None)  # what is spread here stays here
    gc.freeze()  # garbage collection would copy the memory that is shared with the parent
    while True:
        item = pipe.recv()
        answer: tuple[bool, Any]
        try:
            answer = True, function(item)
        except Exception as error:
            if not isinstance(error, UserError):
                error.add_note(traceback.format_exc())
            answer = False, error
        pipe.send(answer)


@contextlib.contextmanager
def _alive() -> Iterator[None]:
    """Around communication with a worker: UserError if it has died."""
    try:
        yield
    except (EOFError, ConnectionError) as error:
        raise UserError(
            "a worker process was killed, most likely for want of memory; close other programs, or use"
            " fewer: --jobs 1 (NJ=1)"
        ) from error


def _opened(answer: tuple[bool, Any]) -> Any:
    good, value = answer
    if not good:
        raise value
    return value


def each(
    function: Callable[[Item], Result], items: Iterable[Item], jobs: int = 1, spread: bool = False
) -> Iterator[Result]:
    """``function`` of each item, in order, computed in ``jobs`` processes; in this one if there is one job or one item.

    It streams: only a few items and results are held at a time. They are sent from process to process, so let
    ``function`` read and write what is large. Results do not depend on ``jobs``. What may be ``spread`` over machines
    is computed by the cluster that the environment variable PHONOSCOPE_CLUSTER names, if it names one, however many
    ``jobs`` there are: of files the function must read only those that all machines see. One that cannot be sent is
    computed here.
    """
    items = iter(items)
    address = os.environ.get(CLUSTER) if spread else None
    first = list(islice(items, max(jobs, 2) if address else jobs))
    if address and len(first) > 1:
        from pipeline.base.cluster import ClusterCrew, pickled  # what it needs is there only where it is wanted

        if sent := pickled(function):
            with ClusterCrew(sent, address) as far:
                yield from far.map(chain(first, items))
            return
    if len(first) < 2 or jobs < 2 or sys.platform != "linux":
        yield from map(function, chain(first, items))
        return
    with Crew(function, len(first), jobs) as crew:
        yield from crew.map(chain(first, items))
