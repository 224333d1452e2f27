"""Does a killed make end with the same numbers? make of a small project is killed at random moments, and run again.

    python bench/kill9.py [--kills 50] [--seed 0]

SIGKILL goes to the whole process group, or now and then to make alone or to one stage alone, or all get Ctrl-C; one of
three runs has other settings of the features before. Prints a line a run; exit status 1 if any ended otherwise.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import time

from small_project import SETTINGS, Sandbox, differing, finished, kept, numbers, restored, small_project


def kill(sandbox: Sandbox, process: subprocess.Popen[bytes], how: str) -> None:
    if how == "a stage":
        stages = subprocess.run(
            ["pgrep", "-g", str(process.pid), "-f", "stages[.]"], capture_output=True, text=True
        ).stdout
        for pid in stages.split()[:1]:
            os.kill(int(pid), signal.SIGKILL)
    elif how == "make":
        process.kill()
    else:
        os.killpg(process.pid, signal.SIGINT if how == "Ctrl-C" else signal.SIGKILL)
    try:
        process.communicate(timeout=120)
    finally:
        if how == "make":  # its stages end what they have begun
            time.sleep(1)
            subprocess.run(["pkill", "-9", "-g", str(process.pid)])


def broken_off(sandbox: Sandbox, rng: random.Random, longest: float, more: list[str]) -> str | None:
    """Start make and kill it; how, or None if it was done before."""
    process = sandbox.start(["make", *SETTINGS, *more])
    moment, how = rng.uniform(0.1, longest), rng.choice(["all"] * 5 + ["make", "a stage", "Ctrl-C"])
    try:
        process.communicate(timeout=moment)
        return None
    except subprocess.TimeoutExpired:
        kill(sandbox, process, how)
        return f"{how} at {moment:.1f} s"


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--kills", type=int, default=50)
    options.add_argument("--seed", type=int, default=0)
    arguments = options.parse_args()
    rng, killed, wrong = random.Random(arguments.seed), 0, 0
    with small_project() as sandbox:
        fresh = kept(sandbox)
        began = time.monotonic()
        done = finished(sandbox)
        assert done.code == 0, done.said
        right, longest = numbers(sandbox), time.monotonic() - began
        print(f"undisturbed: {longest:.0f} s", flush=True)
        while killed < arguments.kills:
            restored(sandbox, fresh)
            how = []
            for _ in range(rng.randint(1, 5)):
                more = ["MFCC_ARGS=--allow-missing 1"] if rng.random() < 1 / 3 else []
                how.append(broken_off(sandbox, rng, 0.7 * longest, more) or "done")
            killed += sum(one != "done" for one in how)
            done = finished(sandbox)
            bad = (
                [f"exit {done.code}: {' '.join(done.message)[:300]}"]
                if done.code
                else differing(right, numbers(sandbox))
            )
            left = [
                path
                for path in sandbox.project.rglob("*phonoscope-*")
                if path.name.endswith("-tmp") or "-lock." in path.name
            ]
            wrong += bool(bad or left)
            print(
                f"{killed:3d} kills: {'; '.join(how)}: {'the same numbers' if not bad else bad}"
                f"{f', left lying: {left}' if left else ''}",
                flush=True,
            )
    print(f"{killed} kills, {wrong} runs that ended otherwise")
    return int(wrong > 0)


if __name__ == "__main__":
    shutil.which("pgrep") or sys.exit("pgrep is needed: apt-get install procps")
    sys.exit(main())
