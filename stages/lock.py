"""One run of make at a time in a corpus: what one writes, no other reads or writes meanwhile.

Each stage leaves a lock file in every folder of phonoscope's that it works in (data/CORPUS, exp/CORPUS): which run of
make it belongs to, and whether it writes there. The kernel holds the lock and drops it when the process dies, so a
killed run locks nobody out. Stages of one run, which make keeps in order, never wait for each other.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from lexicon.errors import UserError
from lexicon.files import root_of

# Where there can be no lock a stage runs without: network file systems that have none, and folders it may not write
# to, which it will say itself if it has to.
WITHOUT = (errno.ENOLCK, errno.EOPNOTSUPP, errno.EACCES, errno.EPERM, errno.EROFS)
NAME = ".phonoscope-lock."  # begins the name of a lock file, which goes on with the process
TRIES, PAUSE_S = 10, 0.1  # two that began at once see each other, and both step back: for a second they try again


class Held(NamedTuple):
    """A lock file: where, the kernel's lock, and what it says."""

    path: Path
    descriptor: int


@contextlib.contextmanager
def alone(writes: Iterable[Path], reads: Iterable[Path], who: str) -> Iterator[int | None]:
    """Keep other runs away from the folders around ``writes`` and ``reads``; yields the time in ns on the disk's clock.

    UserError that says who is at work there already. The time is None where there can be no lock.
    """
    folders = {folder: False for path in reads if (folder := root_of(path))}
    folders |= {root_of(path) or Path(os.path.abspath(path)).parent: True for path in writes}
    held: list[Held] = []
    try:
        for folder, write in sorted(folders.items()):
            lock = _patiently(folder, write, who)
            if lock is not None:
                held.append(lock)
        yield os.fstat(held[-1].descriptor).st_mtime_ns if held else None
    finally:
        for lock in held:
            lock.path.unlink(missing_ok=True)
            os.close(lock.descriptor)


def _patiently(folder: Path, write: bool, who: str) -> Held | None:
    """The lock of this process in ``folder``; None where there can be none; UserError if another run is there."""
    run = os.environ.get("PHONOSCOPE_RUN") or _of_torchrun() or f"{os.getpid()}.{time.time_ns()}"
    for attempt in range(TRIES):
        lock = _take(folder, f"{run} {'writes' if write else 'reads'} {who} (process {os.getpid()})")
        if lock is None:
            return None
        other = _others(folder, lock.path, run, write)
        if other is None:
            return lock
        lock.path.unlink(missing_ok=True)
        os.close(lock.descriptor)
        time.sleep(PAUSE_S * (1 + os.getpid() % 7 / 7))
    raise UserError(
        f"{folder}: {other} is at work there; wait until it is done, or stop it, and run the same command again"
    )


def _of_torchrun() -> str:
    """What the processes of one torchrun have in common (its own id is "none" for all that were given none); or ""."""
    variables = ("TORCHELASTIC_RUN_ID", "MASTER_ADDR", "MASTER_PORT")
    return ".".join(os.environ.get(name, "") for name in variables) if variables[0] in os.environ else ""


def _take(folder: Path, line: str) -> Held | None:
    path = folder / f"{NAME}{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)  # of a dead process with our number, here or in another container
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
    except OSError as error:
        if error.errno in WITHOUT:
            return None
        raise
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.write(descriptor, line.encode())
    except OSError as error:
        os.close(descriptor)
        path.unlink(missing_ok=True)
        if error.errno in WITHOUT:
            return None
        raise
    return Held(path, descriptor)


def _others(folder: Path, own: Path, run: str, write: bool) -> str | None:
    """Who of another run is at work in ``folder`` so that we may not; locks of dead processes are taken away."""
    for path in folder.glob(f"{NAME}*"):
        if path == own:
            continue
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError:
            continue  # gone meanwhile, or no lock of ours: a link
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink(missing_ok=True)
        except BlockingIOError:
            whose, doing, who = (os.pread(descriptor, 200, 0).decode(errors="replace").split(" ", 2) + ["", ""])[:3]
            if whose != run and (write or doing != "reads"):
                return who or "another process"
        finally:
            os.close(descriptor)
    return None
