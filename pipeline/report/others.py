"""What other stages found, as sections of the index: where errors come from, the matrix of searches, differences.

Each is there if its file is.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from markupsafe import Markup

from lexicon.errors import UserError
from lexicon.text import numbered_lines
from pipeline.compare.results import Comparison, read_fields
from pipeline.lattice import LARGEST
from pipeline.report.render import named, render

PARTS = {"acoustic": "sound", "lexicon": "lexicon", "language": "language"}  # of a score
GRAPHS = {"words": "words", "free": "free phones"}


def tsv_table(path: Path, label: str) -> Markup:
    """A table of tab-separated lines, the first of them its head; empty where there is no such file."""
    return table_of(*read_tsv(path), label) if path.exists() else Markup()


def read_tsv(path: Path) -> tuple[list[str], list[list[str]]]:
    """Head and rows. UserError for rows of another length."""
    lines = [(number, line.split("\t")) for number, line in numbered_lines(path)]
    if not lines:
        raise UserError(f"{path}: empty; remove it and run make again")
    head = lines[0][1]
    for number, cells in lines:
        if len(cells) != len(head):
            raise UserError(
                f"{path}:{number}: {len(cells)} columns, the head has {len(head)}; remove it and run make again"
            )
    return head, [cells for _, cells in lines[1:]]


def table_of(head: list[str], rows: list[list[str]], label: str) -> Markup:
    """A table, the first cell of each row its name; it scrolls by itself where it is too wide."""
    return render("rows.html", head=head, rows=rows, label=label)


def difference_table(path: Path) -> Markup:
    """Which phones only one of two systems considered, by class, from lattice_difference.json; empty without it."""
    if not path.exists():
        return Markup()
    (first, second), classes = read_difference(path)
    sides = {"both": "both", "first": f"only {first}", "second": f"only {second}", "neither": "neither"}
    wrong_sides = list(sides)[:3]
    rows = [
        (
            name,
            number,
            [_considered(right, by, number) for by in sides] + [_considered(wrong, by, number) for by in wrong_sides],
        )
        for name, (number, right, wrong) in classes.items()
    ]
    head = [*sides.values(), *(sides[by] for by in wrong_sides)]
    return render("difference.html", head=head, rows=rows)


Sides = dict[str, tuple[float, float]]  # by who considered it: how many phones, and their mean posterior mass


def read_difference(path: Path) -> tuple[list[str], dict[str, tuple[int, Sides, Sides]]]:
    """The two systems, and by class the number of reference phones, who considered them, and who others.

    UserError if damaged.
    """
    value = read_fields(path, systems=list, classes=dict)
    try:
        first, second = (str(name) for name in value["systems"])
        classes = {}
        for name, entry in value["classes"].items():
            right, wrong = (
                {by: (float(sums["number"]), _mean_mass(sums, by)) for by, sums in entry[side].items()}
                for side in ("right", "wrong")
            )
            classes[name] = (int(entry["reference"]), right, wrong)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError):
        raise UserError(f"{path}: no difference of two systems; remove it and run make again") from None
    return [first, second], classes


def _mean_mass(sums: dict[str, float], by: str) -> float:
    """Of a phone that one alone considered, its mean posterior mass."""
    return float(sums["second" if by == "second" else "first"]) / max(float(sums["number"]), 1.0)


def _considered(sides: Sides, by: str, of: int) -> tuple[str, str]:
    """In how many of 100 phones, and with what mean mass where only one considered them; "" for nothing."""
    number, mass = sides.get(by, (0.0, 0.0))
    if not number or not of:
        return "", ""
    return f"{100 * number / of:.0f}", f"{mass:.2f}" if by in ("first", "second") else ""


class Causes(NamedTuple):
    """Where a system's errors come from: what the causes are called, for each graph the number of errors by cause, and
    of each utterance the [start, end, explanation] of what is wrong."""

    names: dict[str, str]
    counts: dict[str, dict[str, int]]
    reasons: dict[str, dict[str, list[list[Any]]]]


def causes_table(comparison: Comparison) -> Markup:
    """Of each system's errors in words and in free phones, how many come from where; empty without any errors.json."""
    found = {system: causes for system in comparison.systems if (causes := read_causes(system.decode / "errors.json"))}
    if not found:
        return Markup()
    names: dict[str, str] = {}
    for causes in found.values():
        names |= causes.names
    rows = [
        (text, [_count_of(causes.counts[graph], name) for causes in found.values() for graph in GRAPHS])
        for name, text in names.items()
    ]
    systems = [named(comparison, system) for system in found]
    return render("causes.html", systems=systems, kinds=list(GRAPHS.values()), rows=rows)


def _count_of(counts: dict[str, int], name: str) -> tuple[int, int]:
    """How many errors have this cause, of how many."""
    return counts.get(name, 0), sum(counts.values())


def read_causes(path: Path) -> Causes | None:
    """errors.json of a decode; None if there is none, UserError if it is damaged."""
    if not path.exists():
        return None
    value = read_fields(path, causes=dict, words=dict, free=dict, wrong=dict)
    try:
        names = {name: _text(text) for name, text in value["causes"].items()}
        counts = {
            graph: {name: _count(number) for name, number in value[graph]["causes"].items() if names[name]}
            for graph in GRAPHS
        }
        reasons = {
            graph: {
                utterance: [_reason(entry, names) for entry in wrong]
                for utterance, wrong in value["wrong"][graph].items()
            }
            for graph in GRAPHS
        }
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError):
        raise UserError(f"{path}: not the causes of errors; remove it and run make again") from None
    return Causes(names, counts, reasons)


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("no text")
    return value


def _count(value: Any) -> int:
    if type(value) is not int or not 0 <= value < LARGEST:
        raise ValueError("no number of errors")
    return value


def _reason(entry: dict[str, Any], names: dict[str, str]) -> list[Any]:
    """[start, end, the cause and, where scores were compared, by how much what was heard scores better]."""
    parts = {name: float(entry["difference"][part]) for part, name in PARTS.items()} if entry["difference"] else {}
    times = [float(entry[end]) for end in ("start", "end")]
    if not all(abs(number) < LARGEST for number in (*times, *parts.values())):
        raise ValueError("not finite")
    better = ", ".join(f"{name} {number:+.1f}" for name, number in parts.items())
    return [
        *(round(time, 4) for time in times),
        names[entry["cause"]] + (f"; what was heard scores better by: {better}" if better else ""),
    ]
