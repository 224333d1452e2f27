"""Every file under data/ and exp/ of a small finished corpus in turn is deleted, cut in half, and gets one bit flipped:
does `make` make it again, name it with advice that works, or show a wrong number?

    python bench/damage.py [--each 2] [--seed 0]

Of files of one kind in a folder (TextGrids) ``--each`` are taken. Prints the counts; exit status 1 if there
is a wrong number, or advice that does not help.
"""

from __future__ import annotations

import argparse
import collections
import os
import random
import re
import sys
from pathlib import Path

from small_project import FOLDER, Sandbox, advice, differing, finished, kept, numbers, restored, small_project

# isort: split
from attacks.sandbox import snapshot

HOW = ("deleted", "cut in half", "one bit flipped")


def damage(path: Path, how: str, rng: random.Random) -> bool:
    """Whether anything has changed."""
    data = path.read_bytes()
    if how == "deleted":
        path.unlink()
    elif not data:
        return False
    elif how == "cut in half":
        os.truncate(path, len(data) // 2)
    else:
        place = rng.randrange(len(data))
        with open(path, "r+b") as stream:
            stream.seek(place)
            stream.write(bytes([data[place] ^ 1 << rng.randrange(8)]))
    return True


def chosen(root: Path, each: int) -> list[Path]:
    """The files, of those of one kind in a folder the first few."""
    kinds: dict[tuple[Path, str], list[Path]] = collections.defaultdict(list)
    for path in sorted(root.rglob("*")):
        if path.is_file() and not path.is_symlink():
            many = len([*path.parent.glob(f"*{path.suffix}")]) > 12
            kinds[path.parent, path.suffix if many else path.name].append(path)
    return [path for paths in kinds.values() for path in paths[:each]]


def outcome(sandbox: Sandbox, path: Path, right: dict[str, object], was: bytes) -> str:
    """What make does about it."""
    done = finished(sandbox)
    if done.code:
        said = advice(done)
        if not said:
            return f"WRONG: {' '.join(done.message)[:200]}"
        for name in re.findall(r"(?:delete|remove) (\S+?)[,;]? ", said + " "):
            (sandbox.project / name).unlink(missing_ok=True)
        for name in re.findall(r"touch (\S+)", said):
            (sandbox.project / name).touch()
        done = finished(sandbox, *([FOLDER] if "CORPUS_DIR" in said else []))
        if done.code or differing(right, numbers(sandbox)):
            return f"WRONG: advice that does not help: {said}"
        return "named, with advice that works"
    if bad := differing(right, numbers(sandbox)):
        return f"WRONG numbers: {bad}"
    if " -m stages." not in done.out:
        return "as it was" if path.is_file() and path.read_bytes() == was else "not noticed"
    return "made again"


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--each", type=int, default=2, help="files of one kind in a folder that are tried")
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--only", default="", help="files whose path holds this")
    options.add_argument("--how", choices=HOW, nargs="+", default=HOW)
    arguments = options.parse_args()
    rng, counts = random.Random(arguments.seed), collections.Counter()
    with small_project() as sandbox:
        assert finished(sandbox).code == 0
        right, whole = numbers(sandbox), kept(sandbox)
        for root in ("data", "exp"):
            for path in [
                path for path in chosen(sandbox.project / root, arguments.each) if arguments.only in str(path)
            ]:
                for how in arguments.how:
                    before = path.read_bytes()
                    if not damage(path, how, rng):
                        continue
                    found = outcome(sandbox, path, right, before)
                    counts[how, found.split(":")[0]] += 1
                    print(f"{path.relative_to(sandbox.project)} {how}: {found}", flush=True)
                    if snapshot(sandbox.project / root) != snapshot(whole / root):
                        restored(sandbox, whole)
    for (how, found), count in sorted(counts.items()):
        print(f"{how:16}  {found:40}  {count:4d}")
    return int(any(found.startswith("WRONG") for _, found in counts))


if __name__ == "__main__":
    sys.exit(main())
