"""Writing files so that a killed run leaves no incomplete target, no file of the user is lost, and none is written
elsewhere.

Files are written under a temporary name and renamed last, which replaces a link in their place instead of following it.
Only folders of phonoscope are replaced and removed: they, or a folder around them, hold a file .phonoscope.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import hashlib
import itertools
import json
import os
import platform
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

from lexicon.errors import UserError, reading

MARKER = ".phonoscope"  # in a folder whose contents are phonoscope's to replace and to remove
# .NAME.MACHINE-PID-START-COUNT.phonoscope-tmp
TEMPORARY = re.compile(r"\..+\.([0-9a-f]{8})-(\d+)-(\d*)-\d+\.phonoscope-tmp")

_written: set[Path] | None = None  # what `noting` collects
_count = itertools.count()  # no two temporary names of a process are alike


@contextlib.contextmanager
def noting() -> Iterator[set[Path]]:
    """Collect the paths of all files that this process puts in place by the functions here."""
    global _written
    written: set[Path] = set()
    _written = written
    try:
        yield written
    finally:
        _written = None


def _note(*paths: Path) -> None:
    if _written is not None:
        _written.update(Path(os.path.abspath(path)) for path in paths)


def root_of(path: Path | str) -> Path | None:
    """The outermost folder around ``path``, or ``path`` itself, that is phonoscope's own; None if there is none."""
    path = Path(os.path.abspath(path))
    return next((folder for folder in (*reversed(path.parents), path) if os.path.lexists(folder / MARKER)), None)


@contextlib.contextmanager
def atomic_write(path: Path | str, mode: str = "w") -> Iterator[IO[Any]]:
    """Open a temporary file beside ``path``; rename it to ``path`` when the block ends without an error.

    Text is UTF-8 with ``\\n``. On an error the temporary file is removed and ``path`` stays as it was.
    """
    path = Path(path)
    temporary = _temporary(path)
    encoding, newline = (None, None) if "b" in mode else ("utf-8", "\n")
    try:
        with open(temporary, mode.replace("w", "x"), encoding=encoding, newline=newline) as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
        _note(path)
    except OSError as error:
        error.filename = error.filename or str(path)  # a full disk does not say where
        raise
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def log_file(path: Path | str) -> Iterator[IO[str]]:
    """Open a fresh text file that can be read while it is written, in place of what was there."""
    path = Path(path)
    _inside(path.parent)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with open(path, "x", encoding="utf-8") as stream:
        yield stream
    _note(path)


def grow_file(path: Path | str, data: bytes) -> None:
    """Let the file ``path`` hold ``data``. Where it holds the beginning of that, the rest is added to it, for programs
    that keep it open and read along; else it is replaced, atomically."""
    path = Path(path)
    _inside(path.parent)
    held = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
    if not held or not data.startswith(held):
        with atomic_write(path, "wb") as stream:
            stream.write(data)
        return
    with open(path, "ab") as stream:
        stream.write(data[len(held) :])
    _note(path)


@contextlib.contextmanager
def scratch_dir(path: Path | str) -> Iterator[Path]:
    """Yield a fresh directory beside ``path`` that is gone afterwards."""
    scratch = _temporary(Path(path))
    scratch.mkdir()
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def nameless_file(folder: Path) -> IO[bytes]:
    """A file to write and read in ``folder``, on its disk, that nobody else can open, and that is gone once it is
    closed."""
    _inside(folder)
    folder.mkdir(parents=True, exist_ok=True)
    return tempfile.TemporaryFile(dir=folder)


def private_file(folder: Path, parts: Iterable[bytes]) -> Path:
    """The path of a file of these parts that lies in ``folder``, or in the nearest folder around it that is there for
    longer; other machines can open it, other users cannot. Whoever wrote it removes it; a killed process's goes when
    the next one writes there."""
    while TEMPORARY.fullmatch(folder.name):
        folder = folder.parent
    path = _temporary(folder / "spill")
    try:
        with open(path, "xb", opener=functools.partial(os.open, mode=0o600)) as stream:
            stream.writelines(parts)
            stream.flush()
            os.fsync(stream.fileno())
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return path


def _temporary(path: Path) -> Path:
    """A temporary name beside ``path`` for this process, which no user gives a file."""
    _inside(path.parent)
    path.parent.mkdir(parents=True, exist_ok=True)
    _clear(path.parent)
    process = f"{_machine()}-{os.getpid()}-{_started(os.getpid())}-{next(_count)}"
    return path.with_name(f".{path.name}.{process}.phonoscope-tmp")


@functools.cache
def _inside(folder: Path) -> None:
    """UserError where a link leads out of phonoscope's folder: it came with a folder received from elsewhere."""
    root = root_of(folder)
    if root is not None and not Path(os.path.realpath(folder)).is_relative_to(os.path.realpath(root)):
        raise UserError(f"{folder}: leads out of {root} by a link; remove the link")


@functools.cache
def _machine() -> str:
    """Identifies the computer, its last start and the container, within which process numbers are unique."""
    said = [platform.node()]
    for path in ("/proc/sys/kernel/random/boot_id", "/proc/self/ns/pid"):
        with contextlib.suppress(OSError):
            said.append(os.readlink(path) if "/ns/" in path else Path(path).read_text())
    return hashlib.sha256("\n".join(said).encode()).hexdigest()[:8]


def _started(pid: int) -> str:
    """When a process began, in clock ticks since the computer did; "" where that is not known."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


@functools.cache  # once per process and folder
def _clear(folder: Path) -> None:
    """Remove from ``folder`` what killed processes of this computer left under temporary names."""
    for old in folder.glob(".?*.phonoscope-tmp"):
        found = TEMPORARY.fullmatch(old.name)
        if found and found[1] == _machine() and not _alive(int(found[2]), found[3]):
            _remove(old)


def _remove(path: Path) -> None:
    """Remove a file, link or folder; another process may be doing the same."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _alive(pid: int, started: str) -> bool:
    """Whether the process that made a temporary name still runs (so that two runs do not clean up each other)."""
    try:
        os.kill(pid, 0)
    except (OverflowError, ProcessLookupError):
        return False
    except PermissionError:
        pass  # it runs, under another user
    return _started(pid) == started


@contextlib.contextmanager
def atomic_dir(path: Path | str) -> Iterator[Path]:
    """Yield a fresh directory beside ``path`` that takes its place when the block ends without an error.

    The old one is moved aside first and deleted last: it is there as a whole, or not at all. A file or a link in its
    place stays, and is an OSError; so does a folder that is not phonoscope's own, which is a UserError.
    """
    path = Path(path)
    if path.is_symlink() or (path.exists() and not path.is_dir()):
        raise NotADirectoryError(errno.ENOTDIR, "a file or link is where a folder should be", str(path))
    if root_of(path) is None and path.is_dir() and any(path.iterdir()):
        raise UserError(
            f"{path}: a folder that phonoscope has not made ({MARKER} is not in it) is not replaced;"
            " move it away, or choose another name"
        )
    with scratch_dir(path) as scratch:
        yield scratch
        if root_of(path.parent) is None:
            mark(scratch)
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
    _note(*(Path(folder) / name for folder, _, names in os.walk(path) for name in names))


def mark(folder: Path) -> None:
    """Mark ``folder`` as phonoscope's own."""
    (folder / MARKER).write_text("phonoscope may replace and remove what is in this folder\n", encoding="utf-8")


def folder_from(base: Path, written: str) -> Path:
    """The folder that a file in the folder ``base`` names: relative to ``base``, so that both can be moved together, or
    (in older files) to the current folder."""
    found = Path(os.path.normpath(base / written))
    there = os.path.exists(found) or not os.path.exists(written)  # Path.exists raises for names that are too long
    return found if there else Path(written)


def read_json(path: Path | str) -> Any:
    """The value in a JSON file. OSError if it cannot be read, ValueError if it is not JSON that `write_json` may have
    written: not UTF-8, nested without end, or with one name twice in an object."""
    if not os.path.isfile(path):
        raise FileNotFoundError(errno.ENOENT, "no such file", str(path))  # a pipe in its place would never end
    with reading(path):
        return parse_json(Path(path).read_bytes())


def parse_json(data: bytes) -> Any:
    """The value in JSON that `write_json` may have written; ValueError if it is none, as `read_json` says."""
    try:
        return json.loads(data, object_pairs_hook=_once)
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


def write_lines(path: Path | str, lines: Iterable[str]) -> None:
    """Write one line per item, atomically."""
    with atomic_write(path) as stream:
        stream.writelines(f"{line}\n" for line in lines)
