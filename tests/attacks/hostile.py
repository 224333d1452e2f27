"""Every target with every setting holding what make or the shell could take for its own: nothing of it runs.

The virtual environment's python only records its calls, so that a command goes through all its lines in no time.
One command holds all settings that it does not refuse, each with a file name of its own to give it away.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from attacks.sandbox import Done, Sandbox, differences, snapshot

# {X} is the name of a file that is made if the value is run.
VALUES = {
    "commands": "x$(shell touch {X})${{shell touch {X}}}$(file >{X});touch {X};`touch {X}`;$$(touch {X})$(touch {X})",
    "quotes": "'; touch {X}; '\"; touch {X}; \"",
    "line breaks": "a\ntouch {X}\n\ttouch {X}\n$(shell touch {X})",
    "odd characters": " a # = % \\ : ü $x $(y) ${{z}} $",
    "a leading dash": "-rf",
    "another folder": "../../../{X}",
}
# The same one by one, for a value that one character has refused says nothing about the others.
SINGLE = {
    "$(shell)": "$(shell touch {X})",
    "${shell}": "${{shell touch {X}}}",
    "$(file)": "$(file >{X})",
    "$(eval)": "$(eval pwn:=$(shell touch {X}))",
    "$(info) and $(error)": "$(info x)$(error $(shell touch {X}))",
    "$$(touch)": "$$(touch {X})",
    "$(touch)": "$(touch {X})",
    "backquotes": "`touch {X}`",
    ";": ";touch {X};",
    "&": "&touch {X}&",
    "|": "|touch {X}",
    ">": ">{X}",
    "single quotes": "'; touch {X}; '",
    "double quotes": '"; touch {X}; "',
    "a line break": "a\ntouch {X}",
    "a carriage return": "a\r\ntouch {X}\r",
    "#": "a#b",
    "=": "a=b",
    "%": "%",
    "backslash": "\\",
    "a last backslash": "a\\",
    "spaces": " a  b ",
    "comma": "a,b)",
    "non-ASCII": "Straße 東京 \u200c",
    "bytes that are not UTF-8": "a\udcffb",
    "ESC": "a\x1b[31mb",
    "~": "~root",
    "*": "*",
}


def targets_and_settings(sandbox: Sandbox) -> tuple[list[str], list[str]]:
    """What `make help` lists."""
    lines = sandbox.make("help").out.splitlines()
    targets = [match[1] for line in lines if (match := re.match(r"  ([a-z0-9_]+) +\S", line))]
    return targets, [match[1] for line in lines if (match := re.match(r"  ([A-Z_0-9]+) *=", line))]


class Matrix:
    """Attacks in one sandbox, which is as good as new after each as long as all of them are held."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.targets, self.settings = targets_and_settings(sandbox)
        self.before = self.seen()
        self.refused: dict[str, set[str]] = {}  # {value: settings that some target refused}

    def seen(self) -> dict[str, str]:
        """All that a make with this python may not change: everything but its records."""
        sandbox = self.sandbox
        return snapshot(sandbox.root, [sandbox.calls, sandbox.project / "data", sandbox.project / "exp"])

    def faults(self, target: str) -> list[str]:
        """One target with each of VALUES in all settings; then with those that were refused, each another value."""
        found = [fault for value in VALUES for fault in self._with(target, value, VALUES[value])]
        mixed = {setting: VALUES[value] for value in VALUES for setting in self.refused.get(value, ())}
        return found + self._call(target, "refused before", mixed)[1]

    def single(self, target: str) -> list[str]:
        """The same with each of SINGLE."""
        return [fault for value in SINGLE for fault in self._with(target, value, SINGLE[value])]

    def _with(self, target: str, name: str, value: str) -> list[str]:
        """All settings hold ``value``; the one that a refusal names is left out, until nothing is refused."""
        refused = self.refused.setdefault(name, set())
        may_be_elsewhere = ("DATA", "EXP", "VENV") if name == "another folder" else ()  # a new folder is as good as any
        settings = [setting for setting in self.settings if setting not in refused and setting not in may_be_elsewhere]
        found: list[str] = []
        while settings:
            done, faults = self._call(target, name, dict.fromkeys(settings, value))
            found += faults
            if done.code == 0 or faults:
                break
            named = [setting for setting in settings if re.search(rf"\b{setting}\b", " ".join(done.message))]
            if not named:
                found.append(f"{target}, {name}: refused, but no setting is named: {' '.join(done.message)[:200]}")
                break
            refused.add(named[0])
            settings.remove(named[0])
        return found

    def _call(self, target: str, name: str, values: dict[str, str]) -> tuple[Done, list[str]]:
        words = [f"{setting}={value.format(X=f'pwned-{setting}')}" for setting, value in values.items()]
        done = self.sandbox.make(target, *words, timeout=30)
        found = [*done.faults(), *(f"runs it: {path}" for path in self.sandbox.pwned())]
        after = self.seen()
        found += [line for line in differences(self.before, after) if "/pwned-" not in line]
        self._restore(after)
        return done, [f"{target}, {name}: {fault}" for fault in dict.fromkeys(found)]

    def _restore(self, after: dict[str, str]) -> None:
        """Remove what an attack that was not held has made, so that it is not counted twice."""
        remove(self.sandbox, (name for name in after if name not in self.before))
        for path in self.sandbox.pwned():
            remove(self.sandbox, [path])
        self.before = {name: what for name, what in self.before.items() if after.get(name) == what}


def remove(sandbox: Sandbox, names: Iterable[str]) -> None:
    """Files of the sandbox."""
    for name in names:
        path = sandbox.root / name
        if path.is_file() or path.is_symlink():
            path.unlink()
