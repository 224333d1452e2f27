"""A finished project that is moved, copied without its times, copied for another user, or of which only exp/ and data/
are copied into a fresh clone: make has nothing to do, and `make show` and the like work.

    python bench/move.py
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable

from small_project import SETTINGS, Sandbox, copy, finished, small_project


def moved(sandbox: Sandbox) -> Sandbox:
    """The project alone; the recordings stay where they were."""
    there = Sandbox.at(sandbox.root.with_name("moved"))
    for folder in (there.project.parent, there.root / "home", there.root / "tmp"):
        folder.mkdir(parents=True)
    sandbox.project.rename(there.project)
    there.mine = sandbox.mine
    return there


def copied_without_times(sandbox: Sandbox, name: str = "copied") -> Sandbox:
    there = sandbox.root.with_name(name)
    shutil.copytree(sandbox.root, there, symlinks=True, copy_function=shutil.copy)
    return Sandbox.at(there)


def for_another_user(sandbox: Sandbox) -> Sandbox:
    """Everything belongs to another user, and the times are those of the copy, in reverse order."""
    there = copied_without_times(sandbox, "another").root
    for number, path in enumerate(sorted(there.rglob("*"))):
        os.utime(path, (1_700_000_000 - number, 1_700_000_000 - number), follow_symlinks=False)
        if os.getuid() == 0:
            os.chown(path, 65534, 65534, follow_symlinks=False)
    return Sandbox.at(there)


def in_a_fresh_clone(sandbox: Sandbox) -> Sandbox:
    there = Sandbox(sandbox.root.with_name("clone"))
    copy(sandbox.mine, there.mine)
    for name in ("exp", "data"):
        shutil.copytree(sandbox.project / name, there.project / name, copy_function=shutil.copy)
    return there


def faults(sandbox: Sandbox) -> list[str]:
    """What make would do though nothing is to be done, and what cannot be shown."""
    sandbox.freshen()
    planned = sandbox.make("-n", *SETTINGS)
    found = [f"to do: {line}" for line in planned.out.splitlines() if "stages." in line]
    utterance = (sandbox.project / "data/mine/test/text").read_text().split()[0]
    wav = next(path for path in sandbox.mine.rglob("*.wav"))
    text = wav.with_suffix(".txt").read_text().strip()
    for look in (
        ["lattice", f"UTT={utterance}"],
        ["align", f"UTT={utterance}"],
        ["replay", f"UTT={utterance}"],
        ["errors"],
        *(
            ["show", f"STAGE={stage}", f"UTT={utterance}"]
            for stage in ("data", "lexicon", "mfcc", "gmm", "align", "decode", "lattice", "score")
        ),
        ["show"],
        ["check"],
        ["lattice_text"],
        ["report"],
        ["compare"],
        ["transcribe", f"WAV={wav}"],
        ["align", f"WAV={wav}", f"TEXT={text}"],
    ):
        done = sandbox.make(*look, *SETTINGS, timeout=300)
        if done.code or done.faults():
            found.append(f"make {' '.join(look)}: {' '.join(done.message)[-200:]}")
        if any(stage in done.out for stage in ("stages.train", "stages.decode", "stages.make", "stages.prepare")):
            found.append(f"make {' '.join(look)} makes something again")
    return found


def main() -> int:
    wrong = 0
    ways: list[Callable[[Sandbox], Sandbox]] = [in_a_fresh_clone, copied_without_times, for_another_user, moved]
    with small_project() as sandbox:
        done = finished(sandbox)
        assert done.code == 0, done.said
        for way in ways:
            found = faults(way(sandbox))
            wrong += bool(found)
            print(
                f"{way.__name__.replace('_', ' ')}: {'nothing to do, every look works' if not found else ''}",
                *found,
                sep="\n  " if found else "",
                flush=True,
            )
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
