"""Phone sets of a user's lexicon: ARPAbet and IPA are recognised, any other is described in a file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from lexicon.errors import UserError
from lexicon.ipa import bare, describe
from lexicon.letters import nfc
from lexicon.phones import BLANK, INVENTORY, MANNERS, PHONES, SILENCE, Phone, PhoneSet, phone
from lexicon.text import numbered_lines, width_of

NO_IPA = "-"
RESERVED = (SILENCE, BLANK, "<eps>", "#0")
STRESS_DIGIT = re.compile(r"[012]$")
# What ARPAbet has beyond the dictionary's 39, TIMIT's labels among it.
_MORE = {
    "AX": "ə",
    "AXR": "ɚ",
    "IX": "ɨ",
    "UX": "ʉ",
    "AX-H": "ə̥",
    "DX": "ɾ",
    "NX": "ɾ̃",
    "EL": "l̩",
    "EM": "m̩",
    "EN": "n̩",
    "ENG": "ŋ̍",
    "HV": "ɦ",
    "Q": "ʔ",
    "WH": "ʍ",
    "PCL": "p̚",
    "TCL": "t̚",
    "KCL": "k̚",
    "BCL": "b̚",
    "DCL": "d̚",
    "GCL": "ɡ̚",
}
ARPABET: dict[str, Phone] = {name: INVENTORY[name] for name in PHONES} | {
    name: known for name, ipa in _MORE.items() if (known := phone(ipa))
}


def without_stress(name: str) -> str:
    """AH0 -> AH, ˈa -> a."""
    return STRESS_DIGIT.sub("", bare(name)) if STRESS_DIGIT.sub("", name).upper() in ARPABET else bare(name)


def arpabet(name: str) -> Phone | None:
    """The ARPAbet phone of that name, in upper or lower case."""
    return ARPABET.get(name.upper())


def ipa(name: str) -> Phone | None:
    """The phone whose name is its IPA."""
    return phone(name) if describe(name) else None


def recognise(names: Iterable[str]) -> tuple[str, dict[str, Phone], list[str]]:
    """(notation, its phones, the names that are not in it) for ARPAbet or IPA, whichever leaves fewer names over.

    The names have no stress marks. Of equals ARPAbet is chosen, which has no vowel of one letter.
    """
    names = list(dict.fromkeys(names))
    readings = []
    for notation, read in (("ARPAbet", arpabet), ("IPA", ipa)):
        found = {name: known for name in names if (known := read(name))}
        readings.append((notation, found, [name for name in names if name not in found]))
    return min(readings, key=lambda reading: len(reading[2]))


def read_phone_set(path: Path | str) -> dict[str, Phone]:
    """Read `PHONE IPA [class words]` lines; `#` begins a comment, `-` stands for no IPA.

    Class words replace those of the IPA symbol, and are needed where there is none. UserError with file and line.
    """
    found: dict[str, Phone] = {}
    for number, line in numbered_lines(path):
        name, *rest = (not line.startswith("#") and line.split(" #")[0].split()) or [""]
        if not name:
            continue
        name = nfc(name)
        if name in RESERVED:
            raise UserError(f'{path}:{number}: "{name}" is the recogniser\'s own; take the line out')
        if re.fullmatch(r"[-+]?[0-9]*\.[0-9]+", name):
            raise UserError(
                f'{path}:{number}: "{name}" is a number, which lexicons have before the phones; give the '
                "phone another name"
            )
        if name in found:
            raise UserError(f'{path}:{number}: phone "{name}" for the second time; keep one of the lines')
        if not rest:
            raise UserError(
                f'{path}:{number}: phone "{name}" without IPA; write `{name} IPA`, or `{name} - CLASS WORDS`'
            )
        known = _entry(rest)
        if known is None:
            what = f'the words "{" ".join(rest[1:])}" name no manner' if rest[1:] else f'"{rest[0]}" is not IPA'
            raise UserError(f"{path}:{number}: {what}; add one of: {' '.join(MANNERS[:-1])}")
        found[name] = known
    if not found:
        raise UserError(f"{path}: no phones; write one `PHONE IPA [class words]` line for each")
    return found


def _entry(fields: Sequence[str]) -> Phone | None:
    return phone("" if fields[0] == NO_IPA else nfc(fields[0]), " ".join(fields[1:]))


def as_fields(known: Phone) -> str:
    """`IPA class words` of a phone, as read_phone_set reads it."""
    return f"{known.ipa or NO_IPA} {known.classes}"


def phone_set_of(info: dict[str, Any]) -> PhoneSet:
    """The phone set that lang.json records; that of the dictionary where it says nothing. UserError if it is
    damaged."""
    recorded = info.get("phone_set")
    if recorded is None:
        return INVENTORY
    found = {SILENCE: INVENTORY[SILENCE]}
    for name, fields in recorded.items() if isinstance(recorded, dict) else [("set", None)]:
        known = _entry(fields.split()) if isinstance(fields, str) and fields.split() else None
        if known is None:
            raise UserError(f"lang.json: phone {name}: {fields!r} is not `IPA class words`; run: make lexicon")
        found[name] = known
    return found


def table(phone_set: PhoneSet, lines: int = 20, width: int = 120) -> list[str]:
    """The phones with their IPA (where that is not their name) and classes in columns of a terminal.

    At most ``lines`` lines; the phones left out are counted.
    """
    order = sorted(phone_set, key=lambda name: (MANNERS.index(phone_set[name].manner), name))
    cells = [
        f"{name} {phone_set[name].classes if phone_set[name].ipa == name else as_fields(phone_set[name])}"
        for name in order
    ]
    for across in (4, 3, 2, 1):
        tall = -(-len(cells) // across)
        columns = [cells[tall * number : tall * (number + 1)] for number in range(across)]
        widths = [max(map(width_of, column), default=0) + 2 for column in columns]
        if sum(widths) <= width:
            break
    rows = [
        "".join(
            column[row] + " " * (room - width_of(column[row]))
            for column, room in zip(columns, widths)
            if row < len(column)
        ).rstrip()
        for row in range(min(tall, lines))
    ]
    left = len(cells) - sum(len(column[:lines]) for column in columns)
    return rows + ([f"... and {left} more"] if left else [])
