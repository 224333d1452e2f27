"""Layers of a recording of one's own: what a system that was trained on them needs to hear it."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path

import numpy as np

from lexicon.errors import UserError
from pipeline.encoders.encoder import SAMPLE_RATE, Encoder
from pipeline.encoders.find import SETTING
from pipeline.encoders.layers import SHIFT_MS, on_the_clock
from pipeline.encoders.load import load_encoder
from pipeline.sound.front_end import EXTRACTORS, Extractor, Raw

SIGNS = 16  # of a hash


def made_by(encoder: Encoder) -> str:
    """How features name the encoder that made them."""
    return f"{encoder.name}@{encoder.sha256[:SIGNS]}"


def enter_layers(wanted: Iterable[Raw], models: Path | None = None) -> None:
    """Enter into EXTRACTORS what makes the layers among ``wanted``; their encoders are looked for as `load_encoder`
    does. UserError where one is not found, or is another of that name."""
    encoders: dict[str, Encoder] = {}
    for raw in wanted:
        if not raw.encoder or raw.sample_rate != SAMPLE_RATE:
            continue
        encoder = encoders[raw.encoder] = encoders.get(raw.encoder) or encoder_behind(raw, models)
        layer = raw.kind.rpartition(".")[2]
        encoder.number_of(layer)
        EXTRACTORS[raw.kind] = Extractor(encoder.width, partial(_rows, encoder, layer), SHIFT_MS, raw.encoder)


def encoder_behind(raw: Raw, models: Path | None = None) -> Encoder:
    """The encoder that made such rows. UserError where it is not found, or is another of that name."""
    encoder = load_encoder(raw.encoder.partition("@")[0], models)
    if made_by(encoder) != raw.encoder:
        raise UserError(
            f"{made_by(encoder)}: not the encoder that the system was trained on, {raw.encoder}; give the folder"
            f" that has it with {SETTING}=, or train the system again"
        )
    return encoder


def _rows(encoder: Encoder, layer: str, samples: np.ndarray, rate: int) -> np.ndarray:
    """A layer (T, width) of samples (N,) at 16 kHz: row j is centred on frame 2 j of the clock."""
    assert rate == SAMPLE_RATE
    return encoder.encode(encoder.long_enough(on_the_clock(samples, encoder)), [layer])[0]
