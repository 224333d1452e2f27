"""The tables of a data directory, line by line: their values, and all that is wrong with them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lexicon.errors import UserError
from lexicon.letters import nfc
from lexicon.text import BYTE_ORDER_MARK, CONTROL, LONGEST_LINE, decode_line

UTF16 = (b"\xff\xfe", b"\xfe\xff")  # how such a file begins
ODD_SPACE = re.compile(r"(?![ \t])\s")  # what Python splits words at and Kaldi does not

ARCHIVED = re.compile(r".+\.ark:[0-9]+")  # an entry of wav.scp that is a place in an archive


def is_pipe(entry: str) -> bool:
    """Whether an entry of wav.scp is a command, or standard input, in place of a file."""
    return entry.startswith("|") or entry.endswith("|") or entry == "-"


@dataclass(frozen=True)
class Problem:
    """A fault at a place of a data directory, and what to do: ``file:line: what; fix``.

    A ``remark`` is worth knowing, but no stage refuses it.
    """

    where: str
    what: str
    fix: str
    remark: bool = False

    def __str__(self) -> str:
        return f"{self.where}: {self.what}; {self.fix}"


@dataclass(frozen=True)
class Line:
    """A value of a table and the number of its line, from 1."""

    value: str
    number: int


@dataclass
class Table(Mapping[str, Line]):
    """A table of lines `key value`: the usable ones by key, and what is wrong with the others.

    ``broken`` holds the keys of lines that could not be used, so that they are not reported as absent as well;
    ``lost``: there are lines of which not even the key is known.
    """

    path: Path
    lines: dict[str, Line] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    lost: bool = False
    problems: list[Problem] = field(default_factory=list)
    exists: bool = True

    def __getitem__(self, key: str) -> Line:
        return self.lines[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.lines)

    def __len__(self) -> int:
        return len(self.lines)

    def may_have(self, key: str) -> bool:
        """Whether there is a line of that key, be it one that cannot be used."""
        return key in self.lines or key in self.broken or self.lost

    def at(self, number: int) -> str:
        """`file:line`, as messages begin."""
        return f"{self.path}:{number}"

    def where(self, key: str) -> str:
        """`file:line` of a key."""
        return self.at(self.lines[key].number)


def read_table(path: Path, what: str, needed: bool = True, of_ids: bool = False) -> Table:
    """Read lines `key value`, where a value is ``what`` ("a speaker"); a file that is not ``needed`` may be absent.

    Keys, and values ``of_ids``, become NFC: two ids that only differ in Unicode form are the same.
    The lines must be sorted by key as ``LC_ALL=C sort`` does it (code points order as UTF-8 bytes do).
    """
    table = Table(path)
    if not path.is_file():
        table.exists = False
        if needed:
            table.problems.append(Problem(str(path), "no such file", "make it or correct the path"))
        return table
    unsorted: list[Problem] = []
    written: dict[str, str] = {}  # the form of a key in the file
    last = ""
    for number, line in text_lines(table):
        fields = line.split(maxsplit=1)
        if len(fields) < 2:
            found = f'"{fields[0]}" without {what}' if fields else "an empty line"
            table.problems.append(Problem(table.at(number), found, f"each line is an id, a space, and {what}"))
            table.broken.update(map(nfc, fields))
            continue
        key, value = nfc(fields[0]), fields[1].strip()
        if key in table.lines:
            table.problems.append(_double(table, key, value, number, fields[0] != written[key]))
            continue
        if fields[0] < last:
            unsorted.append(
                Problem(table.at(number), f'"{key}" after "{last}" is not sorted', "sort with: LC_ALL=C sort -k1,1")
            )
        table.lines[key] = Line(nfc(value) if of_ids else value, number)
        written[key] = last = fields[0]
    _remark(
        table,
        [table.lines[key].number for key in written if written[key] != key],
        "an id in another Unicode form than NFC, which to Kaldi is another id",
        "write it in NFC: FIX=yes",
    )
    if unsorted:  # one problem for the file: sorting mends them all
        more = f" ({len(unsorted)} such lines)" if len(unsorted) > 1 else ""
        table.problems.append(Problem(unsorted[0].where, unsorted[0].what + more, unsorted[0].fix))
    return table


def text_lines(table: Table) -> Iterator[tuple[int, str]]:
    """(number, line) of those that are text; what is wrong with bytes and characters goes to the table's problems."""
    returns, tabs, spaces, raw, number = [], [], [], b"", 0
    with open(table.path, "rb") as stream:
        for number, raw in enumerate(iter(lambda: stream.readline(LONGEST_LINE + 1), b""), 1):
            if number == 1 and raw.startswith(UTF16):
                table.problems.append(Problem(table.at(1), "UTF-16", "save the file as UTF-8"))
                table.lost = True
                return
            try:
                line = decode_line(raw, "")
            except UserError as error:
                what, _, fix = str(error).removeprefix(": ").rpartition("; ")
                table.problems.append(Problem(table.at(number), what, fix))
                table.lost |= not _key_known(table, raw)
                continue
            if number == 1 and line.startswith(BYTE_ORDER_MARK):
                line = line.removeprefix(BYTE_ORDER_MARK)
                _remark(table, [1], "a byte order mark at the beginning", "save the file as UTF-8 without it")
            returns += [number] if raw.rstrip(b"\n").endswith(b"\r") else []
            tabs += [number] if "\t" in line else []
            spaces += [number] if ODD_SPACE.search(line) else []
            yield number, line
    _remark(table, returns, "ends with a carriage return", "save the file with Unix line ends")
    _remark(table, tabs, "a tab between fields", "use a space")
    _remark(table, spaces, "white space that is no space to Kaldi (such as U+00A0)", "use a space")
    if raw and not raw.endswith(b"\n"):
        _remark(table, [number], "no newline at the end of the last line", "add it: was the file cut short?")


def _key_known(table: Table, raw: bytes) -> bool:
    """Note the key of a line that is no text, if the key is; a line with carriage returns may be several lines."""
    key = raw[:LONGEST_LINE].decode(errors="replace").split()[:1]
    if not key or "\ufffd" in key[0] or CONTROL.search(key[0]) or b"\r" in raw.rstrip(b"\r\n"):
        return False
    table.broken.update(map(nfc, key))
    return True


def _remark(table: Table, numbers: list[int], what: str, fix: str) -> None:
    """One remark for all the lines, at the first of them."""
    if numbers:
        more = f" ({len(numbers)} such lines)" if len(numbers) > 1 else ""
        table.problems.append(Problem(table.at(numbers[0]), what + more, fix, remark=True))


def _double(table: Table, key: str, value: str, number: int, other_form: bool) -> Problem:
    first = table.lines[key]
    if other_form:
        return Problem(
            table.at(number),
            f'duplicate id "{key}", first on line {first.number}; the two differ only in Unicode form (NFC, NFD)',
            "give each its own id, or remove one",
        )
    if first.value == value:
        return Problem(
            table.at(number), f'duplicate id "{key}", first on line {first.number}, which says the same', "remove one"
        )
    return Problem(
        table.at(number),
        f'duplicate id "{key}", first on line {first.number}, which says something else',
        "give each its own id, or remove one",
    )
