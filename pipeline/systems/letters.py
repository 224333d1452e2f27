"""A network that learns to spell, after Deep Speech 2 (Amodei et al. 2016): CTC over letters, words found by spelling.

It is never told of phones. They are read from it all the same, by a linear map of its top layer that is trained beside
it and teaches it nothing; with a smaller --letter-share it is read_teacher both.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lexicon.errors import UserError
from pipeline.base.training import Material, otherwise
from pipeline.search.system import System
from pipeline.systems import ctc

ABOUT = (
    "A neural network that spells words letter by letter with CTC, as Deep Speech 2 (Amodei et al. 2016). Its phones"
    " are read from its top layer by a linear map, which teaches it nothing unless it is told of phones as well."
)


@dataclass(frozen=True)
class Spelling(ctc.Settings):
    """As those of `ctc`, with what networks that spell were measured with."""

    layers: int = otherwise(ctc.Settings, "layers", 1)
    conv_layers: int = otherwise(ctc.Settings, "conv_layers", 3)
    epochs: int = otherwise(ctc.Settings, "epochs", 50)
    patience: int = otherwise(ctc.Settings, "patience", 12)
    batch_size: int = otherwise(ctc.Settings, "batch_size", 8)
    learning_rate: float = otherwise(ctc.Settings, "learning_rate", 2e-3)


@dataclass(frozen=True)
class Settings(Spelling):
    """Of networks that spell, with CTC."""

    letter_share: float = otherwise(ctc.Settings, "letter_share", 1.0)


def load(directory: Path, meta: dict[str, Any]) -> System:
    """The network in ``directory``; UserError if it is damaged."""
    return ctc.load(directory, meta, spelling=True)


def train(material: Material, settings: Settings) -> list[str]:
    """Train the network and fit its prior scale. Returns lines to print, the last of which is the result."""
    return train_speller(material, settings, "letters")


def train_speller(material: Material, settings: ctc.Settings, kind: str) -> list[str]:
    """As ``train``, of any network that spells."""
    if not settings.spells:
        raise UserError("setting letter_share 0: then nothing is spelled; use more than 0, or the system neural")
    return ctc.train_with(material, settings, {"kind": kind})
