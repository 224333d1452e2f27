"""How far error rates move by chance: the same systems trained again with other seeds."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path

from lexicon.errors import UserError
from lexicon.text import columns, numbered_lines

MEASURES = {"WER": "wer.txt", "PER": "per.txt", "free PER": "free_per.txt"}
HEAD = ["system", "runs", *(f"{measure} %: {what}" for measure in MEASURES for what in ("mean", "least", "most", "sd"))]

Rates = Mapping[str, Mapping[str, Sequence[float]]]  # of each system, of each measure, those of all runs


def read_rate(path: Path) -> float:
    """The error rate, in percent, that a file of `stages.score` begins with. UserError if it begins with something
    else."""
    _, line = next(iter(numbered_lines(path)), (1, ""))
    fields = line.split()
    try:
        if not fields[0].startswith("%"):
            raise ValueError
        return float(fields[1])
    except (IndexError, ValueError):
        raise UserError(f"{path}:1: {line[:60]!r} is no error rate; remove the file and run make again") from None


def read_rates(runs: Sequence[Path], systems: Sequence[str]) -> Rates:
    """The error rates on test of each system in each run, an experiment of its own."""
    return {
        system: {
            measure: [read_rate(run / system / "decode_test" / name) for run in runs]
            for measure, name in MEASURES.items()
        }
        for system in systems
    }


def spread_rows(rates: Rates) -> list[list[str]]:
    """A row for each system: of each measure the mean, the least, the most, and the standard deviation (n - 1)."""
    rows = []
    for system, by_measure in rates.items():
        runs = len(by_measure["WER"])
        row = [system, str(runs)]
        for found in by_measure.values():
            deviation = statistics.stdev(found) if runs > 1 else 0.0
            row += [f"{value:.2f}" for value in (statistics.mean(found), min(found), max(found), deviation)]
        rows.append(row)
    return rows


def spread_lines(rates: Rates) -> list[str]:
    """The table for people."""
    return columns(
        [
            [
                "system",
                "runs",
                "WER %",
                "least",
                "most",
                "sd",
                "PER %",
                "least",
                "most",
                "sd",
                "free PER %",
                "least",
                "most",
                "sd",
            ],
            *spread_rows(rates),
        ]
    )
