"""What the training of any system is given: data and settings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Material:
    """The data that a system is trained on, and where its model goes.

    ``train`` and ``dev`` are data directories with features, ``lang`` is a lang directory, ``teacher`` the model
    directory of the system whose alignment (ali_train, ali_dev in it) labels the frames. With ``gold``, gold phones
    label them where the corpus has some. ``jobs`` processes may compute at once; the model does not depend on their
    number. ``features`` is the kind of raw features that the system's front end begins with; an encoder from outside
    that made them is looked for in the folder ``models`` first.
    """

    train: Path
    dev: Path
    lang: Path
    out: Path
    teacher: Path | None = None
    gold: bool = True
    jobs: int = 1
    features: str = "mfcc"
    models: Path | None = None


def setting(default: Any, meaning: str, least: float | None = None, choices: Sequence[str] | None = None) -> Any:
    """A field of a dataclass of settings: its default, the text that --help shows, the least number or the values there
    are."""
    return field(default=default, metadata={"help": meaning, "least": least, "choices": choices})


def otherwise(settings: type, name: str, default: Any) -> Any:
    """The field ``name`` of a dataclass of settings with another default, for one that inherits from it."""
    (inherited,) = (one for one in fields(settings) if one.name == name)
    return field(default=default, metadata=inherited.metadata)
