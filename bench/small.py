"""What the benches that break things share: a small project in a sandbox, its numbers, and following the advice of
messages.

The corpus is 24 short prompts of the default corpus, dealt out to four folders as if of four speakers; the models are
the smallest there are. Their error rates are high, so hardly any change of the input leaves them unchanged.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(PROJECT), str(PROJECT / "tests")]

from attacks.sandbox import Done, Sandbox, write_corpus  # noqa: E402 (tests/ is no package)

UTTERANCES, READERS = 24, 4
SMALL = (
    "CORPUS_DIR=recordings",
    "GMM_ARGS=--max-mix 1 --warm-up 2 --passes 0 --last 0",
    "CLASSIFIER_ARGS=--classifiers lda",
    "NEURAL_ARGS=--epochs 1",
    "REPORT_ARGS=--utterances 2",
    "NJ=1",
)
# Files that hold the results, seen from exp/CORPUS; what takes time is measured anew each time.
RESULTS = (
    "compare.tsv",
    "boundaries.tsv",
    "*/decode_test/hyp.txt",
    "*/decode_test/free.txt",
    "*/tuning.json",
    "*/decode_test/wer.txt",
    "*/ali_test/phones.ctm",
)
TIMES = ("train_seconds", "decode_rtf")
ROUNDS = 3  # of advice, until it counts as going in circles


class Help(argparse.ArgumentDefaultsHelpFormatter, argparse.RawDescriptionHelpFormatter):
    """The docstring as it is, and defaults."""


def options(doc: str, systems: str = "gmm", goal: str = "compare") -> argparse.ArgumentParser:
    """Those that all benches have."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=Help)
    parser.add_argument("--systems", default=systems, help="SYSTEMS of the small project")
    parser.add_argument("--goal", default=goal, help="the target that make is asked for")
    parser.add_argument(
        "--folder",
        type=Path,
        help="where to work (deleted first)",
        default=Path(tempfile.gettempdir(), "phonoscope-bench"),
    )
    parser.add_argument("--seed", type=int, default=0, help="of whatever is chosen at random")
    parser.add_argument("--limit", type=float, default=600, help="seconds after which a make counts as hanging")
    return parser


@dataclass
class Small:
    """The project in ``sandbox``, and the words that make it."""

    sandbox: Sandbox
    words: tuple[str, ...]
    limit: float = 600.0

    def make(self, *more: str) -> Done:
        return self.sandbox.make(*self.words, *more, timeout=self.limit)

    def numbers(self) -> dict[str, str]:
        """{file: content} of the results, times aside."""
        exp = self.sandbox.project / "exp/recordings"
        return {
            str(path.relative_to(exp)): without_times(path) for pattern in RESULTS for path in sorted(exp.glob(pattern))
        }

    def at(self, root: Path) -> Small:
        """A copy."""
        shutil.rmtree(root, ignore_errors=True)
        return replace(self, sandbox=self.sandbox.copy_to(root))


def start(args: argparse.Namespace) -> Small:
    """A fresh clone with the recordings, below --folder."""
    shutil.rmtree(args.folder, ignore_errors=True)
    sandbox = Sandbox(args.folder / "clean")
    os.chdir(PROJECT)
    write_corpus(sandbox.project / "recordings", Path("downloads"), UTTERANCES, READERS)
    return Small(sandbox, (args.goal, *SMALL, f"SYSTEMS={args.systems}"), args.limit)


def undisturbed(small: Small, root: Path) -> tuple[Small, dict[str, str], float]:
    """A finished copy, its numbers, and the seconds it took."""
    finished, begun = small.at(root), time.monotonic()
    done = finished.make()
    took = time.monotonic() - begun
    if done.code or done.faults():
        sys.exit(f"the undisturbed make fails: {done.said[-2000:]}")
    print(f"undisturbed: {took:.0f} s, {len(finished.numbers())} files of results", flush=True)
    return finished, finished.numbers(), took


def without_times(path: Path) -> str:
    """A result file without the columns that hold times."""
    if not path.is_file():
        return "no file"
    text = path.read_text(encoding="utf-8", errors="replace")
    if path.name != "compare.tsv" or "\n" not in text:
        return text
    rows = [line.split("\t") for line in text.splitlines()]
    kept = [i for i, name in enumerate(rows[0]) if name not in TIMES]
    return "\n".join("\t".join(row[i] for i in kept if i < len(row)) for row in rows)


def differing(numbers: dict[str, str], others: dict[str, str], but: Iterable[str] = ()) -> list[str]:
    """The files whose content is not the same."""
    return sorted(
        name for name in numbers.keys() | others.keys() if numbers.get(name) != others.get(name) and name not in but
    )


def to_the_end(small: Small, *more: str) -> tuple[Done, list[str]]:
    """make; where it fails, what its message advises, and make again. How it ended, and all that was said and done."""
    history: list[str] = []
    for _ in range(ROUNDS):
        done = small.make(*more)
        if done.code == 0:
            break
        message = " ".join(done.message)
        history.append(message[-300:])
        if not (advice := follow(small, message)):
            break
        history.append(f"-> {advice}")
    return done, history


def follow(small: Small, message: str) -> str:
    """Follow a message: remove a file, run another make, or the same again; returns what was done, "" if there is no
    advice."""
    project, done = small.sandbox.project, []
    named = [
        project / word
        for word in re.findall(r"[\w./-]*(?:data|exp)/[\w./-]*\w", message)
        if (project / word).exists() or (project / word).is_symlink()
    ]
    if re.search(r"\b(remove|delete|move) ", message):
        said = re.search(r"\b(?:remove|delete|move) ([\w./-]*\w)", message)
        path = next((p for p in (project / said[1], *(n.parent / said[1] for n in named), *named) if p.exists()), None)
        if path and path.resolve().is_relative_to(project):
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
            done.append(f"removed {path.relative_to(project)}")
    for words in re.findall(r"(?:run:?|again:|with:?) make ([a-z_]+(?: [A-Z_]+=\S+)*)", message):
        small.sandbox.make(*words.split(), *small.words[1:], timeout=small.limit)
        done.append(f"make {words}")
    if not done and re.search(r"run (make|the same command) again|goes on from here|same command", message):
        done.append("make again")
    return ", ".join(done)


def table(head: list[str], rows: list[list[str]]) -> str:
    """Columns with spaces between; the last one as long as it is."""
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head) - 1)]
    return "\n".join(
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths)), row[-1]]).rstrip()
        for row in [head, ["-" * min(len(h) + 2, 20) for h in head], *rows]
    )
