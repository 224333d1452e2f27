"""Weights to begin with: those of a network that is trained already, on another corpus or for another task.

What fits is taken: layers of the same shape, of the output the rows of the same tokens, and what spells if its letters
are the same. All else begins at random, as ever.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

from lexicon.errors import UserError
from pipeline.base.meta import read_meta
from pipeline.neural.model import Encoder, load_model

OF_THE_DATA = ("mean", "deviation")  # of the features that it was trained on; those of the new ones are known


def begin_with(encoder: Encoder, tokens: Sequence[str], letters: Sequence[str], directory: str) -> None:
    """Take what fits ``encoder``, with outputs for these tokens and letters, from the model in ``directory``.
    UserError if that is damaged or none of its layers fits."""
    if "network" not in read_meta(directory):
        raise UserError(f"{directory}: no network to begin with, as --init wants; name one, as EXP/neural")
    model, own = load_model(directory), encoder.state_dict()
    taken = {name: value for name, value in model.encoder.state_dict().items() if _fits(name, value, own)}
    if not any(name.startswith(("front.", "stack.")) for name in taken):
        raise UserError(
            f"{directory}: none of its layers fits {encoder.config.encoder} of width {encoder.config.width}; give both"
            " networks the same --encoder and --width, or leave --init out"
        )
    if list(letters) != model.letters:
        taken = {name: value for name, value in taken.items() if not name.startswith("spelling.")}
    encoder.load_state_dict(own | taken | _rows_of_tokens(model.encoder, model.tokens, encoder, tokens))


def _fits(name: str, value: Tensor, own: dict[str, Tensor]) -> bool:
    of_layers = name not in OF_THE_DATA and not name.startswith("output.")
    return of_layers and name in own and own[name].shape == value.shape


def _rows_of_tokens(source: Encoder, known: Sequence[str], target: Encoder, tokens: Sequence[str]) -> dict[str, Tensor]:
    """The output layer of ``target`` with the rows that ``source`` has of the same tokens."""
    weight, bias = (value.detach().clone() for value in target.output.parameters())
    if source.output.in_features == target.output.in_features:
        for row, token in enumerate(tokens):
            if token in known:
                weight[row] = source.output.weight.detach()[known.index(token)]
                bias[row] = source.output.bias.detach()[known.index(token)]
    return {"output.weight": weight, "output.bias": bias}


def checksum_of(directory: str) -> str:
    """Of the weights to begin with: a run that began with others does not go on with these."""
    return str(read_meta(Path(directory)).get("checksum")) if directory else ""
