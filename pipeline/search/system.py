"""A trained acoustic model as the searches see it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.search.graph import Topology

Scorer = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class System:
    """A trained acoustic model as the decoder sees it.

    ``scores`` maps features (T, D) to natural-log scores (T', columns) for ``topology``, one row for ``step`` frames.
    ``posteriors``, where the model has them, are its log posteriors as they are, in the same shape.
    """

    name: str
    directory: Path
    scores: Scorer
    topology: Topology
    step: int
    meta: dict[str, Any]
    posteriors: Scorer | None = None
