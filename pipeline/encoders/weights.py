"""The files that trained weights come in: Hugging Face's safetensors, OpenAI's and torchaudio's .pt, CTranslate2's
model.bin. Nothing in them can run: a .pt, which is a pickle, is read with `weights_only=True` alone.
"""

from __future__ import annotations

import hashlib
import pickle
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import safe_open
from torch import nn

from lexicon.errors import UserError, first_line, reading
from lexicon.files import read_json
from pipeline.base.download import sha256
from pipeline.encoders.ctranslate2 import read_ctranslate2
from pipeline.encoders.find import weight_files

Model = TypeVar("Model", bound=nn.Module)

PICKLED = ("pytorch_model.bin", "tf_model.h5", "flax_model.msgpack")


@dataclass(frozen=True)
class Weights:
    """Arrays by their names in the file, of whatever type they are there, and what the folder says beside them."""

    kind: str  # safetensors, pt or ctranslate2
    files: tuple[Path, ...]
    arrays: dict[str, torch.Tensor]
    config: dict[str, Any]  # config.json, or what a .pt calls its dimensions

    @property
    def path(self) -> Path:
        """What messages name."""
        return self.files[0]

    @property
    def folder(self) -> Path:
        return self.path.parent

    def digest(self) -> str:
        """SHA-256 of the file; of several, of their hashes one after the other."""
        hashes = [sha256(path) for path in self.files]
        return hashes[0] if len(hashes) == 1 else hashlib.sha256("".join(hashes).encode()).hexdigest()

    def number(self, name: str, least: int, most: int) -> int:
        """A whole number of config.json. UserError if there is none, or it is another."""
        value = self.config.get(name)
        if type(value) is not int or not least <= value <= most:
            raise UserError(f"{self.folder / 'config.json'}: {name} is {value!r}; expected {least} to {most}")
        return value


def read_weights(path: Path) -> Weights:
    """Weights of a folder or file. UserError, one line, for what is missing, damaged, or may not be read."""
    files = weight_files(path)
    if not files:
        if pickled := next((path / name for name in PICKLED if (path / name).is_file()), None):
            raise UserError(
                f"{pickled}: a format that can hold a program is not read; fetch model.safetensors of the same model"
            )
        raise UserError(
            f"{path}: no weights in it; expected model.safetensors and config.json, one .pt, or CTranslate2's model.bin"
        )
    with reading(files[0]):
        if files[0].suffix == ".safetensors":
            return Weights("safetensors", files, _safetensors(files), _config(files[0].parent))
        if files[0].suffix in (".pt", ".pth"):
            return _checkpoint(files)
        return Weights("ctranslate2", files, read_ctranslate2(files[0]), {})


def _safetensors(files: tuple[Path, ...]) -> dict[str, torch.Tensor]:
    arrays: dict[str, torch.Tensor] = {}
    for path in files:
        try:
            with safe_open(path, "pt") as file:
                arrays |= {name: file.get_tensor(name) for name in file.keys()}
        except MemoryError:
            raise
        except Exception as error:  # of safetensors' own type, or of whatever its bytes provoke
            raise UserError(f"{path}: not safetensors ({error}); fetch it again") from error
    return arrays


def _config(folder: Path) -> dict[str, Any]:
    path = folder / "config.json"
    try:
        value = read_json(path)
        if not isinstance(value, dict):
            raise ValueError("not an object")
        return value
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; it belongs to the model, fetch it as well") from None
    except ValueError as error:
        raise UserError(f"{path}: not the settings of a model ({error}); fetch it again") from error


def _checkpoint(files: tuple[Path, ...]) -> Weights:
    """OpenAI's {"dims": ..., "model_state_dict": ...}, or a state_dict alone, as torch.hub has it."""
    path = files[0]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of other pickles than its own
            value = torch.load(path, map_location="cpu", weights_only=True)
        dims = value.get("dims", {})
        arrays = value.get("model_state_dict", value)
        if not all(isinstance(name, str) and isinstance(array, torch.Tensor) for name, array in arrays.items()):
            raise ValueError("it holds other things than arrays")
        if sum(array.nbytes for array in arrays.values()) > path.stat().st_size:  # views of less than they claim
            raise ValueError("arrays larger than the file")
    except MemoryError:
        raise
    except pickle.UnpicklingError as error:  # torch's text tells how to run what is in the file
        raise UserError(f"{path}: holds other things than arrays, which are not read; fetch it again") from error
    except Exception as error:  # torch raises anything, in many lines, for what is no file of its own
        raise UserError(f"{path}: not a file of weights alone ({first_line(error)}); fetch it again") from error
    return Weights("pt", files, dict(arrays), dict(dims))


def filled(path: Path, make: Callable[[], Model], state: Mapping[str, torch.Tensor]) -> Model:
    """A network with the parameters ``state``, as float32. UserError if one is missing or has another shape.

    It takes no memory before all shapes are known to be those of the file.
    """
    try:
        with torch.device("meta"):
            model = make()
    except (ValueError, RuntimeError, AssertionError, ZeroDivisionError) as error:
        raise UserError(f"{path}: sizes that no such network has ({error}); fetch the model again") from error
    for name, expected in model.state_dict().items():
        shape = tuple(state[name].shape) if name in state else None
        if shape != tuple(expected.shape):
            raise UserError(
                f"{path}: {name} is {shape or 'missing'}, expected {tuple(expected.shape)}; fetch the model again"
            )
    model.load_state_dict(dict(_as_float(path, model, state)), assign=True)
    return model.eval().requires_grad_(False)


def _as_float(path: Path, model: nn.Module, state: Mapping[str, torch.Tensor]) -> Iterator[tuple[str, torch.Tensor]]:
    for name in model.state_dict():
        array = state[name].to(torch.float32)
        if not bool(array.isfinite().all()):
            raise UserError(f"{path}: {name} holds numbers that are not finite; fetch the model again")
        yield name, array
