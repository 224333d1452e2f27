"""What a stage made: TARGET.made beside its target, so that make notices what is gone, damaged or changed since.

The first line holds the settings, as the Makefile writes them. The second is JSON: the stage, when it began, size and
hash of every file that it wrote, and of those of the user's that it read.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import os
import re
import shutil
import stat
from collections.abc import Collection, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from lexicon.files import MARKER, atomic_write, root_of

ENDING = ".made"
ASIDE = "changed"  # the folder in which files that somebody has changed are kept when they are made again
OWN = "own"  # what users made with their recordings: nothing of it belongs to a stage
LARGEST_ASIDE = 10**7  # bytes; larger files are no person's writing
ODD = re.compile(
    r"[!\"#$&'()*;<>?\[\\\]^`{|}~\s]"
)  # what bash would not take as it is; stages/settings.mk has the same

# Options with which make says where things are, and which of them a stage is to make.
PLACES = (
    *("--system", "--data", "--dev", "--lang", "--out", "--teacher", "--features", "--models", "--model", "--tuning"),
    *("--search", "--ref-phones", "--decode", "--correct", "--exp", "--reference", "--systems", "--ali"),
)

File = tuple[int, str]  # bytes, and their hash


@dataclass
class Made:
    """A record. ``wrote`` is by path from the target's folder, ``read`` by path from the working directory."""

    settings: str
    stage: str
    began_ns: int
    wrote: dict[str, File]
    read: dict[str, File]


def quoted(word: str) -> str:
    """A word as bash takes it and the Makefile writes it."""
    if word and not ODD.search(word):
        return word
    for sign, written in (("\\", "\\\\"), ("'", "\\'"), ("\t", "\\t"), ("\n", "\\n")):
        word = word.replace(sign, written)
    return f"$'{word}'"


def fingerprint(path: Path | str) -> File | None:
    """Size and hash of a file; None if there is no regular file or it cannot be read."""
    digest = hashlib.blake2b(digest_size=16)
    try:
        if not stat.S_ISREG(os.lstat(path).st_mode):
            return None  # a pipe would be waited for, a link leads elsewhere
        with open(path, "rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
            return stream.tell(), digest.hexdigest()
    except OSError:
        return None


def write_made(
    target: Path, stage: str, settings: str, began_ns: int, wrote: Iterable[Path], read: Iterable[Path]
) -> None:
    """Record what ``stage`` made, and let ``target`` be as old as its beginning: what has changed since is newer."""
    folder = Path(os.path.abspath(target)).parent
    root = root_of(target) or folder
    mine = {
        os.path.relpath(path, folder): found
        for path in sorted(wrote)
        if path.is_relative_to(root) and path.name != MARKER and (found := fingerprint(path))
    }
    theirs = {_shown(path): found for path in read if (found := fingerprint(os.path.realpath(path)))}
    os.utime(target, ns=(began_ns, began_ns), follow_symlinks=False)
    record = asdict(Made(settings, stage, began_ns, mine, theirs))
    record.pop("settings")
    with atomic_write(f"{target}{ENDING}") as stream:
        stream.write(f"{_utf8(settings)}\n{json.dumps(record, ensure_ascii=False)}\n")


def _shown(path: Path) -> str:
    """From the working directory if it is there, so that a project can be moved."""
    absolute = Path(os.path.abspath(path))
    return str(absolute.relative_to(Path.cwd()) if absolute.is_relative_to(Path.cwd()) else absolute)


def _utf8(text: str) -> str:
    return text.encode(errors="surrogateescape").decode(errors="replace")


def read_made(path: Path) -> Made | None:
    """The record in a file; None if it is none."""
    try:
        if not stat.S_ISREG(os.lstat(path).st_mode):
            return None
        settings, _, rest = path.read_text(encoding="utf-8").partition("\n")
        made = Made(settings, **json.loads(rest))
        sound = (
            isinstance(made.stage, str)
            and type(made.began_ns) is int
            and 0 <= made.began_ns < 1 << 63
            and all(
                isinstance(files, dict) and all(_sound(*item) for item in files.items())
                for files in (made.wrote, made.read)
            )
        )
    except (OSError, ValueError, TypeError, RecursionError):
        return None
    return made if sound else None


def given_options(*folders: Path) -> str:
    """The options with which the files in these folders were made, without those that make gives on its own: folders,
    files and names."""
    found = []
    for path in (path for folder in folders for path in sorted(folder.glob(f"*{ENDING}"))):
        words = made.settings.split() if (made := read_made(path)) else []
        while words:
            option, *words = words
            values = [*itertools.takewhile(lambda word: not word.startswith("--"), words)]
            words = words[len(values) :]
            if option.startswith("--") and option not in PLACES:
                found.append(" ".join([option, *values]))
    return " ".join(dict.fromkeys(found))


def _sound(name: str, found: object) -> bool:
    return "\0" not in name and isinstance(found, list) and [type(value) for value in found] == [int, str]


def forget(output: Path, stage: str) -> None:
    """Remove the stage's record of ``output``, its folder or its file: from here on it is not as it was."""
    for path in [*output.glob(f"*{ENDING}")] if output.is_dir() else [output.with_name(output.name + ENDING)]:
        made = read_made(path)
        if made is None or made.stage == stage:
            path.unlink(missing_ok=True)


def records(root: Path) -> Iterator[tuple[Path, Made | None]]:
    """All records in a folder of phonoscope's, with None for what is no record."""
    for folder, folders, names in os.walk(root):
        if folder == str(root):
            folders[:] = [name for name in folders if name not in (OWN, ASIDE)]
        folders.sort()
        for name in sorted(names):
            if name.endswith(ENDING):
                yield (path := Path(folder) / name), read_made(path)


@dataclass
class Fault:
    """A target to be made again: which file is the reason, whether it is "gone", "changed" or (of the user's)
    "another"."""

    target: Path
    file: Path
    what: str


def faults(root: Path) -> list[Fault]:
    """Targets in ``root`` of which a file is gone or not as it was written, or read something that is now another.

    A file that has not been touched since its record was written is taken for what it was; of another the bytes are
    compared. A target whose time alone has changed, in a copy, gets its own time back, so that make sees the order in
    which all was made.
    """
    every = list(records(root))
    wrong = [Fault(_target(path), path, "changed") for path, made in every if made is None]
    found = sorted(((path, made) for path, made in every if made), key=lambda item: item[1].began_ns)
    owner = {_place(path, name): path for path, made in found for name in made.wrote}  # who wrote it last
    for path, made in found:
        target, record_ns = _target(path), _time(path) or 0
        mine = [name for name in made.wrote if owner[_place(path, name)] == path]
        if fault := _first_fault(root, path, made, mine):
            wrong.append(fault)
        else:
            with contextlib.suppress(OSError):  # not ours to touch: then make sees what the copy says
                if _time(target) != made.began_ns:
                    os.utime(target, ns=(made.began_ns, made.began_ns), follow_symlinks=False)
                if any(_touched(_place(path, name), record_ns) for name in mine):
                    os.utime(path)  # all has been read now: no need to do so every time
    return wrong


def _first_fault(root: Path, record: Path, made: Made, mine: Collection[str]) -> Fault | None:
    target, record_ns = _target(record), _time(record) or 0
    for name in (target.name, *mine):
        place = _place(record, name)
        if not place.is_relative_to(os.path.abspath(root)):
            return Fault(target, record, "changed")  # a record from elsewhere: nothing out there is looked at
        if not os.path.lexists(place):
            return Fault(target, place, "gone")
    for name in mine:
        place, found = _place(record, name), tuple(made.wrote[name])
        if os.lstat(place).st_size != found[0] or (_touched(place, record_ns) and fingerprint(place) != found):
            return Fault(target, place, "changed")
    for name, found in made.read.items():
        if fingerprint(os.path.realpath(name)) not in (tuple(found), None):
            return Fault(target, Path(name), "another")
    return None


def _touched(path: Path, record_ns: int) -> bool:
    """Whether anything has happened to a file since its record was written (or it is no regular file)."""
    there = os.lstat(path)
    return not stat.S_ISREG(there.st_mode) or max(there.st_mtime_ns, there.st_ctime_ns) > record_ns


def _target(record: Path) -> Path:
    return record.with_name(record.name.removesuffix(ENDING))


def _place(record: Path, name: str) -> Path:
    return Path(os.path.abspath(record.parent / name))


def _time(path: Path) -> int | None:
    try:
        return os.lstat(path).st_mtime_ns
    except OSError:
        return None


def keep_aside(root: Path, file: Path) -> Path | None:
    """Copy a file that is not as it was made to ROOT/changed, if a person may have written it; where it is then."""
    try:
        data = file.read_bytes() if file.stat().st_size <= LARGEST_ASIDE else b"\0"
        data.decode()
    except (OSError, UnicodeDecodeError):
        return None
    if b"\0" in data:
        return None
    place = root / ASIDE / os.path.relpath(file, os.path.abspath(root))
    with contextlib.suppress(OSError):
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, place)
        return place
    return None
