"""Named arrays in a safetensors file. Nothing is unpickled."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save

from lexicon.files import atomic_write


def write_arrays(path: Path | str, arrays: Mapping[str, np.ndarray], names: Mapping[str, Sequence[str]] = {}) -> None:
    """Write arrays of numbers, and lists of ``names`` in the file's header."""
    contiguous = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    with atomic_write(path, "wb") as stream:
        stream.write(save(contiguous, {name: json.dumps(list(value)) for name, value in names.items()}))


def read_arrays(path: Path | str) -> tuple[dict[str, np.ndarray], dict[str, list[str]]]:
    """All arrays of a file as `write_arrays` writes it, and the lists of names.

    Raises FileNotFoundError if there is no such file. A damaged file raises some other Exception, whose text says what
    is wrong.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(path)
    with safe_open(path, "np") as file:
        names = {name: json.loads(value) for name, value in (file.metadata() or {}).items()}
        arrays = {name: file.get_tensor(name) for name in file.keys()}
    for name, value in names.items():
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise ValueError(f"{name} is no list of names")
    return arrays, names
