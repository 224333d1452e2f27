"""How a model got better as it was trained, for the report: one number after each pass over the training set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lexicon.errors import UserError

CURVE = "curve"  # of meta.json
LARGEST, LONGEST = 1e12, 100_000


@dataclass(frozen=True)
class Curve:
    """``values``: of ``what``, after each ``step`` (a pass, an epoch); ``kept``: that whose model was kept, from 1."""

    step: str
    what: str
    values: list[float]
    kept: int

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def read_curve(directory: Path, meta: Mapping[str, Any]) -> Curve | None:
    """That of a model's meta.json; None if it has none. UserError if it is damaged."""
    if CURVE not in meta:
        return None
    try:
        curve = Curve(**meta[CURVE])
        values = curve.values
        sound = isinstance(values, list) and 0 < len(values) <= LONGEST and all(map(drawable, values))
        if not sound or type(curve.kept) is not int or not 1 <= curve.kept <= len(values):
            raise ValueError("no numbers, or none of them kept")
        if not isinstance(curve.step, str) or not isinstance(curve.what, str):
            raise ValueError("no names")
    except (TypeError, ValueError) as error:
        raise UserError(
            f"{directory}/meta.json: {CURVE} is no learning curve ({error}); run: make {directory.name}"
        ) from None
    return curve


def drawable(value: Any) -> bool:
    """Whether this is a number that can be drawn."""
    return type(value) in (int, float) and abs(value) < LARGEST
