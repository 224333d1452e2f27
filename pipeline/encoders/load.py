"""An encoder by its name, whatever it is and wherever it lies."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lexicon.errors import UserError
from pipeline.encoders.encoder import Encoder
from pipeline.encoders.find import get, parse_name

if TYPE_CHECKING:
    from pipeline.encoders.weights import Weights


def load_encoder(name: str, models: Path | None = None, language: str | None = None) -> Encoder:
    """The encoder that ``name`` (with ``:random`` or ``:shuffled`` a control) is; found in the folder ``models`` or a
    cache, or downloaded. ``language``, such as "en", is what a multilingual Whisper shall write.

    UserError, one line, for whatever is wrong with the name or the files.
    """
    from pipeline.encoders.weights import read_weights  # with PyTorch, which is slow to import

    model, control = parse_name(name)
    weights = read_weights(get(model, models))
    encoder = encoder_of(weights, control)
    encoder.name, encoder.sha256, encoder.language = name, weights.digest(), language
    return encoder


def encoder_of(weights: Weights, control: str = "") -> Encoder:
    """The encoder that weights are of."""
    from pipeline.encoders.controls import control_state
    from pipeline.encoders.wav2vec import KINDS, Wav2Vec, wav2vec_plan
    from pipeline.encoders.weights import filled
    from pipeline.encoders.whisper import Whisper, whisper_plan

    kind = weights.config.get("model_type", "")
    if weights.kind == "ctranslate2" or kind == "whisper" or "n_audio_head" in weights.config:
        make, state = whisper_plan(weights)
        model = filled(weights.path, make, state)
        if control:
            model = filled(weights.path, make, control_state(control, make, state))
        return Whisper(model, weights)
    if kind not in KINDS and weights.kind != "pt":
        raise UserError(f"{weights.folder / 'config.json'}: model_type {kind!r}; known are whisper, {', '.join(KINDS)}")
    plan = wav2vec_plan(weights)
    network = filled(weights.path, plan.make, plan.state)
    if control:
        network = filled(weights.path, plan.make, control_state(control, plan.make, plan.state))
    return Wav2Vec(network, plan, weights)
