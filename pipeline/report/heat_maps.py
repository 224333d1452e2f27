"""Confusions as heat maps: phone by phone, and class by class of articulation."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from markupsafe import Markup

from lexicon.phone_sets import phone_set_of
from lexicon.phones import PhoneSet, by_manner, ipa_of, manner_in
from pipeline.base.edits import GAP
from pipeline.compare.results import Comparison, Result
from pipeline.compare.score import confusion_counts
from pipeline.report.render import all_named, named, render
from pipeline.report.tables import phone_of

COMMONEST = 8
STRONGEST = 45  # percent of colour under a number, which stays legible on it

CELL = 10  # pixels; report.css gives the squares this size too
MARGIN_LEFT, MARGIN_TOP = 58, 22
BASELINE = 2.4  # pixels from the middle of a square down to the foot of its label


def figures(comparison: Comparison, kind: str, shown: Sequence[int]) -> Markup:
    """The figures of the systems ``shown``, by number, and a list to choose others from. ``kind``: a key of FIGURES."""
    drawn = Markup("\n").join(FIGURES[kind](comparison, comparison.systems[number]) for number in shown)
    return render("figures.html", kind=kind, systems=all_named(comparison), shown=shown, figures=drawn)


def confusions(comparison: Comparison) -> Markup:
    """For each system a heat map of its free phones against the reference, and its commonest errors in words."""
    return Markup("\n").join(confusion_figure(comparison, system) for system in comparison.systems)


@functools.cache
def _phones(comparison: Comparison) -> tuple[list[str], PhoneSet]:
    """All phones that are in the reference or were heard, by manner, and the phone set that knows them."""
    present = {
        symbol
        for system in comparison.systems
        for pairs in system.alignments["free_per"].values()
        for pair in pairs
        for symbol in pair
    } - {GAP}
    phone_set = phone_set_of(comparison.lang)
    return by_manner(present, phone_set), phone_set


# ---- classes


def class_errors(counts: np.ndarray, classes: list[str]) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Confusions of phones to errors of classes.

    counts: (P+1, P+1) as `confusion_counts` gives them, nothing last; ``classes``: that of each phone, sorted.
    Returns the C class names, (C+1, C+1) numbers of errors (the right answers left out, so the diagonal is confusions
    within a class), and (C,) how many phones of each class the reference has.
    """
    names = list(dict.fromkeys(classes))
    member = np.zeros((len(names) + 1, len(classes) + 1))
    member[[*(names.index(name) for name in classes), len(names)], np.arange(len(classes) + 1)] = 1
    errors = counts - np.diag(np.diag(counts))
    return names, (member @ errors @ member.T).astype(int), (member @ counts.sum(axis=1))[:-1].astype(int)


def class_figure(comparison: Comparison, system: Result) -> Markup:
    """A table: of the phones of each class, what share was heard as another phone of which class."""
    phones, phone_set = _phones(comparison)
    counts = confusion_counts(system.alignments["free_per"].values(), phones)
    names, errors, totals = class_errors(counts, [manner_in(phone_set, phone) for phone in phones])
    rows = [
        {
            "name": name,
            "cells": [_class_cell(int(errors[i, j]), int(totals[i]), name, heard) for j, heard in columns(names)],
            "wrong": f"{100 * errors[i].sum() / totals[i]:.0f} %" if totals[i] else "",
            "total": totals[i],
        }
        for i, name in enumerate(names)
    ]
    return render(
        "classes.html",
        system=named(comparison, system),
        names=names,
        rows=rows,
        added=errors[-1, :-1].tolist(),
        all_added=errors[-1].sum(),
    )


def columns(names: Sequence[str]) -> Iterable[tuple[int, str]]:
    """The columns of a table of confusions by number: what was heard, and last, nothing."""
    return enumerate((*names, GAP))


def _class_cell(errors: int, total: int, name: str, heard: str) -> dict[str, str] | None:
    """Share of a class in percent, the stronger in colour the larger; None where there is nothing to say."""
    if not errors or not total:
        return None
    share = errors / total
    what = "missed" if heard == GAP else f"heard as another {name}" if heard == name else f"heard as {heard}"
    return {
        "strength": f"{min(100 * share * 2.5, STRONGEST):.0f}",
        "title": f"{name} {what}: {errors} of {total} ({100 * share:.1f} %)",
        "number": f"{100 * share:.0f}" if share >= 0.005 else "·",
    }


# ---- phones


def confusion_figure(comparison: Comparison, system: Result) -> Markup:
    """Rows reference, columns heard; strength is the share of the row. Right answers grey, errors in colour."""
    phones, phone_set = _phones(comparison)
    signs = [ipa_of(phone, phone_set) for phone in phones]
    counts = confusion_counts(system.alignments["free_per"].values(), phones)
    errors = [(int(counts[i, j]), i, j) for i, j in zip(*np.nonzero(counts)) if i != j]
    commonest = sorted(errors, key=lambda error: (-error[0], *error[1:]))[:COMMONEST]
    extent = (len(phones) + 1) * CELL
    return render(
        "heat_map.html",
        system=named(comparison, system),
        left=MARGIN_LEFT,
        top=MARGIN_TOP,
        extent=extent,
        width=MARGIN_LEFT + extent + 4,
        height=MARGIN_TOP + extent + 4,
        manners=_manners(phones, phone_set),
        labels=[_label(number, phone, phone_set) for number, phone in enumerate(phones)],
        edge=MARGIN_TOP + _middle(len(phones)) + BASELINE,
        above=_above(len(phones)),
        squares=[(kind, _squares(counts, phones, signs, kind == "right")) for kind in ("right", "wrong")],
        commonest=[_said(counts, phones, signs, i, j) for _, i, j in commonest],
    )


def _in_words(counts: np.ndarray, phones: list[str], i: int, j: int) -> str:
    """``IH heard as AH: 12 of 84 (14 %)``."""
    number, symbols = int(counts[i, j]), [*phones, GAP]
    if symbols[i] == GAP:
        return f"{symbols[j]} heard where there was nothing: {number}"
    of = int(counts[i].sum())
    heard = "missed" if symbols[j] == GAP else "heard right" if i == j else f"heard as {symbols[j]}"
    return f"{symbols[i]} {heard}: {number} of {of} ({100 * number / of:.0f} %)"


def _said(counts: np.ndarray, phones: list[str], signs: list[str], i: int, j: int) -> dict[str, str]:
    """The same, and with phones in IPA; the script exchanges the two."""
    return {"text": _in_words(counts, phones, i, j), "ipa": _in_words(counts, signs, i, j)}


def _squares(counts: np.ndarray, phones: list[str], signs: list[str], right: bool) -> list[dict[str, Any]]:
    """The squares of right answers, or of errors: their places, how strong they are, and what they say."""
    sums = np.maximum(counts.sum(axis=1), 1)
    shares = {(i, j): counts[i, j] / sums[i] for i, j in zip(*np.nonzero(counts)) if (i == j) == right}
    return [
        {
            "x": MARGIN_LEFT + j * CELL,
            "y": MARGIN_TOP + i * CELL,
            "strength": f"{share if right else min(1.0, 0.18 + 2.2 * share):.2f}".removeprefix("0"),
            "title": _said(counts, phones, signs, i, j),
        }
        for (i, j), share in shares.items()
    ]


def _middle(number: int) -> float:
    return number * CELL + CELL / 2


def _above(number: int) -> int:
    """The labels of columns stand in two lines by turns, so that they have room."""
    return MARGIN_TOP - (11 if number % 2 else 3)


def _label(number: int, phone: str, phone_set: PhoneSet) -> dict[str, Any]:
    """A phone beside its row and above its column."""
    return {
        "phone": phone_of(phone, phone_set),
        "x": MARGIN_LEFT + _middle(number),
        "y": MARGIN_TOP + _middle(number) + BASELINE,
        "above": _above(number),
    }


def _manners(phones: list[str], phone_set: PhoneSet) -> list[dict[str, Any]]:
    """Manners of articulation down the left side, and where each ends."""
    found, start = [], 0
    for name, group in itertools.groupby(phones, key=lambda phone: manner_in(phone_set, phone)):
        end = start + len(list(group))
        middle = MARGIN_TOP + (start + end) / 2 * CELL + 2
        found.append({"name": name, "end": MARGIN_TOP + end * CELL, "middle": middle})
        start = end
    return found


FIGURES = {"classes": class_figure, "confusions": confusion_figure}
