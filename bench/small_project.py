"""A copy of the project with a small corpus of real speech, for kill9.py, two_makes.py, damage.py and move.py: what
make ends with there, and whether it is what an undisturbed run ends with."""

from __future__ import annotations

import contextlib
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(PROJECT), str(PROJECT / "tests")]

from attacks.sandbox import Done, Sandbox, copy, write_corpus  # noqa: E402 (found by the line before)

FOLDER = "CORPUS_DIR=../../../mine"  # of recordings, beside the sandbox's project
SETTINGS = (
    "CORPUS=mine",
    "SYSTEMS=gmm",
    "GMM_ARGS=--max-mix 2 --warm-up 2 --passes 1 --last 1",
    "REPORT_ARGS=--utterances 1",
)
NUMBERS = (
    "compare.tsv",
    "boundaries.tsv",
    "gmm/tuning.json",
    "gmm/decode_test/hyp.txt",
    "gmm/decode_test/free.txt",
    "gmm/decode_test/wer.txt",
    "gmm/ali_test/reference.txt",
    "gmm/ali_train/phones.txt",
)
TIMES = ("train_seconds", "rtf", "seconds")  # columns of compare.tsv that no two runs share


@contextlib.contextmanager
def small_project(utterances: int = 24) -> Iterator[Sandbox]:
    """Its corpus is prepared, nothing trained; gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        sandbox = Sandbox(Path(folder) / "root")
        write_corpus(sandbox.mine, Path("downloads"), utterances)
        done = sandbox.make("data", FOLDER, timeout=300)
        assert done.code == 0, done.said
        yield sandbox


def numbers(sandbox: Sandbox) -> dict[str, object]:
    """What a run ends with, times aside: {file: its text, or for the table its columns}."""
    found: dict[str, object] = {}
    for name in NUMBERS:
        path = sandbox.project / "exp/mine" / name
        text = path.read_text() if path.is_file() else ""
        if name == "compare.tsv" and text:
            rows = [line.split("\t") for line in text.splitlines()]
            kept = [i for i, column in enumerate(rows[0]) if not any(word in column for word in TIMES)]
            found[name] = [[row[i] for i in kept] for row in rows]
        else:
            found[name] = text
    return found


def finished(sandbox: Sandbox, *more: str) -> Done:
    """Run make to its end."""
    return sandbox.make(*SETTINGS, *more, timeout=600)


def advice(done: Done) -> str | None:
    """The one line of a stage that says what is wrong and what to do, if that is all that is said."""
    lines = [line for line in done.message if re.match(r"\S+: .+; .+", line) and not line.startswith("make: ")]
    return lines[0] if len(lines) == 1 and not done.faults() else None


def differing(before: dict[str, object], after: dict[str, object]) -> list[str]:
    return [name for name in before if before[name] != after[name]]


def restored(sandbox: Sandbox, snapshot: Path) -> None:
    """Put the project's data and exp back as they are in ``snapshot``."""
    for name in ("data", "exp"):
        shutil.rmtree(sandbox.project / name, ignore_errors=True)
        copy(snapshot / name, sandbox.project / name)


def kept(sandbox: Sandbox) -> Path:
    """A copy of the project's data and exp to restore."""
    snapshot = sandbox.root / "snapshot"
    for name in ("data", "exp"):
        copy(sandbox.project / name, snapshot / name)
    return snapshot
