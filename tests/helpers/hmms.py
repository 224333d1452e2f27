"""Small sets of HMMs, and all ways through their states."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence

import numpy as np

from pipeline.hmm.decisions import EDGE, Decisions, Question
from pipeline.hmm.topology import PhoneTopology, Transitions

PHONES = ["SIL", "AH", "B", "T"]


def small_transitions(rng: np.random.Generator, decisions: Decisions | None = None) -> Transitions:
    """Phones of two states with random probabilities (AH can leave from both, T may begin in both), silence of two."""
    topologies = {}
    for phone in PHONES:
        rows = rng.dirichlet(np.ones(3), 2)
        rows[0, 2] *= phone == "AH"
        rows[1, 0] *= phone == "SIL"
        rows /= rows.sum(1, keepdims=True)
        start = np.array([0.7, 0.3]) if phone == "T" else np.array([1.0, 0.0])
        topologies[phone] = PhoneTopology(start, rows[:, :2], rows[:, 2])
    return Transitions(PHONES, topologies, decisions)


# Silence has no context. The first state of AH asks for the phone before it, the second for that after. The second
# states of B and T are one; their first states have a common root, and a leaf that is B's and T's.
TREE = Decisions(
    {"SIL": (0, 1), "AH": (2, 5), "B": (10, 10), "T": (10, 10)},
    [
        0,
        1,
        Question("left", {"B", "T"}, 3, 4),
        2,
        7,
        Question("right", {"T"}, 6, 7),
        3,
        Question("right", {EDGE, "SIL"}, 8, 9),
        4,
        8,
        Question("state", {1}, 11, 12),
        9,
        Question("phone", {"B"}, 13, 14),
        Question("right", {"AH"}, 15, 16),
        Question("left", {EDGE, "SIL"}, 17, 16),
        5,
        6,
        10,
    ],
)


def tree_density(left: str, phone: str, right: str, state: int) -> int:
    """What TREE says, by hand."""
    if phone == "SIL":
        return state
    if phone == "AH" and state == 0:
        return 2 if left in ("B", "T") else 7
    if phone == "AH":
        return 3 if right == "T" else 4 if right in ("", "SIL") else 8
    if state == 1:
        return 9
    if phone == "B":
        return 5 if right == "AH" else 6
    return 10 if left in ("", "SIL") else 6


def phone_sequences(words: Sequence[str], lexicon: dict, pause: float):
    """(log probability, [(phone, word)]) of all ways to say the words, with pauses around them of that probability."""
    for pauses_made in itertools.product((False, True) if pause else (False,), repeat=len(words) + 1):
        for variants in itertools.product(*(lexicon[word] for word in words)):
            score = sum(math.log(prob) for prob, _ in variants)
            score += sum(math.log(pause if made else 1 - pause) for made in pauses_made)
            phones = [("SIL", -1)] if pauses_made[0] else []
            for index, (_, variant) in enumerate(variants):
                phones += [(phone, index) for phone in variant]
                phones += [("SIL", -1)] if pauses_made[index + 1] else []
            yield score, phones


Density = Callable[[str, str, str, int], int]


def state_paths(transitions: Transitions, phones: list[tuple[str, int]], length: int, density: Density | None = None):
    """(log probability, densities, index of the phone, per frame) of all paths of ``length`` frames through
    ``phones``. ``density`` of (phone before, phone, phone after, state), where phones have context."""
    names = ["", *(phone for phone, _ in phones), ""]

    def reads(index: int, state: int) -> int:
        before, phone, after = names[index : index + 3]
        return density(before, phone, after, state) if density else transitions.decisions.pdfs(phone)[state]

    def onward(index: int, state: int, pdfs: list, owners: list, score: float):
        phone, _ = phones[index]
        topology = transitions.topologies[phone]
        pdfs, owners = [*pdfs, reads(index, state)], [*owners, index]
        if len(pdfs) == length:
            if index == len(phones) - 1 and topology.exit[state] > 0:
                yield score + math.log(topology.exit[state]), pdfs, owners
            return
        if len(phones) - index - 1 > length - len(pdfs):
            return  # fewer frames than phones are left
        for after in np.flatnonzero(topology.trans[state]):
            yield from onward(index, after, pdfs, owners, score + math.log(topology.trans[state, after]))
        if index + 1 < len(phones) and topology.exit[state] > 0:
            start = transitions.topologies[phones[index + 1][0]].start
            for after in np.flatnonzero(start):
                yield from onward(
                    index + 1, after, pdfs, owners, score + math.log(topology.exit[state]) + math.log(start[after])
                )

    start = transitions.topologies[phones[0][0]].start if phones else np.zeros(0)
    for state in np.flatnonzero(start):
        yield from onward(0, state, [], [], math.log(start[state]))
