"""What each system got from run to run: exp/CORPUS/history.tsv, a line whenever its figures or its settings changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from lexicon.errors import UserError
from lexicon.text import numbered_lines
from pipeline.compare.results import MEASURES, Comparison

HISTORY = "history.tsv"


class Run(NamedTuple):
    """A system as it was from ``date`` on (local time): error rates in percent, utterances of the test set, seconds of
    training, and the options with which it was trained and decoded where they are not the defaults."""

    date: str
    system: str
    wer: float
    per: float
    free_per: float
    utterances: int
    train_seconds: float
    settings: str

    def line(self) -> str:
        rates = [f"{getattr(self, measure):.2f}" for measure in MEASURES]
        seconds = f"{self.train_seconds:.1f}"
        return "\t".join([self.date, self.system, *rates, str(self.utterances), seconds, self.settings])


def read_history(path: Path) -> list[Run]:
    """The runs in the order in which they were made; none where there is no file. UserError names a damaged line."""
    if not path.exists():
        return []
    runs = []
    for number, line in numbered_lines(path):
        cells = line.split("\t")
        if cells == list(Run._fields):
            continue
        try:
            date, system, wer, per, free_per, utterances, seconds, settings = cells
            run = Run(date, system, float(wer), float(per), float(free_per), int(utterances), float(seconds), settings)
            if not all(0 <= value < 1e9 for value in run[2:7]):
                raise ValueError
        except ValueError:
            raise UserError(f"{path}:{number}: no run ({' '.join(Run._fields)}); remove this line") from None
        runs.append(run)
    return runs


def with_this(runs: Sequence[Run], comparison: Comparison, settings: Mapping[str, str], date: str) -> list[Run]:
    """The ``runs``, and one more of each system whose figures or ``settings`` are not those of its last."""
    last, found = {run.system: run for run in runs}, list(runs)
    for system in comparison.systems:
        wer, per, free_per = (round(comparison.rate(system, measure).percent, 2) for measure in MEASURES)
        run = Run(
            date,
            system.name,
            wer,
            per,
            free_per,
            len(comparison.utterances),
            round(system.train_seconds, 1),
            settings.get(system.name, ""),
        )
        before = last.get(system.name)
        if before is None or before._replace(date=date, train_seconds=run.train_seconds) != run:
            found.append(run)
    return found


def tsv_lines(runs: Sequence[Run]) -> list[str]:
    """The lines of the file."""
    return ["\t".join(Run._fields), *(run.line() for run in runs)]
