"""The stages that can be shown, in the order of the work."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

from pipeline.show import alignment, results, scores, sound, words
from pipeline.show.place import Place, Shown


def stage_of(name: str, exp: Path) -> Stage | None:
    """The stage of this name; of a system that has none of its own, what shows any system."""
    if name in STAGES or not (exp / name / "meta.json").is_file():
        return STAGES.get(name)
    return Stage("what a system says of each frame", partial(scores.system, name=name))


class Stage(NamedTuple):
    """What there is to see, in a line, and what shows it."""

    summary: str
    show: Callable[[Place], Shown]


STAGES = {
    "data": Stage("the recording: samples, waveform, spectrogram, and its lines in the data directory", sound.data),
    "lexicon": Stage("the words: pronunciations with IPA, and n-gram probabilities", words.lexicon),
    "mfcc": Stage("the features: 13 numbers every 10 ms, and what systems make of them", sound.mfcc),
    "gmm": Stage("the old way: likelihoods of states and Gaussians, and the best path through them", scores.gmm),
    "classifier": Stage("the hybrid: a classifier's posteriors of the same states", scores.classifier),
    "neural": Stage("the new way: a network's spikes and blanks", scores.neural),
    "align": Stage("the known text: words and phones in the gold labels and by every system", alignment.align),
    "decode": Stage(
        "the searches: words with times, confidence, acoustic and language score, and other readings", results.decode
    ),
    "lattice": Stage(
        "all that a search of phones considered: rivals, depth, strings, confusion network", results.lattice
    ),
    "score": Stage("the errors: hypotheses under the reference, and counts", results.score),
}
