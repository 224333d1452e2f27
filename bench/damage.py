"""Delete, cut in half, and flip a bit of the files under data/ and exp/ of a small finished project, one at a time.

    .venv/bin/python bench/damage.py [--sample 3 | --sample 0 for all] [--only GLOB] [--how delete cut flip]

First plain make. If it has nothing to do and leaves the damage, all that was made after the file's own stage is removed
and make is run again, so that whoever reads the file does read it. Each file ends as one of

    rebuilt    the undisturbed numbers, and the file is as it was
    named      make says a line, and after doing what it advises the numbers are the undisturbed ones
    harmless   the undisturbed numbers though the file stays damaged: nobody's input
    itself     a result that is shown as it is (a wer.txt, a compare.tsv): damaged, and nothing says so
    STUCK      the advice does not help, or there is none, or a traceback
    WRONG      other numbers without a word

Exit status 1 if anything is STUCK or WRONG.
"""
from __future__ import annotations

import fnmatch
import random
import re
import shutil
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path

from small import RESULTS, Small, differing, options, start, table, to_the_end

HOW = ("delete", "cut", "flip")
ENDS = ("rebuilt", "named", "harmless", "itself", "STUCK", "WRONG")


def stage_starts(small: Small) -> list[int]:
    """Run make; when each stage began, in ns, as its command line was printed."""
    running = small.sandbox.start(["make", "-j1", *small.words])
    found = [time.time_ns() for line in running.stdout if b"-m stages." in line]
    if running.wait():
        sys.exit(f"the undisturbed make fails: {running.stderr.read().decode()[-1000:]}")
    if not found:
        sys.exit("make prints no line with `-m stages.`; when stages begin cannot be seen")
    return found


def later_files(small: Small, starts: list[int]) -> dict[str, list[str]]:
    """{file: the files that stages after its own have written}, by the time of the last change of each."""
    files = {str(path.relative_to(small.sandbox.project)): path.lstat().st_ctime_ns for path in written(small)}
    ends = {name: next((begin for begin in starts if begin > changed), None) for name, changed in files.items()}
    return {name: [other for other, changed in files.items() if end and changed >= end] for name, end in ends.items()}


def written(small: Small) -> list[Path]:
    """All files of data/ and exp/."""
    return sorted(path for part in ("data", "exp") for path in (small.sandbox.project / part).rglob("*")
                  if path.is_file() or path.is_symlink())


def kind(name: str) -> str:
    """What files have in common: their place, without set, system and utterance."""
    path = Path(name)
    place = re.sub(r"\b(train|dev|test)\b", "SET", str(path.parent)).replace("recordings", "C")
    file = path.name if "allison" not in path.stem else f"UTTERANCE{path.suffix}"  # the voice of all recordings
    return f"{place}/{file}"


def damage(path: Path, how: str, seed: str) -> bool:
    """Do it; False where it changes nothing."""
    was = path.read_bytes()
    if how == "delete":
        path.unlink()
    elif not was:
        return False
    elif how == "cut":
        path.write_bytes(was[:len(was) // 2])
    else:
        position = random.Random(seed).randrange(8 * len(was))
        changed = bytearray(was)
        changed[position // 8] ^= 1 << position % 8
        path.write_bytes(bytes(changed))
    return True


def judge(small: Small, name: str, was: bytes, numbers: dict[str, str], later: list[str]) -> tuple[str, str]:
    """(one of ENDS, what was said and done) of the damaged project."""
    path = small.sandbox.project / name
    result = name.removeprefix("exp/recordings/")
    itself = any(fnmatch.fnmatch(result, pattern) for pattern in (*RESULTS, "compare.txt"))
    said: list[str] = []
    for step in ("plain", "with all that follows"):
        if step != "plain":
            for other in later:
                (small.sandbox.project / other).unlink(missing_ok=True)
        done, history = to_the_end(small)
        said += history
        if done.faults() or done.code:
            return "STUCK", " | ".join([*said, *done.faults()[:1]])
        restored = path.is_file() and path.read_bytes() == was
        odd = differing(numbers, small.numbers(), () if restored or step == "plain" else [result])
        if step == "plain" and odd == [result] and itself:
            odd = []  # what follows is asked next
        if odd:
            return "WRONG", " | ".join([*said, f"{step}: {' '.join(odd[:4])}"])
        if restored or history:
            return ("named" if history else "rebuilt"), " | ".join(said)
    remade = path.is_file() and small.numbers().get(result, "") == numbers.get(result, "")
    return ("itself" if itself and not remade else "harmless"), ""


def main() -> int:
    parser = options(__doc__)
    parser.add_argument("--sample", type=int, default=3, help="files of a kind at most; 0: all")
    parser.add_argument("--only", default="*", help="files whose path in the project fits")
    parser.add_argument("--how", nargs="+", choices=HOW, default=HOW, help="what to do to each")
    args = parser.parse_args()
    finished = start(args).at(args.folder / "finished")
    later = later_files(finished, stage_starts(finished))
    numbers = finished.numbers()
    kinds: dict[str, list[str]] = defaultdict(list)
    for name in later:
        kinds[kind(name)].append(name)
    chance = random.Random(args.seed)
    chosen = {k: sorted(names if not args.sample else chance.sample(names, min(args.sample, len(names))))
              for k, names in kinds.items()}
    counts: dict[str, Counter[str]] = {how: Counter() for how in args.how}
    rows, stories = [], []
    for group, names in sorted(chosen.items()):
        cells = []
        for how in args.how:
            ends: Counter[str] = Counter()
            for name in (name for name in names if fnmatch.fnmatch(name, args.only)):
                small = finished.at(args.folder / "run")
                path = small.sandbox.project / name
                was = path.read_bytes()
                if not damage(path, how, f"{args.seed} {name}"):
                    continue
                end, said = judge(small, name, was, numbers, later[name])
                ends[end] += 1
                counts[how][end] += 1
                print(f"{how} {name}: {end} {said}"[:300], file=sys.stderr, flush=True)
                if end in ("STUCK", "WRONG", "itself"):
                    stories.append(f"{end}: {how} {name}: {said}"[:400])
            cells.append(" ".join(f"{count} {end}" for end, count in ends.items()) or "-")
        if any(cell != "-" for cell in cells):
            rows.append([group, str(len(kinds[group])), *cells])
    print(table(["kind of file", "there are", *args.how], rows))
    print("\n".join(["", *stories, ""]))
    print(table(["", *ENDS], [[how, *(str(count[end]) for end in ENDS)] for how, count in counts.items()]))
    shutil.rmtree(args.folder / "run", ignore_errors=True)
    return 1 if any(count["STUCK"] + count["WRONG"] for count in counts.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
