"""A trained acoustic model as the searches see it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lexicon.errors import UserError
from pipeline.datadir.feats import check_dimension
from pipeline.hmm.topology import Hmms, Transitions
from pipeline.lattice import LARGEST
from pipeline.search.topology import Topology
from pipeline.sound.front_end import FrontEnd

if TYPE_CHECKING:
    from pipeline.neural.spelling import Spelling

Scorer = Callable[[np.ndarray], np.ndarray]


class Writer(NamedTuple):
    """An attention decoder or a transducer, the letters that it writes, and the first column that it reads."""

    network: Spelling
    letters: Sequence[str]
    first: int


@dataclass(frozen=True)
class System:
    """A trained acoustic model as the decoder sees it.

    ``scores`` maps what ``front_end`` makes of an utterance, features (T, D), to natural-log scores (T', columns) for
    ``topology``, one row for ``step`` frames of the clock: those of a row of features times the model's subsampling.

    ``posterior_scale`` makes the scores of two phones comparable: those of neighbouring frames are not independent, so
    their product is too sure of itself. (With those of the systems here, of dev prompts 15 % of whose words were
    replaced by others, more than 9 of 10 replaced words are named as doubtful, and at most 3 of 100 others.) Tuning on
    dev begins at ``start_scale``, the acoustic scale of a search.

    A CTC network has ``posteriors``, its log posteriors as they are, in the shape of the scores, and the ``tokens``
    that are their first columns. One that spells has further columns in both. Of letters, ``spelling`` is the topology
    with which they spell words; else they are what ``writer`` reads, which writes letter by letter. A system of HMMs
    has ``hmms``, the densities of which are the columns of the scores: with them it says of each frame which state it
    belongs to. A network has ``hidden`` layers, by name from below, rows of the same step as the scores.
    """

    name: str
    directory: Path
    front_end: FrontEnd
    scores: Scorer
    topology: Topology
    step: int
    posterior_scale: float
    start_scale: float
    posteriors: Scorer | None = None
    tokens: Sequence[str] = ()
    hmms: Hmms | None = None
    hidden: Mapping[str, Scorer] = field(default_factory=dict)
    spelling: Topology | None = None
    writer: Writer | None = None

    @property
    def layers(self) -> Mapping[str, Scorer]:
        """What it makes of features on the way: its hidden layers, or its scores where it has none."""
        return self.hidden or {"scores": self.scores}

    @property
    def aligners(self) -> dict[str, System]:
        """The ways in which it places a known text, by what is added to its name: "" with its scores; a CTC network
        also ".raw", with posteriors from which the label prior is not divided out."""
        if self.posteriors is None:
            return {"": self}
        return {"": self, ".raw": replace(self, name=f"{self.name}.raw", scores=self.posteriors)}

    def num_frames(self, feats: np.ndarray) -> int:
        """Frames of the clock in features (T, D)."""
        return len(feats) * self.front_end.step


@dataclass(frozen=True)
class ScoredHmms:
    """HMMs the densities of which a scorer gives, column by column."""

    transitions: Transitions
    scores: Scorer

    def log_likelihood(self, feats: np.ndarray, pdfs: np.ndarray) -> np.ndarray:
        """The columns ``pdfs`` (n,) of the scores: (T, D) -> (T, n)."""
        return self.scores(feats)[:, pdfs]


def checked(directory: Path, dimension: int, function: Scorer) -> Scorer:
    """The scorer of the model in ``directory``, for features (T, dimension) alone. UserError for others, and for scores
    that are not finite."""

    def score(feats: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            scores = function(check_dimension(feats, dimension, str(directory)))
        if not (np.abs(scores) < LARGEST).all():
            raise UserError(f"{directory}: its scores of these features are not finite; train the model again")
        return scores

    return score
