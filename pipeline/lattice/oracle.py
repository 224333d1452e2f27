"""The oracle: the path of a lattice that is nearest to a reference, so the fewest errors that any rescoring could
make."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lexicon.fold import Fold
from lexicon.phones import spoken
from pipeline.lattice.schema import Lattice


def oracle(lattice: Lattice, reference: Sequence[str], fold: Fold = {}) -> tuple[int, list[int]]:
    """The fewest edits between any path and the reference, and the arcs of such a path; exact.

    Labels are folded, and silence and blanks left out, as in scoring; in ``reference`` they must be already.
    """
    symbols = {label: i for i, label in enumerate(dict.fromkeys(reference))}
    wanted = np.array([symbols[label] for label in reference], int)  # (J,)
    said = [spoken([label], fold) for label in lattice.label]
    steps = np.arange(len(wanted) + 1)
    edits = np.full((lattice.num_nodes, len(wanted) + 1), len(wanted) + lattice.num_nodes + 1)
    edits[0] = steps
    # Dynamic programming over (node, how much of the reference): an arc is a match, a substitution or an insertion ...
    for arc, (source, target) in enumerate(zip(lattice.arc_from.tolist(), lattice.arc_to.tolist())):
        if arc == 0 or lattice.arc_from[arc - 1] != source:  # ... and skipping a symbol of the reference a deletion.
            edits[source] = np.minimum.accumulate(edits[source] - steps) + steps
        edits[target] = np.minimum(edits[target], _after(edits[source], said[arc], wanted, symbols))
    edits[-1] = np.minimum.accumulate(edits[-1] - steps) + steps
    return int(edits[-1, -1]), _trace(lattice, edits, said, wanted, symbols)


def _after(before: np.ndarray, said: Sequence[str], wanted: np.ndarray, symbols: dict[str, int]) -> np.ndarray:
    """(J + 1,) the edits after an arc with a label, or none."""
    if not said:
        return before
    result = before + 1
    result[1:] = np.minimum(result[1:], before[:-1] + (wanted != symbols.get(said[0], -1)))
    return result


def _trace(
    lattice: Lattice, edits: np.ndarray, said: Sequence[Sequence[str]], wanted: np.ndarray, symbols: dict[str, int]
) -> list[int]:
    """Back from the end along arcs that explain the number of edits."""
    order = np.argsort(lattice.arc_to, kind="stable")
    bounds = np.searchsorted(lattice.arc_to[order], np.arange(lattice.num_nodes + 1))
    path, node, j = [], lattice.num_nodes - 1, len(wanted)
    while node:
        for arc in order[bounds[node] : bounds[node + 1]].tolist():
            source = int(lattice.arc_from[arc])
            if _after(edits[source], said[arc], wanted, symbols)[j] == edits[node, j]:
                inserted = not said[arc] or edits[source, j] + 1 == edits[node, j]
                path.append(arc)
                node, j = source, j if inserted else j - 1
                break
        else:
            j -= 1  # a symbol of the reference that the path lacks
    return path[::-1]
