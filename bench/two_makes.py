"""Two makes at once in one folder: each ends with the numbers of its own settings, or says a line; so does the next.

    .venv/bin/python bench/two_makes.py [--offsets 20] [--seed 0]

The second starts a random time after the first, every other time with other settings. What each prints as its table is
compared with an undisturbed run of its settings; then a single make of the first's, and one of the second's settings,
must end with theirs. Exit status 1 if anything differs.
"""
from __future__ import annotations

import random
import re
import subprocess
import sys
import threading
import time

from small import Small, differing, options, start, table, to_the_end, undisturbed

from attacks.sandbox import Done

OTHER = ("LANG_ARGS=--order 1", "GMM_ARGS=--max-mix 1 --warm-up 3 --passes 0 --last 0")


def rates(out: str) -> list[str]:
    """The rows of the table of systems as `make compare` prints it, without times: NAME, then three rates."""
    return re.findall(r"^(\w+(?: +[\d.]+ \[[\d., ]+\]){3})", out, re.M)


def wait(running: subprocess.Popen[bytes], limit: float) -> Done:
    try:
        out, err = running.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        running.kill()
        out, err = running.communicate()
        return Done(None, out.decode(errors="replace"), err.decode(errors="replace"))
    return Done(running.returncode, out.decode(errors="replace"), err.decode(errors="replace"))


def together(small: Small, offset: float, first: tuple[str, ...], second: tuple[str, ...]) -> list[Done]:
    """Two makes, the second ``offset`` seconds later; how each ended."""
    ended: dict[int, Done] = {}
    threads = []
    for number, more in enumerate((first, second)):
        running = small.sandbox.start(["make", *small.words, *more])
        threads.append(threading.Thread(target=lambda n=number, r=running: ended.update({n: wait(r, small.limit)})))
        threads[-1].start()
        if number == 0:
            time.sleep(offset)
    for thread in threads:
        thread.join()
    return [ended[0], ended[1]]


def verdict(done: Done, expected: list[str]) -> tuple[bool, str]:
    """Whether one of the two may end so, and how it did."""
    if done.faults():
        return False, f"FAILS: {done.faults()[0]}"
    if done.code:
        lines = done.message
        return len(lines) <= 2, f"says: {' '.join(lines)[:140]}"
    found = rates(done.out)
    if not found:
        return True, "nothing to be done"
    return found == expected, "its numbers" if found == expected else f"WRONG: {found}"


def main() -> int:
    parser = options(__doc__)
    parser.add_argument("--offsets", type=int, default=20, help="random times between the two")
    args = parser.parse_args()
    chance = random.Random(args.seed)
    clean = start(args)
    one, numbers, took = undisturbed(clean, args.folder / "one")
    table_of = {(): rates(one_table(one))}
    other = clean.at(args.folder / "other")
    other.words = (*other.words, *OTHER)
    other, other_numbers, _ = undisturbed(other, args.folder / "two")
    table_of[OTHER] = rates(one_table(other))
    if differing(numbers, other_numbers) == []:
        sys.exit("both settings give the same numbers; nothing would be shown")
    rows, bad = [], 0
    for number in range(args.offsets):
        second = OTHER if number % 2 else ()
        offset = chance.uniform(0, took)
        small = clean.at(args.folder / "run")
        ended = together(small, offset, (), second)
        judged = [verdict(done, table_of[more]) for done, more in zip(ended, ((), second))]
        after = []
        for more, expected in {(): numbers, second: numbers if second == () else other_numbers}.items():
            done, history = to_the_end(small, *more)
            odd = differing(expected, small.numbers())
            good = done.code == 0 and not odd
            after.append((good, "right" + (", after its advice" if history else "") if good else
                          f"WRONG: {' '.join(odd[:3])}" if done.code == 0 else f"FAILS: {' | '.join(history)[:140]}"))
        ok = all(good for good, _ in (*judged, *after))
        bad += not ok
        rows.append(["other settings" if second else "same", f"{offset:.1f}", *(text for _, text in judged),
                     "; ".join(text for _, text in after)])
        print("  ".join(rows[-1])[:400], file=sys.stderr, flush=True)
    print(table(["second has", "after s", "first", "second", "single makes afterwards"], rows))
    print(f"{len(rows)} pairs: {len(rows) - bad} held, {bad} did not")
    return 1 if bad else 0


def one_table(small: Small) -> str:
    """What compare says of a finished project."""
    return (small.sandbox.project / "exp/recordings/compare.txt").read_text()


if __name__ == "__main__":
    sys.exit(main())
