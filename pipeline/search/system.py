"""A trained acoustic model as the searches see it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lexicon.errors import UserError
from pipeline.datadir.feats import check_dimension
from pipeline.lattice import LARGEST
from pipeline.search.topology import Topology

Scorer = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class System:
    """A trained acoustic model as the decoder sees it.

    ``scores`` maps features (T, D) to natural-log scores (T', columns) for ``topology``, one row for ``step`` frames.

    ``posterior_scale`` makes the scores of two phones comparable: those of neighbouring frames are not independent, so
    their product is too sure of itself. (With those of the systems here, of dev prompts 15 % of whose words were
    replaced by others, more than 9 of 10 replaced words are named as doubtful, and at most 3 of 100 others.) Tuning on
    dev begins at ``start_scale``, the acoustic scale of a search.

    A CTC network has ``posteriors``, its log posteriors as they are, in the shape of the scores, and the ``tokens``
    that are their columns.
    """

    name: str
    directory: Path
    scores: Scorer
    topology: Topology
    step: int
    posterior_scale: float
    start_scale: float
    posteriors: Scorer | None = None
    tokens: Sequence[str] = ()


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
