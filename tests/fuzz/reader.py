"""A reader, how its files are damaged, and what must hold whatever comes."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lexicon.errors import UserError
from pipeline.times.segments import Segment
from pipeline.times.textgrid import write_textgrid

SECONDS, MEMORY = 60, 400 << 20  # for one file, beside what is imported
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", 0))  # of each reader; 0: a few, the same every time
PROFILE = settings(
    max_examples=EXAMPLES or 60,
    derandomize=not EXAMPLES,
    database=None,
    deadline=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)


class Reader(NamedTuple):
    """``build`` writes intact files into a folder, ``damages`` says how each may be damaged, ``read`` reads the folder
    and asserts that what it got is valid."""

    name: str
    build: Callable[[Path], object]
    damages: dict[str, st.SearchStrategy]
    read: Callable[[Path], object]


def tone(path: Path, seconds: float = 0.2, rate: int = 8000) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, 0.3 * np.sin(np.arange(int(seconds * rate))), rate)


def write_grid(path: Path) -> None:
    write_textgrid(path, {"words": [Segment("BUNNY", 1, 9)], "phones": [Segment("B", 1, 4), Segment("AH", 4, 9)]}, 12)


def put(name: str, text: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_text(text, encoding="utf-8")


@contextlib.contextmanager
def frugal() -> Iterator[None]:
    """No more than so many seconds and (on Linux) so much memory; beyond, a TimeoutError or a MemoryError."""

    def late(*_: object) -> None:
        raise TimeoutError(f"more than {SECONDS} s")

    old = signal.signal(signal.SIGALRM, late)
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    signal.alarm(SECONDS)
    try:
        if sys.platform == "linux":
            size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (size + MEMORY, hard))
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
        signal.alarm(0)
        signal.signal(signal.SIGALRM, old)


def check_reader(reader: Reader, folder: Path) -> None:
    """What is read from a damaged file is valid, or a UserError in one line that names the file and the way out."""
    folder.mkdir()
    reader.build(folder)
    reader.read(folder)  # valid as it is
    originals = {name: (folder / name).read_bytes() for name in reader.damages}

    @PROFILE
    @given(st.sampled_from(sorted(reader.damages)).flatmap(lambda name: st.tuples(st.just(name), reader.damages[name])))
    def damaged(case: tuple[str, Callable[[bytes], bytes]]) -> None:
        name, damage = case
        (folder / name).write_bytes(damage(originals[name]))
        try:
            with frugal():
                reader.read(folder)
        except UserError as error:
            assert str(error).isprintable() and str(folder) in str(error) and "; " in str(error)
            assert error.__cause__ is None or not isinstance(error.__cause__, (MemoryError, TimeoutError))
        finally:
            (folder / name).write_bytes(originals[name])

    damaged()
