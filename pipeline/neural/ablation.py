"""What each step of a network's training brings: trained again with one setting changed, compared by dev error rate.

Another seed alone changes the error rate too; a difference no larger than that says nothing.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from lexicon.files import read_json, write_json
from lexicon.text import columns

AS_IT_IS = "as it is"
# Each step that the default recipe takes, taken away, and chance.
CHANGES = (
    "seed=2",
    "speed_change=0",
    "time_masks=0",
    "feature_mask=0",
    "noise=0",
    "dropout=0",
    "weight_decay=0",
    "average_decay=0",
    "batch_size=8",
    "layers=1",
    "conv_layers=0",
    "deltas=0",
    "normalise=mean",
)
OUTCOME = "outcome.json"


@dataclass(frozen=True)
class Outcome:
    """How a training ended: error rate on dev (%), epochs, the best of them, and seconds."""

    dev: float
    epochs: int
    best_epoch: int
    seconds: float


@dataclass(frozen=True)
class Row:
    """A training: what was ``changed``, as name=value, and how it ended; None where it could not begin, as utterances
    had fewer network frames than phones."""

    changed: str
    outcome: Outcome | None


def known_outcome(folder: Path, told: dict[str, Any]) -> Outcome | None:
    """What ``keep_outcome`` wrote, if it was told the same; else None."""
    told = json.loads(json.dumps(told))  # there a tuple is a list
    try:
        found = read_json(folder / OUTCOME)
        outcome = Outcome(**found["outcome"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    numbers = [getattr(outcome, field.name) for field in fields(Outcome)]
    sound = all(type(number) in (int, float) and math.isfinite(number) and number >= 0 for number in numbers)
    return outcome if sound and found.get("told") == told else None


def keep_outcome(folder: Path, told: dict[str, Any], outcome: Outcome) -> None:
    """Write how the training in ``folder`` ended that was ``told`` so: settings and data."""
    write_json(folder / OUTCOME, {"told": told, "outcome": asdict(outcome)})


def tsv_lines(rows: Sequence[Row], measure: str) -> list[str]:
    """The lines of the table; ``measure`` is the error rate that decides, PER or CER."""
    lines = [f"changed\tdev {measure}\tdifference\tepochs\tbest epoch\tseconds"]
    for row in rows:
        end = row.outcome
        cells = (
            [f"{end.dev:.2f}", _difference(row, rows), end.epochs, end.best_epoch, f"{end.seconds:.1f}"] if end else []
        )
        lines.append("\t".join([row.changed, *map(str, cells or [""] * 5)]))
    return lines


def readable_lines(name: str, rows: Sequence[Row], measure: str) -> list[str]:
    """The same for a terminal."""
    table = [["", f"dev {measure} %", "difference", "epochs", "kept", "trained in"]]
    for row in rows:
        end = row.outcome
        cells = (
            [f"{end.dev:.2f}", _difference(row, rows), str(end.epochs), str(end.best_epoch), f"{end.seconds:,.0f} s"]
            if end
            else ["too few rows", "", "", "", ""]
        )
        table.append([row.changed, *cells])
    head, *lines = (line.rstrip() for line in columns(table))
    return [f"{name} on dev, trained again with one setting changed", "", head, "-" * max(map(len, lines)), *lines]


def _difference(row: Row, rows: Sequence[Row]) -> str:
    """The error rate against that of the first row, with its sign; nothing for that row itself."""
    first = rows[0].outcome
    return f"{row.outcome.dev - first.dev:+.2f}" if row is not rows[0] and row.outcome and first else ""
