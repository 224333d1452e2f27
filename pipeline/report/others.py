"""What other stages found, as sections of the index: where errors come from, the matrix of searches, boundaries.

Each is there if its file is.
"""
from __future__ import annotations

from html import escape
from pathlib import Path

from lexicon.errors import UserError
from lexicon.text import numbered_lines
from pipeline.report.results import Comparison, read_fields
from pipeline.report.tables import system_name

GRAPHS = {"words": "words", "free": "free phones"}


def tsv_table(path: Path, label: str) -> str:
    """A table of tab-separated lines, the first of them its head, as HTML; "" where there is no such file."""
    if not path.exists():
        return ""
    lines = [(number, line.split("\t")) for number, line in numbered_lines(path)]
    if not lines:
        raise UserError(f"{path}: empty; remove it and run make again")
    head = lines[0][1]
    for number, cells in lines:
        if len(cells) != len(head):
            raise UserError(f"{path}:{number}: {len(cells)} columns, the head has {len(head)}; remove it and run make again")
    rows = "".join(f'<tr><th scope="row">{escape(cells[0])}</th>{"".join(f"<td>{escape(cell)}</td>" for cell in cells[1:])}</tr>'
                   for _, cells in lines[1:])
    return (f'<div class="wide" tabindex="0" role="region" aria-label="{escape(label)}"><table class="figures"><thead><tr>'
            f'{"".join(f"""<th scope="col">{escape(cell)}</th>""" for cell in head)}</tr></thead><tbody>{rows}</tbody></table></div>')


def causes_table(comparison: Comparison) -> str:
    """Of each system's errors in words and in free phones, how many come from where; "" where no system has errors.json."""
    found = {system: read_causes(system.decode / "errors.json") for system in comparison.systems
             if (system.decode / "errors.json").exists()}
    if not found:
        return ""
    names: dict[str, str] = {}
    for causes, _ in found.values():
        names |= causes
    head = "".join(f'<th scope="col">{system_name(comparison, system)} <small>{graph}</small></th>'
                   for system in found for graph in GRAPHS.values())
    rows = [f'<tr><th scope="row">{escape(text)}</th>'
            f'{"".join(_share(counts[graph].get(name, 0), sum(counts[graph].values())) for _, counts in found.values() for graph in GRAPHS)}</tr>'
            for name, text in names.items()]
    return (f'<div class="wide" tabindex="0" role="region" aria-label="Where errors come from"><table class="figures"><thead><tr>'
            f'<th scope="col">the right answer</th>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>')


def _share(number: int, of: int) -> str:
    return f"<td>{number} <small>{100 * number / of:.0f} %</small></td>" if of else "<td></td>"


def read_causes(path: Path) -> tuple[dict[str, str], dict[str, dict[str, int]]]:
    """The causes with what they are called, and for each graph the number of errors by cause."""
    value = read_fields(path, causes=dict, words=dict, free=dict)
    counts = {graph: value[graph].get("causes") for graph in GRAPHS}
    good = all(isinstance(text, str) for text in value["causes"].values()) and all(
        isinstance(each, dict) and set(each) <= set(value["causes"]) and all(type(n) is int and n >= 0 for n in each.values())
        for each in counts.values())
    if not good:
        raise UserError(f"{path}: not the causes of errors; remove it and run make again")
    return value["causes"], counts
