"""Does a stage hold a corpus? One repeated 1, 2, 4, 8 times goes through the real Makefile, and the peak memory of each
stage must stay as it is.

    .venv/bin/python bench/memory.py data/prompts [--utterances 60] [--times 1 2 4 8] [words for make, as SYSTEMS=gmm]

The utterances of each set (all, or the first so many) are there N times under other names, as of other speakers, their
audio by reference. Models are small and trained for a few passes, for neither changes what is held of a corpus. A row a
stage: the peak resident memory (MB) of its largest process for each N; `growth`, the largest ratio of one N to the one
before; kB more for each further utterance of all sets, from the first N to the last; and what all its processes have
together (proportional set size, MB). Exit status 1 if a growth is above 1.10.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
SETS = ("train", "dev", "test")
GOALS = ("all", "matrix", "pron_probs", "lattice_text")
SMALL = (
    "GMM_ARGS=--max-mix 4 --warm-up 2 --passes 1 --last 1",
    "NEURAL_ARGS=--epochs 1 --min-updates 1",
    "REPORT_ARGS=--utterances 3",
)
ALLOWED = 1.10
EVERY = 1.0  # seconds between two looks at what all processes have


def watch(log: Path, command: list[str]) -> int:
    """Run a command of make's, append what it needed to ``log``; its exit status."""
    child = subprocess.Popen(command)
    together = 0
    while True:
        pid, status, usage = os.wait4(child.pid, os.WNOHANG)
        if pid:
            break
        together = max(together, sum(map(proportional, family(child.pid))))
        time.sleep(EVERY)
    found = {"stage": stage_of(command), "peak": usage.ru_maxrss, "together": together}  # kB
    with open(log, "a", encoding="utf-8") as stream:
        stream.write(json.dumps(found) + "\n")
    return os.waitstatus_to_exitcode(status)


def family(pid: int) -> list[int]:
    """A process and all below it."""
    parents: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it is over
            parents.setdefault(int(path.read_text().rpartition(")")[2].split()[1]), []).append(int(path.parent.name))
    found = [pid]
    for one in found:
        found += parents.get(one, [])
    return found


def proportional(pid: int) -> int:
    """What a process has, kB, its part of what it shares."""
    try:
        found = re.search(r"^Pss: +(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
    except OSError:  # it is over
        return 0
    return int(found[1]) if found else 0


def stage_of(command: list[str]) -> str:
    """The module, and what it writes, or reads if it writes nothing."""
    name = command[command.index("-m") + 1].removeprefix("stages.") if "-m" in command else command[-1]
    for option in ("--out", "--decode", "--data"):
        if option in command:
            return f"{name} {re.sub(r'.*/x[0-9]+/?', '', command[command.index(option) + 1])}".strip()
    return name


def repeat(data: Path, corpus: Path, times: int, utterances: int) -> int:
    """Write the sets of ``data`` to ``corpus``, each utterance so many times; how many there are then."""
    total = 0
    for name in SETS:
        tables = {
            table: dict(line.split(maxsplit=1) for line in (data / name / table).read_text().splitlines()[:utterances])
            for table in ("wav.scp", "text", "utt2spk")
        }
        tables["wav.scp"] = {utt: str(Path(wav).absolute()) for utt, wav in tables["wav.scp"].items()}
        (corpus / name).mkdir(parents=True)
        for table, values in tables.items():
            lines = [
                f"{tables['utt2spk'][utt]}_{copy}-{utt} {value}{f'_{copy}' if table == 'utt2spk' else ''}\n"
                for copy in range(times)
                for utt, value in values.items()
            ]
            (corpus / name / table).write_text("".join(sorted(lines)))
        total += times * len(tables["text"])
    return total


def watching(venv: Path, log: Path) -> Path:
    """An environment whose python is this one, watched. It says that it is filled, so that make never installs anything
    into the one that this runs in."""
    (venv / "bin").mkdir(parents=True, exist_ok=True)
    shutil.copy(PROJECT / "pyproject.toml", venv / ".phonoscope")
    python = venv / "bin" / "python"
    here = " ".join([sys.executable, str(Path(__file__).resolve()), "--watch", str(log)])
    python.write_text(f'#!/bin/sh\nexec {here} {sys.executable} "$@"\n')
    python.chmod(0o755)
    return venv


def measure(args: argparse.Namespace, times: int) -> tuple[int, dict[str, tuple[int, int]]]:
    """Utterances, and by stage the peak and what all processes had, kB."""
    corpus, log = args.folder / "corpora" / f"x{times}", args.folder / f"x{times}.jsonl"
    total = repeat(args.data, corpus, times, args.utterances)
    venv = watching(args.folder / "venv", log)
    own = {"CORPUS_DIR": corpus, "DATA": args.folder / "data" / f"x{times}", "EXP": args.folder / "exp" / f"x{times}"}
    settings = [*SMALL, *(f"{name}={value}" for name, value in own.items()), f"NJ={args.jobs}", f"VENV={venv}"]
    settings += [word for word in args.words if "=" in word]
    for goals in ([word for word in args.words if "=" not in word] or GOALS, ("check",)):
        with open(args.folder / f"x{times}.log", "a", encoding="utf-8") as said:
            subprocess.run(["make", *goals, *settings], cwd=PROJECT, stdout=said, stderr=said, check=True)
    found: dict[str, tuple[int, int]] = {}
    for line in log.read_text().splitlines():
        one = json.loads(line)
        before = found.get(one["stage"], (0, 0))
        found[one["stage"]] = max(before[0], one["peak"]), max(before[1], one["together"])
    return total, found


def table(found: dict[int, tuple[int, dict[str, tuple[int, int]]]]) -> tuple[list[str], float]:
    """Lines, and the largest growth."""
    times, worst = list(found), 1.0
    (few, first), (many, last) = found[times[0]], found[times[-1]]
    head = ["stage", *(f"x{n}" for n in times), "growth", "kB/utt", *(f"all x{n}" for n in times)]
    rows = [head]
    for stage in first:
        peaks, together = zip(*(found[n][1].get(stage, (0, 0)) for n in times))
        growth = max([b / a for a, b in zip(peaks, peaks[1:]) if a], default=1.0)
        worst = max(worst, growth)
        more = (last.get(stage, first[stage])[0] - first[stage][0]) / max(1, many - few)
        numbers = (*(f"{peak / 1024:.0f}" for peak in peaks), f"{growth:.2f}{'*' * (growth > ALLOWED)}", f"{more:.1f}")
        rows.append([stage, *numbers, *(f"{all_ / 1024:.0f}" for all_ in together)])
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    lines = ["  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in rows]
    return lines, worst


def main() -> int:
    if sys.argv[1:2] == ["--watch"]:
        return watch(Path(sys.argv[2]), sys.argv[3:])
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="data folder with train, dev and test")
    parser.add_argument("words", nargs="*", help=f"settings and targets for make (default: {' '.join(GOALS)})")
    parser.add_argument("--utterances", type=int, help="of each set (default: all)")
    parser.add_argument("--times", type=int, nargs="+", default=[1, 2, 4, 8], help="how often they are there")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes of a stage (NJ)")
    parser.add_argument(
        "--folder",
        type=Path,
        default=Path(tempfile.gettempdir(), "phonoscope-memory"),
        help="where to work (deleted first)",
    )
    args = parser.parse_intermixed_args()
    args.folder = args.folder.resolve()
    shutil.rmtree(args.folder, ignore_errors=True)
    found = {}
    for times in args.times:
        begun = time.monotonic()
        found[times] = measure(args, times)
        print(f"x{times}: {found[times][0]} utterances, {time.monotonic() - begun:.0f} s", flush=True)
    lines, worst = table(found)
    print("\n".join(lines))
    return 1 if worst > ALLOWED else 0


if __name__ == "__main__":
    sys.exit(main())
