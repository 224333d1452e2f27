"""The systems, one file each, and `load_system` for all of them.

The name of a file is the kind that the meta.json of its models has. It gives ``load(directory, meta) -> System``, and
``ABOUT``, what the report says of such a system.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module
from pathlib import Path
from types import ModuleType

from lexicon.errors import UserError
from pipeline.base.meta import read_meta
from pipeline.search.system import System

KINDS = sorted(module.name for module in pkgutil.iter_modules(__path__))


def load_system(directory: Path | str) -> System:
    """Load the model in ``directory``; its meta.json says of what kind it is. Raises UserError if it is damaged."""
    directory = Path(directory)
    meta = read_meta(directory)
    if (kind := meta.get("kind")) not in KINDS:
        raise UserError(f"{directory}/meta.json: kind {kind!r} is none of {', '.join(KINDS)}; train the model again")
    return kind_module(kind).load(directory, meta)


def kind_module(kind: str) -> ModuleType:
    """The file of a kind, one of KINDS."""
    return import_module(f"{__name__}.{kind}")
