"""Two strings of symbols side by side, by the fewest edits."""

from __future__ import annotations

from collections.abc import Sequence

import kaldialign

from lexicon.errors import UserError

# Stands for "nothing" in an alignment: the reference side of an insertion, the hypothesis side of a deletion.
GAP = ""
LARGEST_TABLE = 10**8  # cells of an edit distance, each of which takes memory: an hour of speech against another
Pairs = list[tuple[str, str]]


def pair_up(reference: Sequence[str], hypothesis: Sequence[str]) -> Pairs:
    """Minimum edit alignment, all three errors costing one: (reference, hypothesis) pairs, ``GAP`` for nothing."""
    if len(reference) * len(hypothesis) > LARGEST_TABLE:
        raise UserError(f"{len(reference)} symbols cannot be compared with {len(hypothesis)}; cut so long an utterance")
    return kaldialign.align(list(reference), list(hypothesis), GAP)
