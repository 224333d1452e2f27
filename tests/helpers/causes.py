"""A small system, and scores for which its result is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from helpers.features import as_it_is
from lexicon.lang import Lang
from lexicon.ngram import NGram, estimate
from pipeline.hmm.topology import Transitions, phone_topology, silence_topology
from pipeline.search.system import System
from pipeline.search.topology import ctc_topology, hmm_topology

PHONES = ["AH", "B", "G", "IY", "N", "Z"]


LEXICON = {"BUGS": [(1.0, ("B", "AH", "G", "Z"))], "BUNNY": [(1.0, ("B", "AH", "N", "IY"))]}


# pyctcdecode's joke: whatever was said, it was bugs bunny.
JOKE = NGram(
    2,
    {
        ("<s>",): -99.0,
        ("</s>",): -1.0,
        ("BUGS",): -2.0,
        ("BUNNY",): -2.0,
        ("<s>", "BUGS"): -0.1,
        ("<s>", "BUNNY"): -3.0,
        ("BUGS", "BUNNY"): -0.1,
        ("BUNNY", "</s>"): -0.1,
    },
    {("<s>",): 0.0, ("BUGS",): 0.0, ("BUNNY",): 0.0},
)


SAID = "B AH N IY B AH N IY".split()


def lang_of(lm: NGram = JOKE, lexicon: dict = LEXICON) -> Lang:
    phone_lm = estimate([["B", "AH", "N", "IY"], ["B", "AH", "G", "Z"]], 2, PHONES)
    return Lang(Path("lang"), lexicon, ["SIL", *PHONES], sorted(lexicon), ["<blk>", *PHONES], lm, phone_lm, {}, lexicon)


def ctc() -> System:
    return System("toy", Path("toy"), as_it_is(), lambda feats: feats, ctc_topology(["<blk>", *PHONES]), 1, 0.5, 0.8)


def hmm() -> System:
    phones = ["SIL", *PHONES]
    transitions = Transitions(phones, {p: silence_topology() if p == "SIL" else phone_topology() for p in phones})
    return System("toy", Path("toy"), as_it_is(), lambda feats: feats, hmm_topology(transitions), 1, 0.28, 0.1)


def spoken(rivals: dict[int, tuple[str, float]] = {}, said: list[str] = SAID) -> np.ndarray:
    """One frame a phone, which scores 0, its rival what is given, all others -20."""
    scores = np.full((len(said), 1 + len(PHONES)), -20.0, np.float32)
    for t, phone in enumerate(said):
        scores[t, 1 + PHONES.index(phone)] = 0.0
        if t in rivals:
            scores[t, 1 + PHONES.index(rivals[t][0])] = rivals[t][1]
    return scores
