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


def difference_table(path: Path) -> str:
    """Which phones only one of two systems considered, by class, from lattice_difference.json; "" if there is none."""
    if not path.exists():
        return ""
    (first, second), classes = read_difference(path)
    sides = {"both": "both", "first": f"only {first}", "second": f"only {second}", "neither": "neither"}
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in [*sides.values(), *list(sides.values())[:3]])
    rows = []
    for name, (number, right, wrong) in classes.items():
        cells = [_considered(right, by, number) for by in sides] + [_considered(wrong, by, number) for by in list(sides)[:3]]
        rows.append(f'<tr><th scope="row">{escape(name)}</th><td>{number}</td>{"".join(cells)}</tr>')
    return (f'<div class="wide" tabindex="0" role="region" aria-label="What only one considered"><table class="figures"><thead>'
            f'<tr><th></th><th></th><th scope="colgroup" colspan="4">in the reference, %</th><th scope="colgroup" colspan="3">not in it,'
            f' per 100 that are</th></tr><tr><th scope="col">phones</th><th scope="col">of</th>{head}</tr></thead>'
            f'<tbody>{"".join(rows)}</tbody></table></div>')


Sides = dict[str, tuple[float, float]]  # by who considered it: how many phones, and their mean posterior mass


def read_difference(path: Path) -> tuple[list[str], dict[str, tuple[int, Sides, Sides]]]:
    """The two systems, and by class the number of reference phones, who considered them, and who others. UserError if damaged."""
    value = read_fields(path, systems=list, classes=dict)
    try:
        first, second = (str(name) for name in value["systems"])
        classes = {}
        for name, entry in value["classes"].items():
            right, wrong = ({by: (float(sums["number"]), _mean_mass(sums, by, first, second)) for by, sums in entry[side].items()}
                            for side in ("right", "wrong"))
            classes[name] = (int(entry["reference"]), right, wrong)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError):
        raise UserError(f"{path}: no difference of two systems; remove it and run make again") from None
    return [first, second], classes


def _mean_mass(sums: dict[str, float], by: str, first: str, second: str) -> float:
    """Of a phone that one alone considered, its mean posterior mass."""
    return float(sums[second if by == "second" else first]) / max(float(sums["number"]), 1.0)


def _considered(sides: Sides, by: str, of: int) -> str:
    number, mass = sides.get(by, (0.0, 0.0))
    if not number or not of:
        return "<td></td>"
    return f"<td>{100 * number / of:.0f}{f' <small>{mass:.2f}</small>' if by in ('first', 'second') else ''}</td>"


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
