"""What the benchmarks share: programs that take turns, each in a process of its own, and a core kept busy meanwhile."""

from __future__ import annotations

import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

TIMES = 5
POLL_S = 0.02  # seconds between two looks at the memory of a program
Run = dict[str, Any]  # of a process: cpu and wall seconds, memory in MB; and what it printed as JSON


@contextmanager
def one_core_busy(busy: bool) -> Iterator[None]:
    """A process that counts for ever, if wanted."""
    process = multiprocessing.Process(target=_count, daemon=True)
    if busy:
        process.start()
    try:
        yield
    finally:
        if busy:
            process.kill()
            process.join()


def _count() -> None:
    while True:
        pass


def measured(command: Sequence[str | Path]) -> Run:
    """Run a command to its end: processor seconds of it and of all that it started, wall seconds, and its largest
    resident set (MB); and what the last line of its output says, if that is JSON."""
    began, memory = time.perf_counter(), 0
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        started = subprocess.Popen(command, stdout=out, stderr=err, env={**os.environ, "OMP_NUM_THREADS": "1"})
        # Not ru_maxrss, which begins with what this process had when it forked.
        while not (ended := os.wait4(started.pid, os.WNOHANG))[0]:
            memory = max(memory, _most_memory(started.pid))
            time.sleep(POLL_S)
        _, status, used = ended
        started.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        said, wrong = out.read().splitlines(), err.read().strip().splitlines()
    if started.returncode:
        sys.exit(f"bench: {' '.join(map(str, command))}: {(wrong or ['failed'])[-1]}")
    found = {"cpu": used.ru_utime + used.ru_stime, "wall": time.perf_counter() - began, "memory": memory / 1024}
    return found | (json.loads(said[-1]) if said and said[-1].startswith("{") else {})


def _most_memory(process: int) -> int:
    """The largest resident set of a process so far, in kB; 0 of one that is gone."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), 0)


def take_turns(commands: Mapping[str, Sequence[str | Path]], times: int = TIMES) -> dict[str, list[Run]]:
    """Each command by turns, so many ``times``."""
    runs: dict[str, list[Run]] = {name: [] for name in commands}
    for _ in range(times):
        for name, command in commands.items():
            runs[name].append(measured(command))
    return runs


def median(runs: Sequence[Run], what: str) -> float:
    """Of a figure of several runs."""
    return statistics.median(run[what] for run in runs)


def environment(folder: Path, *packages: str) -> str:
    """The Python of a new environment with some packages from pip."""
    python = folder / "bin/python"
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    subprocess.run([python, "-m", "pip", "install", "-q", "--disable-pip-version-check", *packages], check=True)
    return str(python)
