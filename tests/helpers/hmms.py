"""Small sets of HMMs, and all ways through their states."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np

from pipeline.hmm.topology import PhoneTopology, Transitions

PHONES = ["SIL", "AH", "B", "T"]


def small_transitions(rng: np.random.Generator) -> Transitions:
    """Phones of two states with random probabilities (AH can leave from both, T may begin in both), silence of two."""
    topologies = {}
    for phone in PHONES:
        rows = rng.dirichlet(np.ones(3), 2)
        rows[0, 2] *= phone == "AH"
        rows[1, 0] *= phone == "SIL"
        rows /= rows.sum(1, keepdims=True)
        start = np.array([0.7, 0.3]) if phone == "T" else np.array([1.0, 0.0])
        topologies[phone] = PhoneTopology(start, rows[:, :2], rows[:, 2])
    return Transitions(PHONES, topologies)


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


def state_paths(transitions: Transitions, phones: list[tuple[str, int]], length: int):
    """(log probability, densities, index of the phone, per frame) of all paths of ``length`` frames through
    ``phones``."""

    def onward(index: int, state: int, pdfs: list, owners: list, score: float):
        phone, _ = phones[index]
        topology = transitions.topologies[phone]
        pdfs, owners = [*pdfs, transitions.first_pdf[phone] + state], [*owners, index]
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
