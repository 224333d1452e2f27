"""Does a killed run end with the same numbers? A small make is killed at random moments, and the same make run again.

    .venv/bin/python bench/kill9.py [--moments 50] [--variants 5] [--seed 0]

At each moment the whole process group gets SIGKILL; in the variants make alone gets SIGINT or SIGTERM, a stage alone
SIGKILL, or the kill comes while a finished project is made with other settings, and the old ones are wanted again.
Then compare.tsv, times aside, hypotheses, tuning and boundaries must be the undisturbed ones; where make says a line
instead, its advice is followed first. Exit status 1 if anything differs.
"""
from __future__ import annotations

import os
import random
import signal
import sys
import threading
import time
from pathlib import Path

from small import Small, differing, options, start, table, to_the_end, undisturbed

LINGER_S = 60  # what a killed make has started must be gone by then
CHANGES = {"SPLIT and back": ("SPLIT=utterance",), "MFCC_ARGS and back": ("MFCC_ARGS=--norm-vars no",),
           "LANG_ARGS and back": ("LANG_ARGS=--order 2",)}


def members(group: int) -> list[int]:
    """The processes of a group that still run."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, member = path.read_text().rsplit(")", 1)[1].split()[:3]
        except (OSError, ValueError):
            continue  # it ended meanwhile
        if int(member) == group and state != "Z":
            found.append(int(path.parent.name))
    return found


def stage_of(group: int) -> tuple[int, str] | None:
    """The stage at work in a group, its process and its name."""
    for process in members(group):
        try:
            words = Path(f"/proc/{process}/cmdline").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        name = next((word for word in words if word.startswith("stages.")), None)
        if name and words[0].endswith(("python", "python3")):
            return process, name.removeprefix("stages.")
    return None


def disturb(small: Small, how: str, after: float, *more: str) -> str:
    """Start make, wait ``after`` seconds, and stop it ``how``; the stage that was at work."""
    running = small.sandbox.start(["make", *small.words, *more])
    said = threading.Thread(target=running.communicate, daemon=True)  # or it would wait for somebody to read
    said.start()
    time.sleep(after)
    at_work = stage_of(running.pid)
    if running.poll() is None:
        if how == "SIGKILL of the stage" and at_work:
            os.kill(at_work[0], signal.SIGKILL)
        elif how in ("SIGINT of make", "SIGTERM of make"):
            os.kill(running.pid, getattr(signal, how.split()[0]))
        else:
            os.killpg(running.pid, signal.SIGKILL)
    begun = time.monotonic()
    while members(running.pid) and time.monotonic() - begun < LINGER_S:
        time.sleep(0.05)
    lingering = members(running.pid)
    if lingering:
        os.killpg(running.pid, signal.SIGKILL)
    said.join(10)
    return (at_work[1] if at_work else "between stages") + (" (lingered)" if lingering else "")


def main() -> int:
    parser = options(__doc__)
    parser.add_argument("--moments", type=int, default=50, help="random moments of SIGKILL to the whole group")
    parser.add_argument("--variants", type=int, default=5, help="random moments of each other kind")
    args = parser.parse_args()
    chance = random.Random(args.seed)
    clean = start(args)
    finished, numbers, took = undisturbed(clean, args.folder / "finished")
    attacks = [("SIGKILL of all", ())] * args.moments
    for how in ("SIGINT of make", "SIGTERM of make", "SIGKILL of the stage", *CHANGES):
        attacks += [(how, CHANGES.get(how, ()))] * args.variants
    rows, bad = [], 0
    for how, change in attacks:
        moment = chance.uniform(0.2, took)
        small = (finished if change else clean).at(args.folder / "run")
        stage = disturb(small, how, moment, *change)
        done, history = to_the_end(small)
        odd = differing(numbers, small.numbers())
        ok = done.code == 0 and not odd and not done.faults() and "lingered" not in stage
        verdict = ("the undisturbed numbers" + (", after its advice" if history else "") if ok else
                   f"DIFFERS: {' '.join(odd[:3])}" if odd and done.code == 0 else f"FAILS: {done.faults()[:1]}")
        bad += not ok
        rows.append([how, f"{moment:.1f}", stage, verdict, " | ".join(history)])
        print("  ".join(rows[-1])[:300], file=sys.stderr, flush=True)
    print(table(["what", "after s", "in stage", "then", "said"], rows))
    print(f"{len(rows)} kills: {len(rows) - bad} ended with the undisturbed numbers, {bad} did not")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
