"""The stages that can be shown, in the order of the work."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from lexicon.errors import UserError
from pipeline.base.meta import read_meta

if TYPE_CHECKING:
    from pipeline.show.place import Place, Shown


class Stage(NamedTuple):
    """What there is to see, in a line, and the function of a module of this room that shows it, of a ``model`` that of
    this name. A list of stages imports none of them."""

    summary: str
    module: str
    function: str
    model: str = ""

    def show(self, place: Place) -> Shown:
        """It, of an utterance."""
        function = getattr(import_module(f"pipeline.show.{self.module}"), self.function)
        shown: Shown = function(place, name=self.model) if self.model else function(place)
        return shown


# What comes before the systems, and what after them.
BEFORE = {
    "data": Stage(
        "the recording: samples, waveform, spectrogram, and its lines in the data directory", "sound", "data"
    ),
    "lexicon": Stage("the words: pronunciations with IPA, and n-gram probabilities", "words", "lexicon"),
    "mfcc": Stage("the features: 13 numbers every 10 ms, and what systems make of them", "sound", "mfcc"),
}
AFTER = {
    "align": Stage("the known text: words and phones in the gold labels and by every system", "alignment", "align"),
    "decode": Stage(
        "the searches: words with times, posterior, acoustic and language score, and other readings",
        "results",
        "decode",
    ),
    "lattice": Stage(
        "all that a search of phones considered: rivals, depth, strings, confusion network", "results", "lattice"
    ),
    "score": Stage("the errors: hypotheses under the reference, and counts", "results", "score"),
}
# A model says more of itself than what any system says, if it is of a kind whose inside is known here.
INSIDE = {
    "gmm": ("likelihoods of states and Gaussians, and the best path through them", "gmm"),
    "classifier": ("a classifier's posteriors of states", "classifier"),
    "ctc": ("a network's spikes and blanks", "ctc"),
}


def stages_of(exp: Path) -> dict[str, Stage]:
    """All that can be shown of an experiment, by name, in the order of the work: its models stand in the middle."""
    kinds = {path.parent.name: _kind(path.parent) for path in sorted(exp.glob("*/meta.json"))}
    models: dict[str, Stage] = {}
    for name in sorted(kinds, key=lambda name: [*INSIDE, kinds[name]].index(kinds[name])):
        summary, function = INSIDE.get(kinds[name], ("what a system says of each frame", "system"))
        models[name] = Stage(summary, "scores", function, name)
    return BEFORE | models | AFTER


def _kind(model: Path) -> str:
    """Of a damaged model "": whoever wants to see it is told, and nobody else."""
    try:
        return str(read_meta(model).get("kind"))
    except UserError:
        return ""
