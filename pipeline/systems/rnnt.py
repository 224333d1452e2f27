"""A transducer (Graves 2012), which writes words letter by letter as the sound goes on: its encoder, an Emformer, looks
a short stretch ahead."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.base.training import Material, otherwise
from pipeline.systems import ctc, letters

load = letters.load


@dataclass(frozen=True)
class Settings(letters.Spelling):
    """As those of all networks that spell."""

    encoder: str = otherwise(ctc.Settings, "encoder", "emformer")
    width: int = otherwise(ctc.Settings, "width", 192)
    layers: int = otherwise(ctc.Settings, "layers", 3)
    epochs: int = otherwise(ctc.Settings, "epochs", 25)
    subsampling: int = otherwise(ctc.Settings, "subsampling", 4)
    conv_layers: int = otherwise(ctc.Settings, "conv_layers", 0)
    spelling: str = otherwise(ctc.Settings, "spelling", "transducer")
    letter_share: float = otherwise(ctc.Settings, "letter_share", 0.7)


def train(material: Material, settings: Settings) -> list[str]:
    """Train the network and fit its prior scale. Returns lines to print, the last of which is the result."""
    return letters.train_speller(material, settings, "rnnt")
