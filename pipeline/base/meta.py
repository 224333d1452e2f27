"""meta.json: what a model directory says of itself, settings and figures beside the arrays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lexicon.errors import UserError
from lexicon.files import read_json


def read_meta(directory: Path | str) -> dict[str, Any]:
    """meta.json of a model directory."""
    path = Path(directory) / "meta.json"
    try:
        meta = read_json(path)
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such model; run: make {Path(directory).name}") from error
    except ValueError as error:
        raise UserError(f"{path}: not JSON ({error}); train the model again") from error
    if not isinstance(meta, dict):
        raise UserError(f"{path}: not a JSON object; train the model again")
    return meta
