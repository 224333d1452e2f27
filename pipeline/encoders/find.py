"""Where a model is on this machine: in the folder that MODELS names, in the caches of the programs people fetch models
with, in our own; else it is downloaded from its publisher.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from lexicon.errors import UserError
from pipeline.base.download import download, sha256
from pipeline.encoders.known import KNOWN, Known

CACHE = Path("downloads/models")
SETTING = "MODELS"
CONTROLS = ("random", "shuffled")  # see `pipeline.encoders.controls`


def parse_name(name: str) -> tuple[str, str]:
    """The name of a model and of a control, "" for none: "whisper-base:random" is whisper-base with random weights."""
    model, _, control = name.partition(":")
    if not re.fullmatch(r"[A-Za-z0-9][\w.-]*", model) or control not in ("", *CONTROLS) or name.endswith(":"):
        raise UserError(
            f'ENCODER="{name}": write the name of a model or of a folder in MODELS, for a control with '
            + " or ".join(f":{control}" for control in CONTROLS)
        )
    return model, control


def weight_files(path: Path) -> tuple[Path, ...]:
    """The files of weights in the folder ``path``, or itself if it is one; none where nothing is known."""
    if path.is_file():
        return (path,) if path.suffix in (".pt", ".pth", ".safetensors") or path.name == "model.bin" else ()
    for pattern in ("model.safetensors", "model-*-of-*.safetensors", "model.bin", "*.pt", "*.pth"):
        if found := sorted(path.glob(pattern)):
            return tuple(found) if "-of-" in pattern else tuple(found[:1]) if len(found) == 1 else ()
    return ()


def find(name: str, models: Path | None, cache: Path = CACHE) -> Path | None:
    """The folder or file of a model's weights; None if it is nowhere."""
    return next((path for path in _places(name, models, cache) if weight_files(path)), None)


def _places(name: str, models: Path | None, cache: Path) -> Iterator[Path]:
    known = KNOWN.get(name)
    if models:
        yield models / name
        if known:
            yield models / known.file
            yield from (models / repository.rpartition("/")[2] for repository in known.repositories)
    if known:
        for repository in known.repositories:
            yield from _snapshots(hugging_face_cache() / f"models--{repository.replace('/', '--')}")
        yield Path.home() / ".cache/whisper" / known.file
        yield torch_hub() / "checkpoints" / known.file
    yield cache / name


def hugging_face_cache() -> Path:
    """Where Hugging Face's programs keep what they fetch, faster-whisper among them."""
    home = Path(os.environ.get("HF_HOME") or Path.home() / ".cache/huggingface")
    return Path(os.environ.get("HF_HUB_CACHE") or home / "hub").expanduser()


def torch_hub() -> Path:
    """Where torch.hub keeps what it fetches."""
    return Path(os.environ.get("TORCH_HOME") or Path.home() / ".cache/torch").expanduser() / "hub"


def _snapshots(folder: Path) -> Iterator[Path]:
    """The versions of a repository in Hugging Face's cache, the one called main first."""
    main = folder / "refs/main"
    if main.is_file():
        yield folder / "snapshots" / main.read_text(encoding="utf-8", errors="replace").strip()
    yield from sorted(folder.glob("snapshots/*"))


def check_folder(models: Path | None) -> None:
    """UserError for a folder of models that is none."""
    if models and not models.is_dir():
        raise UserError(f"{SETTING}={models}: no such folder; give the one that holds your models")


def get(name: str, models: Path | None, cache: Path = CACHE) -> Path:
    """As ``find``, or downloaded into ``cache``. UserError for an unknown name, or what cannot be fetched: one line
    that says from where."""
    check_folder(models)
    if found := find(name, models, cache):
        return found
    if models and (models / name).is_dir():
        return models / name  # what it lacks is said by who reads it
    if name not in KNOWN:
        where = f"neither in {models} nor" if models else "not"
        raise UserError(f'ENCODER="{name}": {where} among the models that are known; make models lists them')
    return fetch(KNOWN[name], cache)


def fetch(known: Known, cache: Path) -> Path:
    """Download a model from its publisher: all its files, or none under its name."""
    partial = cache / f"{known.name}.part"
    for url in (known.url, *known.beside):
        path = partial / url.rpartition("/")[2]
        if not path.is_file():
            download(url, path, SETTING)
    weights = partial / known.file
    if known.sha256 and (found := sha256(weights)) != known.sha256:
        raise UserError(
            f"{weights}: not what {known.url} is known to be (SHA-256 {found}); delete it and run the command again"
        )
    os.replace(partial, cache / known.name)
    return cache / known.name
