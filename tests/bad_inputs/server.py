"""Runs stages in forked children of one process that has imported what they need: two seconds a stage become a tenth.

A child is what `python -m stages.NAME` is, with its own arguments, standard output and error and exit status, but that
it ends without clearing up its memory, which takes a second. Requests and answers are lines of JSON on standard input
and output.
"""

from __future__ import annotations

import fcntl
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

SECONDS = 180  # on the clock, of a machine with other work; no bad input may take longer
MEMORY = 1 << 30  # bytes that a stage may take beside what is imported


def warm() -> None:
    """Import the libraries and all of the project but the stages themselves."""
    for package in ("lexicon", "pipeline"):
        for module in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}."):
            importlib.import_module(module.name)
    for name in (
        "stages.common",
        "scipy.signal",
        "hmmlearn.hmm",
        "sklearn.discriminant_analysis",
        "sklearn.linear_model",
        "sklearn.neural_network",
        "sklearn.ensemble",
        "torchaudio.compliance.kaldi",
        "torch._inductor.config",
    ):
        importlib.import_module(name)


def become(request: dict, *outputs: int) -> None:
    """In the child: be the stage, with standard output and error at the other end of these pipes."""
    for number, output in enumerate(outputs, 1):
        os.dup2(output, number)
    os.chdir(request["cwd"])
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    if sys.platform == "linux":
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
        pipes = os.pipe(), os.pipe()  # no files: they may be forbidden to grow
        for pair in pipes:
            fcntl.fcntl(
                pair[1], fcntl.F_SETPIPE_SZ, 1 << 20
            )  # a stage that says more than it holds is stopped by the alarm
        pid = os.fork()
        if pid == 0:
            become(json.loads(line), *(pair[1] for pair in pipes))
        answer = {"returncode": os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])}
        for name, (reader, writer) in zip(("stdout", "stderr"), pipes):
            os.close(writer)
            with open(reader, errors="replace") as stream:
                answer[name] = stream.read()
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    sys.path.insert(0, os.getcwd())
    serve()
