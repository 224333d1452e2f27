"""A small grammar, and all sentences that a graph accepts."""

from __future__ import annotations

import itertools
import math

from lexicon.ngram import NGram, estimate
from pipeline.lattice import Lattice
from pipeline.search.wfst import Beams

DELTA = 4e-3  # determinizing and minimizing round costs to 1/1024 here and there


EVERYTHING = Beams(beam=1e4, lattice_beam=1e4)


LEXICON = {
    "A": [(1.0, ("AH",))],
    "AT": [(1.0, ("AH", "T"))],
    "BAT": [(1.0, ("B", "AH", "T")), (0.4, ("B", "T"))],
    "TA": [(0.5, ("T", "AH"))],
}


HOMOPHONES = {**LEXICON, "TAH": [(1.0, ("T", "AH"))], "TT": [(1.0, ("T", "T"))]}


TEXT = [["A", "BAT"], ["A", "AT", "A"], ["BAT", "TA"], ["TA"], ["A", "BAT", "TA"], ["AT", "BAT"]]


def grammar(lexicon: dict, order: int = 2) -> NGram:
    return estimate(TEXT, order, lexicon)


def sentences(lexicon: dict, longest: int):
    for n in range(longest + 1):
        yield from itertools.product(sorted(lexicon), repeat=n)


def best_by_sentence(lattice: Lattice) -> dict[tuple[str, ...], float]:
    """The score of the best path for every word sequence in the lattice."""
    found: list[dict[tuple[str, ...], float]] = [{} for _ in range(lattice.num_nodes)]
    found[0][()] = 0.0
    for arc, score in enumerate(lattice.scores().tolist()):
        for said, so_far in found[lattice.arc_from[arc]].items():
            words = (*said, *lattice.word[arc].split())
            there = found[lattice.arc_to[arc]]
            there[words] = max(there.get(words, -math.inf), so_far + score)
    return found[-1]
