"""Two makes at once in one folder, at random offsets: each ends with the numbers of its own settings, or says in a line
that the other is at work; a third one afterwards ends with the right numbers.

    python bench/two_makes.py [--times 20] [--seed 0]
"""

from __future__ import annotations

import argparse
import random
import sys
import time

from small_project import SETTINGS, advice, differing, finished, kept, numbers, restored, small_project

# isort: split
from attacks.sandbox import Done

OTHER = "GMM_ARGS=--max-mix 1 --warm-up 3 --passes 1 --last 1"


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--times", type=int, default=20)
    options.add_argument("--seed", type=int, default=0)
    arguments = options.parse_args()
    rng, wrong = random.Random(arguments.seed), 0
    with small_project() as sandbox:
        fresh, right = kept(sandbox), {}
        for settings in ((), (OTHER,)):
            began = time.monotonic()
            assert finished(sandbox, *settings).code == 0
            right[settings], longest = numbers(sandbox), time.monotonic() - began
            restored(sandbox, fresh)
        for number in range(arguments.times):
            restored(sandbox, fresh)
            second, offset = ((OTHER,) if number % 2 else ()), rng.uniform(0, 0.9 * longest)
            running = [sandbox.start(["make", *SETTINGS])]
            time.sleep(offset)
            running.append(sandbox.start(["make", *SETTINGS, *second]))
            ends = []
            for process in running:
                out, err = process.communicate(timeout=600)
                ends.append(Done(process.returncode, out.decode(), err.decode()))
            bad = [
                f"make {i + 1}: {' '.join(end.message)[:200]}"
                for i, end in enumerate(ends)
                if end.code and not (advice(end) and "at work there" in advice(end))
            ]
            last = finished(sandbox)
            bad += [f"afterwards: {last.said[-300:]}"] if last.code else differing(right[()], numbers(sandbox))
            wrong += bool(bad)
            said = ["ended" if end.code == 0 else "was told" if advice(end) else "failed" for end in ends]
            print(
                f"{'other' if second else 'same'} settings, {offset:4.1f} s: the first {said[0]}, the second {said[1]};"
                f" afterwards {bad or 'the right numbers'}",
                flush=True,
            )
    print(f"{arguments.times} times, {wrong} that ended otherwise")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
