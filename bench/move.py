"""A finished project moved and copied: does make have nothing to do, and does every look work there?

    .venv/bin/python bench/move.py [--systems "gmm neural"]

Ways: another path; `cp -r` in any order with new times; tar with times, extracted by another user who may not write to
the files' first place; only data/, exp/ and the recordings put into a fresh clone. Exit status 1 if a look fails.
"""
from __future__ import annotations

import os
import random
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from small import Small, differing, options, start, table, undisturbed

from attacks.sandbox import Done, Sandbox

NOBODY = 65534
STAGES_OF_LOOKS = ("train_", "prepare_data", "make_mfcc", "make_lang", "stages.align ", "stages.tune", "stages.decode")


def moved(small: Small, root: Path) -> Small:
    """Renamed; where it was, there is nothing any more."""
    small.sandbox.root.rename(root)
    return relocated(small, root)


def without_times(small: Small, root: Path) -> Small:
    """Each file with a time of its own, in any order, as `cp -r` of a network or a version control leaves them."""
    shutil.copytree(small.sandbox.root, root, symlinks=True)
    files = [path for path in root.rglob("*") if path.is_file() and ".venv" not in path.parts]
    random.Random(0).shuffle(files)
    for number, path in enumerate(files):
        os.utime(path, ns=(1_700_000_000_000_000_000 + number * 1_000_000,) * 2)
    shutil.rmtree(small.sandbox.root)
    return relocated(small, root)


def other_user(small: Small, root: Path) -> Small:
    """Owned by nobody, and run so; the same rights as anybody, and Python may lie where only root may read."""
    shutil.copytree(small.sandbox.root, root, symlinks=True)
    shutil.rmtree(small.sandbox.root)
    for path in (root, *root.rglob("*")):
        os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
    found = relocated(small, root)
    found.sandbox.__class__ = AsNobody
    return found


class AsNobody(Sandbox):
    """Commands run as the user nobody, who may read everything and write to what is nobody's."""

    def run(self, command: list[str], env: dict[str, str] | None = None, timeout: float = 60) -> Done:
        return super().run(["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups",
                            "--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search", *command], env, timeout)


def into_a_clone(small: Small, root: Path) -> Small:
    """data/, exp/ and the recordings in a clone that is newer than they are."""
    clone = Sandbox(root)
    for name in ("data", "exp", "recordings"):
        shutil.copytree(small.sandbox.project / name, clone.project / name, symlinks=True)
    shutil.rmtree(small.sandbox.root)
    return relocated(small, root)


def relocated(small: Small, root: Path) -> Small:
    found = Small(Sandbox.at(root), small.words, small.limit)
    found.sandbox.freshen()
    return found


WAYS: dict[str, Callable[[Small, Path], Small]] = {
    "stays": lambda small, root: small, "moved": moved, "copied, new times": without_times, "another user": other_user,
    "data and exp in a clone": into_a_clone}


def looks(utterance: str, system: str, text: str) -> dict[str, tuple[str, ...]]:
    """{what: the words of make}; ``text`` is said in the recording."""
    wav = "WAV=my own.wav"
    return {"lattice": ("lattice", f"UTT={utterance}"), "align UTT": ("align", f"UTT={utterance}"),
            "show decode": ("show", "STAGE=decode", f"UTT={utterance}"),
            "show mfcc": ("show", "STAGE=mfcc", f"UTT={utterance}"),
            "replay": ("replay", f"UTT={utterance}"), "check": ("check",), "transcribe": ("transcribe", wav),
            "align WAV": ("align", wav, f"TEXT={text}"), "lattice_text": ("lattice_text", f"MODEL={system}"),
            "report UTT": ("report", f"UTT={utterance}"), "-n errors": ("-n", "errors"), "-n matrix": ("-n", "matrix")}


def judge(done: Done) -> str:
    """ok, or what is wrong."""
    if done.faults():
        return f"FAILS: {done.faults()[0]}"
    if done.code:
        return f"FAILS: {' '.join(done.message)[-160:]}"
    new = "lang_flat" in done.out  # the matrix has searches of its own, which were not made before
    again = [stage for stage in STAGES_OF_LOOKS if stage in done.out and not new]
    return f"RUNS AGAIN: {' '.join(again)}" if again else "ok"


def main() -> int:
    args = options(__doc__, goal="all").parse_args()
    finished, numbers, _ = undisturbed(start(args), args.folder / "finished")
    utterance = (finished.sandbox.project / "data/recordings/test/text").read_text().split()[0]
    recording = min((finished.sandbox.project / "recordings").rglob("*.wav"))
    shutil.copy(recording, args.folder / "my own.wav")
    settings = finished.words[1:]
    asked = looks(utterance, args.systems.split()[0], recording.with_suffix(".txt").read_text().strip(". \n"))
    finished.sandbox.make(*asked["align UTT"], *settings, timeout=args.limit)  # it aligns train too, the first time
    kept = args.folder / "kept"
    made = finished.sandbox.root
    made.rename(kept)  # a path that still leads there must lead to nothing
    rows, bad = [], 0
    for way, carry in WAYS.items():
        if way == "another user" and (os.geteuid() or not shutil.which("setpriv")):
            rows.append([way, "-", "left out: only root can become another user"])
            continue
        shutil.rmtree(made, ignore_errors=True)
        small = Small(Sandbox.at(kept).copy_to(made), finished.words, args.limit)
        small = carry(small, args.folder / way.replace(" ", "-").replace(",", ""))
        planned = small.make("-n")
        again = sorted({word for word in planned.out.split() if word.startswith("stages.")})
        results = {"make -n": f"RUNS AGAIN: {' '.join(again)}" if again else judge(planned)}
        shutil.copy(args.folder / "my own.wav", small.sandbox.project)
        for name, words in asked.items():
            results[name] = judge(small.sandbox.make(*words, *settings, timeout=args.limit))
        odd = differing(numbers, small.numbers())
        results["numbers"] = f"DIFFER: {' '.join(odd[:3])}" if odd else "ok"
        for name, verdict in results.items():
            bad += verdict != "ok"
            rows.append([way, name, verdict])
            print("  ".join(rows[-1])[:300], file=sys.stderr, flush=True)
    print(table(["project", "look", "works"], rows))
    print(f"{sum(row[2] == 'ok' for row in rows)} of {len(rows)} ok")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
