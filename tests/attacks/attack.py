"""One attack: a command, what is done before it, and what must come of it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from attacks.sandbox import Done, Sandbox, differences, snapshot

WORKS, REFUSED, EITHER = "works", "is refused", "works or is refused in a line"


@dataclass(frozen=True)
class Attack:
    """``make WORDS`` in a sandbox with data/mine, made from ../../../mine, and exp/mine with a recording of its user.

    In words and environment {canary}, {root} and {mine} are folders of the sandbox. ``may`` lists what may change,
    seen from the project, beside exp/mine and data/mine; ``after`` returns further faults.
    """

    kind: str
    what: str
    words: tuple[str, ...]
    ends: str = EITHER
    env: dict[str, str] = field(default_factory=dict)
    before: Callable[[Sandbox], None] | None = None
    may: tuple[str, ...] = ()
    after: Callable[[Sandbox, Done], list[str]] | None = None
    always: bool = True  # in the tests too; the others, its siblings, are for bench/attack_all.py

    def __str__(self) -> str:
        return f"{self.kind}: {self.what}"

    def faults(self, sandbox: Sandbox) -> list[str]:
        """Do it; what was not held."""
        if self.before:
            self.before(sandbox)
        may = [sandbox.project / name for name in ("data/mine", "exp/mine", "data/g2p", "data/.mine.lock", *self.may)]
        may += [sandbox.root / "tmp", sandbox.root / "home/.cache"]
        seen = snapshot(sandbox.root, may)
        done = sandbox.make(
            *(filled(word, sandbox) for word in self.words),
            env={name: filled(value, sandbox) for name, value in self.env.items()},
        )
        found = [*done.faults(), *(f"runs it: {path}" for path in sandbox.pwned())]
        found += [
            line
            for line in differences(seen, snapshot(sandbox.root, may))
            if not line.startswith("new: in/here/project/") and "/pwned" not in line
        ]
        if self.ends == WORKS and done.code:
            found.append(f"does not work: {' '.join(done.message)[:300]}")
        if self.ends == REFUSED and done.code == 0:
            found.append("is not refused")
        return found + (self.after(sandbox, done) if self.after else [])


def filled(text: str, sandbox: Sandbox) -> str:
    """The folders that {canary}, {root} and {mine} stand for; other braces are the attack's."""
    for name, folder in (("canary", sandbox.canary), ("root", sandbox.root), ("mine", sandbox.mine)):
        text = text.replace(f"{{{name}}}", str(folder))
    return text


def first(number: int, rows: list[Attack]) -> list[Attack]:
    """Rows that differ in a name only: the tests do the first ``number`` of them."""
    return [replace(row, always=index < number) for index, row in enumerate(rows)]


def fake_exp(sandbox: Sandbox) -> None:
    """What a user has in exp/mine: results, and a recording of theirs."""
    for name in ("gmm/train.log", "own/me.wav"):
        path = sandbox.project / "exp/mine" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("mine\n")


def own_is_spared(sandbox: Sandbox, done: Done) -> list[str]:
    return [] if (sandbox.project / "exp/mine/own/me.wav").is_file() else ["the user's recording is deleted"]


def mine_is_there(sandbox: Sandbox, done: Done) -> list[str]:
    """What belongs to data/mine and exp/mine was not touched by a command on something else."""
    return [
        f"deleted: {name}"
        for name in ("data/mine/splits.json", "data/mine/train/text", "exp/mine/gmm/train.log", "exp/mine/own/me.wav")
        if not (sandbox.project / name).is_file()
    ]


def link(name: str, to: str) -> Callable[[Sandbox], None]:
    """Plant a link in the project to something of the sandbox."""

    def plant(sandbox: Sandbox) -> None:
        path = sandbox.project / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(sandbox.root / to)

    return plant


def write(name: str, text: str, executable: bool = False) -> Callable[[Sandbox], None]:
    def plant(sandbox: Sandbox) -> None:
        path = sandbox.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.fsencode(text))
        path.chmod(0o755 if executable else 0o644)

    return plant


def all_of(*steps: Callable[[Sandbox], None]) -> Callable[[Sandbox], None]:
    return lambda sandbox: [step(sandbox) for step in steps] and None


def given(sandbox: Sandbox) -> None:
    """A data directory of somebody with something to mend: its tables are not in order."""
    shutil.copytree(sandbox.project / "data/mine/train", sandbox.root / "given/train")
    text = sandbox.root / "given/train/text"
    text.write_text("".join(reversed(text.read_text().splitlines(keepends=True))))
    (sandbox.root / "given/train/utt2num_samples").unlink()
