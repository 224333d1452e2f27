"""The layers of an encoder from outside, and what goes into every system, as they lie in data directories."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np

from lexicon.errors import UserError
from pipeline.datadir.feats import Features, RawFeatures, front_end_for, missing_features
from pipeline.encoders.layers import file_name, layers_on_disk
from pipeline.probe.measure import Layer
from pipeline.probe.target import SETS
from pipeline.sound.front_end import FrontEndSettings

# Rows of 10 ms are seen with four neighbours on each side, as long as a phone: a row of an encoder has seen seconds.
CONTEXT = 4
YARDSTICKS = {"mfcc": FrontEndSettings("variance", 2), "fbank": FrontEndSettings("variance", 0)}


def yardsticks(data: Path) -> list[Layer]:
    """MFCC with their derivatives, and log-mel energies, normalised by speaker."""
    return [_of_kind(data, kind, kind, kind, CONTEXT, settings) for kind, settings in YARDSTICKS.items()]


def layers_of_encoder(data: Path, encoder: str) -> list[Layer]:
    """Every layer of an encoder that has been encoded, "whisper-base:random" for a control, in order."""
    name, layers = file_name(encoder), layers_on_disk(data / "train", encoder)
    plain = FrontEndSettings("none", 0)
    return [_of_kind(data, f"{name}.{layer}", f"{encoder}.{layer}", encoder, 0, plain) for layer in layers]


def _of_kind(data: Path, kind: str, name: str, group: str, context: int, settings: FrontEndSettings) -> Layer:
    front_end = front_end_for(data / "train", settings, kind)

    @functools.cache
    def opened(part: str) -> RawFeatures:
        return Features(data / part, front_end)

    def rows(part: str, utt: str) -> np.ndarray:
        return opened(part)[utt]

    for part in SETS:
        if lacking := sorted(opened(part).missing - missing_features(data / part)):
            raise UserError(
                f"{opened(part).path}: without {len(lacking)} utterances ({lacking[0]}, ...), but all layers are"
                " measured on the same; mend or remove these, and run: make data"
            )
    return Layer(name, group, front_end.step, context, rows)
