"""What every corpus module returns."""
from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from pipeline.datadir import Utterance

SETS = ("train", "dev", "test")


@dataclass(frozen=True)
class Prepared:
    """A corpus cut into sets: ``sets`` maps train, dev and test to utterances sorted by id.

    ``sample_rate`` (Hz) is what most files have; ``left_out`` lists (file, why); ``lexicon`` is the text of a
    pronunciation lexicon where the corpus has its own, in lines `WORD P1 P2`.
    """

    sets: dict[str, list[Utterance]]
    sample_rate: int
    left_out: list[tuple[str, str]] = field(default_factory=list)
    lexicon: str | None = None

    def left_out_by_reason(self) -> list[tuple[str, int]]:
        """(why, how many), the most frequent first."""
        return Counter(why for _, why in self.left_out).most_common()
