"""A dask.distributed cluster of separate processes on this machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
PATIENCE_S = 280  # on a machine that has much else to do


class Cluster:
    """A scheduler and its workers, each a process of its own, ended by `close`."""

    def __init__(self, folder: Path, workers: int = 0):
        self.folder, self.processes = folder, list[subprocess.Popen]()
        folder.mkdir(parents=True, exist_ok=True)
        told = folder / "scheduler.json"
        options = ("--port", "0", "--host", "127.0.0.1", "--no-dashboard", "--scheduler-file", str(told))
        self.scheduler = self._start("distributed.cli.dask_scheduler", *options)
        waited = time.monotonic() + PATIENCE_S
        while not (told.is_file() and told.read_text().endswith("}")) and time.monotonic() < waited:
            time.sleep(0.05)
        self.address = json.loads(told.read_text())["address"]
        self.workers = [self.worker() for _ in range(workers)]

    def worker(self, threads: int = 1) -> subprocess.Popen:
        """One more, without a nanny that would start it again when it is killed."""
        options = ("--nthreads", str(threads), "--no-nanny", "--no-dashboard", "--local-directory", str(self.folder))
        return self._start("distributed.cli.dask_worker", self.address, *options)

    def _start(self, module: str, *options: str) -> subprocess.Popen:
        paths = [str(PROJECT), str(PROJECT / "tests"), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
        process = subprocess.Popen(
            [sys.executable, "-m", module, *options],
            cwd=self.folder,  # not the project's: the folder of the work is told
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in paths if path)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.processes.append(process)
        return process

    def close(self) -> None:
        for process in reversed(self.processes):
            process.kill()
            process.wait()
