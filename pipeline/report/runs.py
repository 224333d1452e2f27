"""The page of the runs: what each system got from run to run, and what had changed."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.compare.history import Run
from pipeline.compare.results import MEASURES


def by_system(runs: Sequence[Run]) -> list[tuple[str, list[tuple[Run, list[tuple[float, float | None]]]]]]:
    """Of each system its runs, the last first, each with its error rates and how far each is from that of the run
    before (None of the first, and where the test set was another)."""
    systems = list(dict.fromkeys(run.system for run in runs))
    return [(system, _with_changes([run for run in runs if run.system == system])) for system in systems]


def _with_changes(runs: Sequence[Run]) -> list[tuple[Run, list[tuple[float, float | None]]]]:
    found = []
    for number, run in enumerate(runs):
        before = runs[number - 1] if number and runs[number - 1].utterances == run.utterances else None
        rates = [(rate := getattr(run, m), rate - getattr(before, m) if before else None) for m in MEASURES]
        found.append((run, rates))
    return found[::-1]
