"""Writing so that a killed run leaves no false target: to a temporary name first, renamed last."""
from __future__ import annotations

import contextlib
import errno
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
    except OSError as error:
        error.filename = error.filename or str(path)  # a full disk does not say where
        raise
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
            _remove(old)


def _remove(path: Path) -> None:
    """Remove a file, link or folder; another process may be doing the same."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _alive(pid: str) -> bool:
    """Whether the process that made a temporary name still runs (so that two runs do not clean up each other)."""
    try:
        os.kill(int(pid), 0)
    except (ValueError, OverflowError, ProcessLookupError):
        return False
    except PermissionError:
        pass  # it runs, as somebody else
    return int(pid) != os.getpid()


@contextlib.contextmanager
def atomic_dir(path: Path | str) -> Iterator[Path]:
    """Yield a fresh directory beside ``path`` that takes its place when the block ends without an error.

    The old one is moved aside first and deleted last: it is there as a whole, or not at all. A file or a link in its
    place stays, and is an OSError.
    """
    path = Path(path)
    if path.is_symlink() or (path.exists() and not path.is_dir()):
        raise NotADirectoryError(errno.ENOTDIR, "a file or link is where a folder should be", str(path))
    with scratch_dir(path) as scratch:
        yield scratch
        with scratch_dir(path.with_name(f"{path.name}.old")) as aside:
            old = aside / path.name
            if path.is_dir() and not path.is_symlink():
                os.rename(path, old)
            try:
                os.rename(scratch, path)
            except OSError:
                if old.exists():
                    os.rename(old, path)
                raise


def folder_from(base: Path, written: str) -> Path:
    """The folder that a file in the folder ``base`` names: relative to ``base``, so that both can be moved together, or
    (in older files) to the current folder."""
    found = Path(os.path.normpath(base / written))
    return found if found.exists() or not Path(written).exists() else Path(written)


def read_json(path: Path | str) -> Any:
    """The value in a JSON file. OSError if it cannot be read, ValueError if it is not JSON that `write_json` may have
    written: not UTF-8, nested without end, or with one name twice in an object."""
    if not Path(path).is_file():
        raise FileNotFoundError(errno.ENOENT, "no such file", str(path))  # a pipe in its place would be waited for
    try:
        return json.loads(Path(path).read_bytes(), object_pairs_hook=_once)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        raise ValueError("a name occurs twice in an object")
    return value


def write_json(path: Path | str, value: Any) -> None:
    """Write ``value`` as readable JSON, atomically."""
    with atomic_write(path) as stream:
        json.dump(value, stream, indent=1, ensure_ascii=False)
        stream.write("\n")


def write_lines(path: Path | str, lines: list[str]) -> None:
    """Write one line per item, atomically."""
    with atomic_write(path) as stream:
        stream.writelines(f"{line}\n" for line in lines)
