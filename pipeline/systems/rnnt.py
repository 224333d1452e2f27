"""A transducer (Graves 2012), which writes words letter by letter as the sound goes on: its encoder, an Emformer, looks
a short stretch ahead."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.base.training import Material, otherwise
from pipeline.systems import ctc, letters

ABOUT = (
    "A transducer (Graves 2012): a network that hears as the sound goes on, looking a short stretch ahead (Emformer),"
    " and writes letters when it has heard enough. Its phones are read from its top layer."
)

load = letters.load


@dataclass(frozen=True)
class Settings(letters.Spelling):
    """As those of all networks that spell, but for what an Emformer needs to learn from little: on dev of prompts it
    has learned nothing after 25 epochs without convolutions (100 % CER), and has 22 % after 8 with two, small batches
    of a small rate, and half the loss for phones."""

    encoder: str = otherwise(ctc.Settings, "encoder", "emformer")
    width: int = otherwise(ctc.Settings, "width", 192)
    layers: int = otherwise(ctc.Settings, "layers", 3)
    epochs: int = otherwise(ctc.Settings, "epochs", 20)
    subsampling: int = otherwise(ctc.Settings, "subsampling", 4)
    conv_layers: int = otherwise(ctc.Settings, "conv_layers", 2)
    dropout: float = otherwise(ctc.Settings, "dropout", 0.1)
    batch_size: int = otherwise(ctc.Settings, "batch_size", 4)
    learning_rate: float = otherwise(ctc.Settings, "learning_rate", 1e-3)
    warmup_epochs: int = otherwise(ctc.Settings, "warmup_epochs", 1)
    spelling: str = otherwise(ctc.Settings, "spelling", "transducer")
    letter_share: float = otherwise(ctc.Settings, "letter_share", 0.5)


def train(material: Material, settings: Settings) -> list[str]:
    """Train the network and fit its prior scale. Returns lines to print, the last of which is the result."""
    return letters.train_speller(material, settings, "rnnt")
