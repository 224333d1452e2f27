"""Where errors come from, counted and in words: what errors.json and errors.txt of a decode hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from lexicon.phones import MANNERS, OTHER, PhoneSet, manner_in
from pipeline.compare.causes import CAUSES, COMPONENTS, Wrong

Found = Mapping[str, Sequence[Wrong]]  # by utterance
GRAPHS = {"words": "words", "free": "phones"}
NONE = "-"  # alone
DECIDED = {
    "acoustic": "the acoustic score",
    "lexicon": "the lexicon (pronunciation, pauses, durations)",
    "language": "the language model",
}


def summary(found: Found) -> dict[str, Any]:
    """Errors by cause, and of those that the models made, by what decided and by what had the largest part in it."""
    every = [wrong for wrongs in found.values() for wrong in wrongs]
    causes: Counter[str] = Counter()
    decided: Counter[str] = Counter()
    largest: Counter[str] = Counter()
    for wrong in every:
        errors = len(wrong.pairs)
        causes[wrong.cause] += errors
        if wrong.cause in ("kept", "outside"):
            assert wrong.difference is not None  # the models are the cause
            decided.update(dict.fromkeys(wrong.decided or (NONE,), errors))
            largest[max(COMPONENTS, key=wrong.difference.__getitem__)] += errors
    return {
        "errors": sum(causes.values()),
        "stretches": len(every),
        "causes": {name: causes[name] for name in CAUSES},
        "decided": {name: decided[name] for name in (*COMPONENTS, NONE)},
        "largest": {name: largest[name] for name in COMPONENTS},
    }


def by_class(found: Found, phones: PhoneSet) -> dict[str, dict[str, Any]]:
    """`summary` of the errors of each manner of articulation, of the right phone, or of one that was put in."""
    classes: dict[str, list[Wrong]] = {}
    for wrong in (wrong for wrongs in found.values() for wrong in wrongs):
        pairs: dict[str, list[tuple[str, str]]] = {}
        for pair in wrong.pairs:
            pairs.setdefault(manner_in(phones, pair[0] or pair[1]), []).append(pair)
        for manner, own in pairs.items():
            classes.setdefault(manner, []).append(wrong.of(own))
    return {manner: summary({"": classes[manner]}) for manner in (*MANNERS, OTHER) if manner in classes}


def as_json(system: str, found: Mapping[str, Found], phones: PhoneSet) -> dict[str, Any]:
    """Everything, as plain values; ``found`` by graph."""
    return {
        "system": system,
        "causes": CAUSES,
        **{graph: summary(found[graph]) for graph in GRAPHS},
        "classes": by_class(found["free"], phones),
        "wrong": {
            graph: {utt: [wrong.as_json() for wrong in wrongs] for utt, wrongs in found[graph].items()}
            for graph in GRAPHS
        },
    }


def text(system: str, found: Mapping[str, Found], phones: PhoneSet) -> list[str]:
    """The same for a terminal of 100 columns: tables, then one line for each stretch."""
    sums = {graph: summary(found[graph]) for graph in GRAPHS}
    lines = [f"{system}: where its errors come from", "", _row("errors", [name for name in GRAPHS.values()])]
    lines += [_row(CAUSES[cause], [_share(s["causes"][cause], s["errors"]) for s in sums.values()]) for cause in CAUSES]
    lines.append(_row("together", [f"{s['errors']}       " for s in sums.values()]))
    lost = [s["causes"]["kept"] + s["causes"]["outside"] for s in sums.values()]
    lines += [
        "",
        _row("lost by the models; what the right answer would have won without:", []),
        *(
            _row(f"  {DECIDED[name]}", [_share(s["decided"][name], n) for s, n in zip(sums.values(), lost)])
            for name in COMPONENTS
        ),
        _row("  none alone, they agreed", [_share(s["decided"][NONE], n) for s, n in zip(sums.values(), lost)]),
        _row("lost by the models; what was the largest part of the difference:", []),
        *(
            _row(f"  {DECIDED[name]}", [_share(s["largest"][name], n) for s, n in zip(sums.values(), lost)])
            for name in COMPONENTS
        ),
    ]
    lines += ["", *_class_table(by_class(found["free"], phones))]
    for graph, name in GRAPHS.items():
        lines += [
            "",
            f"{name}: heard > right; by how much what was heard scores better, in nats after scaling",
            f"{'utterance':24} {'at':>7}  {'heard > right':34} {'cause':7} {'sound':>7} {'lexicon':>7} {'lang.':>7}",
            *(_line(utt, wrong) for utt, wrongs in found[graph].items() for wrong in wrongs),
        ]
    return lines


def _row(name: str, cells: Sequence[str]) -> str:
    return f"{name:63}" + "".join(f"{cell:>17}" for cell in cells)


def _share(part: int, whole: int) -> str:
    return f"{part} {100 * part / max(whole, 1):5.1f} %"


def _class_table(classes: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Free phones by class: shares of the causes, and of what decided."""
    head = ["class", "errors", *CAUSES, *COMPONENTS, "agreed"]
    rows = [head]
    for manner, s in classes.items():
        lost = s["causes"]["kept"] + s["causes"]["outside"]
        rows.append(
            [
                manner,
                str(s["errors"]),
                *(f"{100 * s['causes'][cause] / s['errors']:.0f} %" for cause in CAUSES),
                *(f"{100 * s['decided'][name] / max(lost, 1):.0f} %" for name in (*COMPONENTS, NONE)),
            ]
        )
    return [
        "phones by class of the right one: causes, and of those that the models lost what decided",
        *("".join([f"{row[0]:10}", *(f"{cell:>9}" for cell in row[1:])]) for row in rows),
    ]


def _line(utterance: str, wrong: Wrong) -> str:
    said = f"{' '.join(wrong.heard) or '-'} > {' '.join(wrong.right) or '-'}"
    scores = "".join(f" {wrong.difference[name]:7.1f}" for name in COMPONENTS) if wrong.difference else ""
    return f"{_cut(utterance, 24):24} {wrong.start:6.2f}s  {_cut(said, 34):34} {wrong.cause:7}{scores}"


def _cut(name: str, width: int) -> str:
    return name if len(name) <= width else f"{name[: width - 1]}…"
