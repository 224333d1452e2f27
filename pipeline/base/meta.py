"""meta.json of a model directory: settings and figures, beside the arrays."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from lexicon.errors import UserError
from lexicon.files import read_json, write_json

MODEL = "model.safetensors"
CHECKPOINT = "checkpoint.safetensors"  # while a network is trained


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


def write_model(directory: Path, meta: dict[str, Any], save: Callable[[Path], None]) -> None:
    """Write meta.json, then the model itself with ``save``. An old model is removed first, since the new meta.json does
    not describe it."""
    path = directory / MODEL
    path.unlink(missing_ok=True)
    write_json(directory / "meta.json", meta)
    save(path)
