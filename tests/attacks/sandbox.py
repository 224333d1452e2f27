"""A copy of the project in a folder of its own, to be attacked there: nothing outside that folder is at risk.

ROOT/canary        somebody's files that no attack may change
ROOT/home, tmp     HOME and TMPDIR of what runs
ROOT/in/here/project   the copy; two folders down, so that ../../ stays in ROOT
ROOT/mine          a small corpus of real speech, in folders of recordings and transcripts
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import soundfile

from pipeline.corpora import prompts
from pipeline.sound.audio import read_audio

PROJECT = Path(__file__).resolve().parents[2]
COPIED = ("Makefile", "pyproject.toml", "stages", "pipeline", "lexicon")
LONGEST_S = 1.6  # of the utterances of the small corpus
# What make, the shell or Python say when a value was taken for their own language, or nobody thought of it.
NOT_FOR_PEOPLE = re.compile(
    r"Traceback \(most|missing separator|unterminated|target pattern|mixed implicit|empty variable name|"
    r"commences before|No rule to make target|Circular|warning: undefined|syntax error|unexpected EOF|"
    r"command not found|(?:bash|/sh): (?:-c: )?(?:line|\d)|ambiguous redirect|ignoring old recipe|virtual memory"
)
RECORDER = """#!/bin/sh
# Stands for the virtual environment's python: it writes down how it was called, and nothing else.
{ for word in "$@"; do printf '%s\\n' "$word"; done; echo; } >> "$CALLS"
exit 0
"""


@dataclass(frozen=True)
class Done:
    """How a command ended: its exit status (None: it took too long and was killed), and all it said."""

    code: int | None
    out: str
    err: str

    @property
    def said(self) -> str:
        return self.out + self.err

    @property
    def message(self) -> list[str]:
        """The lines on standard error that are meant for a person: without make's own about exit statuses."""
        return [
            line
            for line in self.err.splitlines()
            if line.strip() and not re.match(r"make(\[\d+\])?: (\*\*\* \[.*\] Error|Target .* not remade)", line)
        ]

    def faults(self) -> list[str]:
        """What no command may do, whatever it was given."""
        found = [
            f"says: {match[0]}: {line}" for line in self.said.splitlines() if (match := NOT_FOR_PEOPLE.search(line))
        ]
        if self.code is None:
            found.append("takes too long")
        if self.code and not (self.message or "error:" in self.out):
            found.append(f"fails (status {self.code}) without a word")
        if self.code and len(self.message) > 6:
            found.append(f"fails with {len(self.message)} lines")
        return [fault[:300] for fault in found]


class Sandbox:
    """The folder ``root``; ``real`` python, or one that only records how it was called."""

    def __init__(self, root: Path, real: bool = True) -> None:
        self.root, self.project = root, root / "in/here/project"
        self.canary, self.mine, self.calls = root / "canary", root / "mine", root / "calls.txt"
        self.project.mkdir(parents=True)
        for name in COPIED:
            copy(PROJECT / name, self.project / name)
        for folder in (root / "home", root / "tmp", self.canary / "train", self.project / ".venv/bin"):
            folder.mkdir(parents=True)
        for name in ("notes.txt", "train/wav.scp", "train/.notes.draft.tmp", "splits.json"):
            (self.canary / name).write_text("somebody's\n")
        self.python = self.project / ".venv/bin/python"
        self.python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n' if real else RECORDER)
        self.python.chmod(0o755)
        self.freshen()

    @classmethod
    def at(cls, root: Path) -> Sandbox:
        """One that is there already."""
        found = object.__new__(cls)
        found.root, found.project = root, root / "in/here/project"
        found.canary, found.mine, found.calls = root / "canary", root / "mine", root / "calls.txt"
        found.python = found.project / ".venv/bin/python"
        return found

    def copy_to(self, root: Path) -> Sandbox:
        """The same elsewhere, times and links as they are."""
        copy(self.root, root)
        return Sandbox.at(root)

    def freshen(self) -> None:
        """The virtual environment was made from this project, so nothing is installed."""
        for name in (".phonoscope", ".phonoscope-test"):
            shutil.copy(self.project / "pyproject.toml", self.project / ".venv" / name)

    def environment(self, **more: str) -> dict[str, str]:
        """What every command runs with: nothing of the caller's but PATH, and one thread a process."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.root / "home"),
            "TMPDIR": str(self.root / "tmp"),
            "LC_ALL": "C.UTF-8",
            "CALLS": str(self.calls),
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
            **more,
        }

    def make(self, *words: str, env: dict[str, str] | None = None, timeout: float = 60) -> Done:
        return self.run(["make", *words], env=env, timeout=timeout)

    def run(self, command: list[str], env: dict[str, str] | None = None, timeout: float = 60) -> Done:
        """Run in the project; what takes longer than ``timeout`` seconds is killed with all it started."""
        started = self.start(command, env)
        try:
            out, err = started.communicate(timeout=timeout)
            code = started.returncode
        except subprocess.TimeoutExpired:
            os.killpg(started.pid, signal.SIGKILL)
            out, err = started.communicate()
            code = None
        return Done(code, out.decode(errors="replace"), err.decode(errors="replace"))

    def start(self, command: list[str], env: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
        """Start it in a process group whose number is that of the process."""
        return subprocess.Popen(
            command,
            cwd=self.project,
            env=self.environment(**(env or {})),
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def pwned(self) -> list[str]:
        """The files that only a command hidden in a value makes: their name is pwned, or pwned-SETTING."""
        return sorted(
            str(p.relative_to(self.root))
            for p in self.root.rglob("pwned*")
            if p.is_file() and re.fullmatch(r"pwned(-[A-Z0-9_]+)?", p.name)
        )


def copy(source: Path, target: Path) -> None:
    """A file or folder with its times; links stay links."""
    if source.is_dir():
        shutil.copytree(source, target, symlinks=True)
    else:
        shutil.copy2(source, target)


def snapshot(folder: Path, leave_out: Iterable[Path] = ()) -> dict[str, str]:
    """{path: what is there} of all files, links and folders below ``folder``, but for what lies in ``leave_out``."""
    left_out = [os.path.abspath(path) for path in leave_out]
    found = {}
    for here, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if os.path.join(here, name) not in left_out and name != "__pycache__"]
        for name in (*folders, *files):
            path = Path(here, name)
            if str(path) not in left_out:
                found[str(path.relative_to(folder))] = content(path)
    return found


def content(path: Path) -> str:
    """One word on what a path holds."""
    if path.is_symlink():
        return f"link to {os.readlink(path)}"
    if path.is_dir():
        return "folder"
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "neither"


def differences(before: dict[str, str], after: dict[str, str], new: bool = True) -> list[str]:
    """What is gone or changed, and unless told otherwise what is new."""
    return [
        *(f"deleted: {name}" for name in before if name not in after),
        *(f"changed: {name}" for name in before if name in after and before[name] != after[name]),
        *(f"new: {name}" for name in after if new and name not in before),
    ]


def write_corpus(folder: Path, downloads: Path, utterances: int, readers: int = 1) -> None:
    """The first ``utterances`` training prompts shorter than LONGEST_S, as recordings beside transcripts.

    They are all of one voice; with more ``readers`` they are dealt out to as many folders, as if of so many speakers.
    """
    root = prompts.get(None, downloads).resolve()
    chosen = [u for u in prompts.prepare(root).sets["train"] if u.num_samples < LONGEST_S * 8000][:utterances]
    for number, utterance in enumerate(chosen):
        wav = folder / f"{utterance.speaker}{number % readers or ''}" / f"{utterance.id}.wav"
        wav.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(wav, read_audio(utterance.wav, 8000), 8000, subtype="PCM_16")
        wav.with_suffix(".txt").write_text(" ".join(utterance.words).capitalize() + ".\n")
