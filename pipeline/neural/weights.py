"""The weights of a network as a file: model.safetensors, whose checksum is in meta.json. Nothing is unpickled."""

from __future__ import annotations

import contextlib
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from lexicon.errors import UserError
from lexicon.files import atomic_write
from pipeline.base.meta import MODEL, write_model


def write_weights(directory: Path, tensors: Mapping[str, Tensor], meta: Mapping[str, Any]) -> None:
    """Write meta.json (``meta`` and the checksum), then the tensors."""
    saved = save({name: value.detach().cpu().contiguous() for name, value in tensors.items()})

    def write(path: Path) -> None:
        with atomic_write(path, "wb") as stream:
            stream.write(saved)

    write_model(directory, {**meta, "checksum": zlib.crc32(saved)}, write)


@contextlib.contextmanager
def read_weights(directory: Path, checksum: int | None, advice: str) -> Iterator[dict[str, Tensor]]:
    """The tensors, all float32 and finite; older models have no ``checksum``. UserError with the file and ``advice`` if
    it is missing or damaged, or if the block, which puts them into a network, cannot use them."""
    path = directory / MODEL
    if not path.is_file():
        raise UserError(f"{path}: no such file; {advice}")
    try:
        saved = path.read_bytes()
        if checksum not in (None, zlib.crc32(saved)):
            raise ValueError("damaged, or of another training: its checksum is not that of meta.json")
        tensors = load(saved)
        if any(value.dtype != torch.float32 or not value.isfinite().all() for value in tensors.values()):
            raise ValueError("values that are not finite, or not float32")
        yield tensors
    except OSError as error:
        raise UserError(f"{path}: {error.strerror or folded(error)}; {advice}") from error
    except (SafetensorError, KeyError, ValueError, RuntimeError) as error:
        raise UserError(f"{path}: does not hold the network of meta.json ({folded(error)}); {advice}") from error


def folded(error: Exception) -> str:
    """An exception's text, folded to one short line."""
    return " ".join(str(error).split())[:160]
