"""Scores of a piece of speech that is not over yet."""

from __future__ import annotations

import numpy as np

from pipeline.search.system import System
from pipeline.sound.front_end import SpeakerStats
from pipeline.times.clock import FRAME_SHIFT_MS


class Scores:
    """The rows of a system's scores that are known, given once each.

    Where a row depends on its own features alone, that is at once, but for the neighbours in these. A network may look
    at the whole piece in both directions: a row counts when ``look_ahead`` seconds after it have been heard, and is
    made with ``left_context`` seconds before the first that is new. What lies farther away changes it in a piece that
    is heard as a whole, and only that.
    """

    def __init__(self, system: System, look_ahead: float, left_context: float):
        reach, per_second = system.front_end.reach, 1000 / FRAME_SHIFT_MS
        alone = system.hmms is not None
        self.system = system
        self.right = reach + (0 if alone else round(look_ahead * per_second))
        self.left = reach + (0 if alone else round(left_context * per_second))
        self.begin()

    def begin(self) -> None:
        """A new piece."""
        self.given = 0  # rows

    def more(self, raw: np.ndarray, stats: SpeakerStats | None, last: bool) -> np.ndarray:
        """Of raw rows (T, coefficients) of the piece, from its beginning until now, the scores (n, columns) that were
        not given yet; all that are left with ``last``."""
        step = self.system.step
        ready = -(-(len(raw) - (0 if last else self.right)) // step)
        if ready <= self.given:
            return np.zeros((0, len(self.system.topology.labels.readers)), np.float32)
        first = max(0, self.given * step - self.left) // step
        scores = self.system.scores(self.system.front_end.compose(raw[first * step :], stats))
        new = scores[self.given - first : ready - first]
        self.given += len(new)
        return new
