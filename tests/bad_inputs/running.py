"""A stage in a process of its own, and the one line with which it must end."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from bad_inputs.place import COMMANDS, PROJECT, Done, Place, program


def one_line(stage: str, done: Done) -> str:
    assert done.returncode == 1 and done.stderr.startswith(f"{program(stage)}: ") and done.stderr.count("\n") == 1, done
    return done.stderr


@contextlib.contextmanager
def started(place: Place, stage: str, *options: str) -> Iterator[subprocess.Popen]:
    """The stage in a process of its own, as make starts it; killed at the end if it still runs."""
    process = subprocess.Popen(
        [sys.executable, "-m", f"stages.{program(stage)}", *COMMANDS[stage].split(), *options],
        cwd=place.root,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # A shell starts what runs in the background with SIGINT ignored, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def wait_for(condition: Callable[[], object], process: subprocess.Popen) -> None:
    until = time.monotonic() + 120
    while not condition():
        if process.poll() is not None or time.monotonic() > until:
            process.kill()
            pytest.fail(f"waited in vain for {process.args}: {process.communicate()}")
        time.sleep(0.01)
