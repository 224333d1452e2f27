"""Writing so that a killed run leaves no false target: to a temporary name first, renamed last."""
from __future__ import annotations

import contextlib
import functools
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any


@contextlib.contextmanager
def atomic_write(path: Path | str, mode: str = "w") -> Iterator[IO[Any]]:
    """Open a temporary file beside ``path``; rename it to ``path`` when the block ends without an error.

    Text is UTF-8 with ``\\n``. On an error the temporary file is removed and ``path`` stays as it was.
    """
    path = Path(path)
    temporary = _temporary(path)
    text = {} if "b" in mode else {"encoding": "utf-8", "newline": "\n"}
    try:
        with open(temporary, mode, **text) as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def scratch_dir(path: Path | str) -> Iterator[Path]:
    """Yield a fresh directory beside ``path`` that is gone afterwards."""
    scratch = _temporary(Path(path))
    scratch.mkdir()
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _temporary(path: Path) -> Path:
    """A name beside ``path`` for this process."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _clear(path.parent)
    return path.with_name(f".{path.name}.{os.getpid()}.tmp")


@functools.cache  # once per process and folder
def _clear(folder: Path) -> None:
    """Remove from ``folder`` what killed processes left under temporary names."""
    for old in folder.glob(".?*.*.tmp"):
        if not _alive(old.name.split(".")[-2]):
            shutil.rmtree(old) if old.is_dir() else old.unlink()


def _alive(pid: str) -> bool:
    """Whether the process that made a temporary name still runs (so that two runs do not clean up each other)."""
    try:
        os.kill(int(pid), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:
        pass  # it runs, as somebody else
    return int(pid) != os.getpid()


@contextlib.contextmanager
def atomic_dir(path: Path | str) -> Iterator[Path]:
    """Yield a fresh directory beside ``path`` that takes its place when the block ends without an error."""
    with scratch_dir(path) as scratch:
        yield scratch
        shutil.rmtree(path, ignore_errors=True)
        os.replace(scratch, path)


def write_json(path: Path | str, value: Any) -> None:
    """Write ``value`` as readable JSON, atomically."""
    with atomic_write(path) as stream:
        json.dump(value, stream, indent=1, ensure_ascii=False)
        stream.write("\n")


def write_lines(path: Path | str, lines: list[str]) -> None:
    """Write one line per item, atomically."""
    with atomic_write(path) as stream:
        stream.writelines(f"{line}\n" for line in lines)
