"""An encoder from outside, fine-tuned on the corpus: its upper blocks are trained on with CTC over phones.

The blocks below stay as they are, and what comes out of them is on disk already, so that an hour of speech can be
learned from on two cores. The model holds the trained blocks; of the encoder it needs those below.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lexicon.errors import UserError
from lexicon.phones import BLANK
from pipeline.base.training import Material, otherwise
from pipeline.datadir.feats import RawFeatures
from pipeline.encoders.encoder import Encoder as Outside
from pipeline.encoders.extract import encoder_behind
from pipeline.encoders.layers import layer_kinds
from pipeline.neural.config import EncoderConfig
from pipeline.systems import ctc
from pipeline.systems.layer_ctc import OnLayer

if TYPE_CHECKING:
    from pipeline.encoders.whisper import Whisper

ABOUT = (
    "A recogniser from outside that was never told of phones; its upper blocks are trained on with CTC over phones,"
    " while those below stay as they are."
)

PRETRAINED = "pretrained"  # in the model directory: the blocks as they came, to begin with


@dataclass(frozen=True)
class Settings(OnLayer):
    """As those on any layer, with the defaults that suit blocks that are trained already."""

    normalise: str = otherwise(ctc.Settings, "normalise", "none")
    encoder: str = otherwise(ctc.Settings, "encoder", "transformer")
    layers: int = otherwise(ctc.Settings, "layers", 2)
    subsampling: int = otherwise(ctc.Settings, "subsampling", 1)
    dropout: float = otherwise(ctc.Settings, "dropout", 0.1)
    epochs: int = otherwise(ctc.Settings, "epochs", 12)
    learning_rate: float = otherwise(ctc.Settings, "learning_rate", 2e-3)
    stack_rate: float = otherwise(ctc.Settings, "stack_rate", 0.05)

    def begun(self, material: Material) -> tuple[Material, ctc.Settings]:
        """The layer below the upper ``layers`` blocks, and those blocks to begin with, which are written."""
        first = layer_kinds(material.train, material.features)[0]
        encoder = whisper_of(encoder_behind(RawFeatures(material.train, first).raw, material.models))
        kind = f"{first.rpartition('.')[0]}.{layer_below(encoder, self.layers)}"
        began = Path(self.init or material.out / PRETRAINED)
        if not self.init:
            keep_blocks(encoder, self.layers, began)
        shaped = replace(self, width=encoder.width, heads=encoder.model.sizes.heads, init=str(began))
        return replace(material, features=kind), shaped


def train(material: Material, settings: Settings) -> list[str]:
    """Train the upper ``settings.layers`` blocks of the encoder whose layers are on disk, and fit the prior scale.
    Returns lines to print, the last of which is the result. UserError for an encoder that this cannot be done with."""
    below, chosen = settings.begun(material)
    *lines, result = ctc.train_with(below, chosen, {"fine_tuned": below.features.rpartition(".")[0]})
    return [*lines, f"{below.features}, {settings.layers} blocks above it, {result}"]


def layer_below(encoder: Whisper, blocks: int) -> str:
    """The layer that the upper ``blocks`` of a Whisper begin with; UserError where there are not so many."""
    depth = encoder.model.sizes.blocks
    if not 0 < blocks <= depth:
        raise UserError(f'setting layers {blocks}: ENCODER="{encoder.name}" has {depth} blocks; use fewer of them')
    return encoder.layers[depth - blocks]


def whisper_of(encoder: Outside) -> Whisper:
    """The encoder; UserError if it is no Whisper."""
    from pipeline.encoders.whisper import Whisper  # with PyTorch, which is slow to import

    if not isinstance(encoder, Whisper):
        raise UserError(f'ENCODER="{encoder.name}": only Whisper can be fine-tuned here; use wav2vec2_phones')
    return encoder


def keep_blocks(encoder: Whisper, blocks: int, directory: Path) -> None:
    """Write the upper blocks of a Whisper to ``directory`` as a network that was not told of any phone yet."""
    import torch

    from pipeline.neural.model import CtcModel, Encoder, TransformerStack, save_model

    width, heads = encoder.width, encoder.model.sizes.heads
    torch.manual_seed(0)
    network = Encoder(EncoderConfig("transformer", width, 1, width, blocks, 0, 1, 0.0, heads=heads)).eval()
    assert isinstance(network.stack, TransformerStack)
    network.stack.blocks.load_state_dict(encoder.model.encoder.blocks[-blocks:].state_dict())
    network.stack.ln_post.load_state_dict(encoder.model.encoder.ln_post.state_dict())
    directory.mkdir(parents=True, exist_ok=True)
    save_model(directory, CtcModel(network, [BLANK], np.zeros(1, np.float32)), {"encoder": encoder.name})
