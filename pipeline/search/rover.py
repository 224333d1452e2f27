"""ROVER: the best strings of several systems vote, slot by slot (Fiscus 1997, A post-processing system to yield reduced
word error rates).

The strings are aligned into one network of slots, each in turn against what those before it have become. In a slot a
label scores alpha N / systems + (1 - alpha) C: the share of the systems that say it, and the mean confidence of those
(the paper's "average confidence scores"). Nothing (the paper's @) has a confidence of its own. Alpha and that are tuned
on dev. `pipeline.search.combine` counts all that the lattices hold instead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import NamedTuple

import kaldialign

from lexicon.fold import Fold
from lexicon.phones import SILENT
from pipeline.base.edits import GAP
from pipeline.base.parallel import each
from pipeline.search.confidence import sure_labels

SHARES = tuple(i / 10 for i in range(11))
Said = Sequence[tuple[str, float]]  # labels with their confidence, 0 to 1
Slot = list[tuple[str, float]]  # what each system says there: a label, or GAP


class Vote(NamedTuple):
    """``alpha``: what the number of votes counts, against their confidence; ``null``: the confidence of nothing."""

    alpha: float
    null: float


def read_said(path: Path, fold: Fold = {}) -> dict[str, list[tuple[str, float]]]:
    """The labels of a decode's CTM with their confidence, without silence. UserError, with the line, for what has
    none."""
    found: dict[str, list[tuple[str, float]]] = {}
    for utterance, label, confidence in sure_labels(path):
        label = fold.get(label, label)
        if label not in SILENT:
            found.setdefault(utterance, []).append((label, confidence))
    return found


def network(strings: Sequence[Said]) -> list[Slot]:
    """The slots of the strings of all systems. A label costs nothing in a slot where one before it has said it, and one
    in any other, as does a slot that is passed over, but for one where nothing was said before."""
    slots: list[Slot] = []
    for number, said in enumerate(strings):
        slots = [
            (before if before is not None else [(GAP, 0.0)] * number) + [now if now is not None else (GAP, 0.0)]
            for before, now in _aligned(slots, said)
        ]
    return slots


def _aligned(slots: list[Slot], said: Said) -> list[tuple[Slot | None, tuple[str, float] | None]]:
    """Slots and labels side by side by the least cost (dynamic programming)."""
    known = [{label for label, _ in slot} for slot in slots]
    pass_over = [0.0 if GAP in labels else 1.0 for labels in known]
    cost = [[float(j) for j in range(len(said) + 1)]]
    for i, labels in enumerate(known):
        row = [cost[i][0] + pass_over[i]]
        for j, (label, _) in enumerate(said):
            row.append(min(cost[i][j] + (label not in labels), cost[i][j + 1] + pass_over[i], row[j] + 1))
        cost.append(row)
    pairs: list[tuple[Slot | None, tuple[str, float] | None]] = []
    i, j = len(slots), len(said)
    while i or j:
        if i and j and cost[i][j] == cost[i - 1][j - 1] + (said[j - 1][0] not in known[i - 1]):
            i, j = i - 1, j - 1
            pairs.append((slots[i], said[j]))
        elif i and cost[i][j] == cost[i - 1][j] + pass_over[i - 1]:
            i -= 1
            pairs.append((slots[i], None))
        else:
            j -= 1
            pairs.append((None, said[j]))
    return pairs[::-1]


def voted(slots: Sequence[Slot], vote: Vote) -> list[str]:
    """The label of most votes in each slot; of equals that of the earliest system."""
    found = []
    for slot in slots:
        scores = {}
        for label in dict.fromkeys(label for label, _ in slot):
            sure = [confidence for other, confidence in slot if other == label]
            mean = sum(sure) / len(sure) if label != GAP else vote.null
            scores[label] = vote.alpha * len(sure) / len(slot) + (1 - vote.alpha) * mean
        found.append(max(scores, key=scores.__getitem__))
    return [label for label in found if label != GAP]


def tune_vote(
    systems: Sequence[Mapping[str, Said]], references: Mapping[str, Sequence[str]], jobs: int = 1
) -> dict[Vote, int]:
    """Errors on dev with each alpha and confidence of nothing."""
    votes = [Vote(alpha, null) for alpha, null in product(reversed(SHARES), SHARES)]

    def wrong(utt: str) -> list[int]:
        slots = network([said.get(utt, ()) for said in systems])
        return [kaldialign.edit_distance(list(references[utt]), voted(slots, vote))["total"] for vote in votes]

    totals = [0] * len(votes)
    for errors in each(wrong, references, jobs):
        totals = [total + one for total, one in zip(totals, errors)]
    return dict(zip(votes, totals))
