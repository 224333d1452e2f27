"""One run at a time: a lock beside what a stage writes, which the kernel releases when the process dies."""
from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from lexicon.errors import UserError

# Where there can be no lock a stage runs without: network file systems that have none, and folders it may not write
# to, which it will say itself if it has to.
WITHOUT = (errno.ENOLCK, errno.EOPNOTSUPP, errno.EACCES, errno.EPERM, errno.EROFS)


@contextlib.contextmanager
def alone(path: Path, who: str) -> Iterator[None]:
    """Hold the lock of ``path``, the hidden file .NAME.lock beside it; UserError that says who holds it already.

    The file is deleted while it is still held, so that nothing is left lying about. ``who`` is told to the others.
    """
    path = Path(os.path.abspath(path))
    lock = path.with_name(f".{path.name}.lock")
    held = _take(lock, path)
    if held is None:
        yield
        return
    try:
        os.ftruncate(held, 0)
        os.write(held, f"{who} (process {os.getpid()})".encode())
        yield
    finally:
        lock.unlink(missing_ok=True)
        os.close(held)


def _take(lock: Path, path: Path) -> int | None:
    """The locked file's descriptor; None where there can be none."""
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        held = os.open(lock, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        if error.errno in WITHOUT:
            return None
        raise
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(held).st_nlink:
            return held
    except BlockingIOError:
        at_work = os.pread(held, 200, 0).decode(errors="replace") or "another process"
        os.close(held)
        raise UserError(f"{path}: {at_work} is at work there; wait until it is done, or stop it, and run the same "
                        f"command again") from None
    except OSError as error:
        os.close(held)
        if error.errno in WITHOUT:
            return None
        raise
    os.close(held)  # it was deleted between being opened and being locked
    return _take(lock, path)
