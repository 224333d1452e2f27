"""Small graphs to search, and random scores."""

from __future__ import annotations

import numpy as np

from lexicon.ngram import estimate
from pipeline.hmm.topology import Transitions, phone_topology, silence_topology
from pipeline.search.graph import decoding_graph, phone_loop
from pipeline.search.topology import Topology, ctc_topology, hmm_topology
from pipeline.search.wfst import SearchGraph

LEXICON = {
    "A": [(1.0, ("AH",))],
    "AT": [(1.0, ("AH", "T"))],
    "BAT": [(1.0, ("B", "AH", "T")), (0.4, ("B", "T"))],
    "TA": [(0.5, ("T", "AH"))],
    "TAH": [(1.0, ("T", "AH"))],
}


TEXT = [["A", "BAT"], ["A", "AT", "A"], ["BAT", "TA"], ["TAH"], ["A", "BAT", "TA"], ["AT", "BAT"]]


PHONES = ["SIL", "AH", "B", "T"]


def topology_of(kind: str) -> Topology:
    if kind == "ctc":
        return ctc_topology(["<blk>", *PHONES[1:]])
    return hmm_topology(
        Transitions(PHONES, {p: silence_topology() if p == "SIL" else phone_topology() for p in PHONES})
    )


def graph_of(kind: str, name: str) -> SearchGraph:
    topology = topology_of(kind)
    lexicon, words = phone_loop(topology) if name == "free" else (LEXICON, sorted(LEXICON))
    lm = estimate([["B", "AH", "T"], ["T", "AH"]], 2) if name == "free" else estimate(TEXT, 2, LEXICON)
    return SearchGraph(decoding_graph(topology, lexicon, lm, words, 0.2, -0.5), topology, words)


def random_scores(topology: Topology, length: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(length, len(topology.labels.readers))).astype(np.float32) * 4
