"""Runs stages in forked children of one process that has imported what they need: two seconds a stage become a tenth.

A child is what `python -m stages.NAME` is, with its own arguments, standard output and error and exit status, but that it
ends without clearing up its memory, which takes a second. Requests and answers are lines of JSON on standard input and
output.
"""
from __future__ import annotations

import gc
import importlib
import json
import os
import pkgutil
import resource
import runpy
import signal
import sys
import traceback

SECONDS = 60  # no bad input may take longer
MEMORY = 1 << 30  # bytes that a stage may take beside what is imported


def warm() -> None:
    """Import the libraries and all of the project but the stages themselves."""
    for package in ("lexicon", "pipeline"):
        for module in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}."):
            importlib.import_module(module.name)
    for name in ("joblib", "stages.common", "scipy.signal"):
        importlib.import_module(name)


def become(request: dict) -> None:
    """In the child: be the stage."""
    os.chdir(request["cwd"])
    for number, name in ((1, "stdout"), (2, "stderr")):
        os.dup2(os.open(request[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    with open("/proc/self/statm") as stream:
        size = int(stream.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + MEMORY, size + MEMORY))
    if request.get("file_size"):
        resource.setrlimit(resource.RLIMIT_FSIZE, (request["file_size"],) * 2)
    signal.alarm(SECONDS)
    module, *options = request["argv"]
    sys.argv = [module, *options]
    code: object = 0
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as end:  # what Python does with it at the end of a program
        code = end.code
    except BaseException:
        code = traceback.format_exc()
    if isinstance(code, str):
        print(code, file=sys.stderr)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else code is not None)


def serve() -> None:
    warm()
    gc.collect()
    gc.freeze()  # a collection in a child would copy all pages
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            become(json.loads(line))
        _, status, usage = os.wait4(pid, 0)
        print(json.dumps({"returncode": os.waitstatus_to_exitcode(status)}), flush=True)


if __name__ == "__main__":
    sys.path.insert(0, os.getcwd())
    serve()
