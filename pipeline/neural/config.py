"""The shape of a network, without the network: what the settings of a training, and the file of a model, are held to.

PyTorch is slow to import, and who only asks which settings there are does not need it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

ENCODERS = ("conv-bigru", "conv-bilstm", "conformer", "emformer", "tdnn", "linear", "transformer")
LARGEST = {
    "feature_dim": 4096,
    "num_tokens": 65536,
    "num_letters": 65536,
    "width": 2048,
    "layers": 16,
    "conv_layers": 16,
    "subsampling": 16,
    "heads": 64,
}
SPELLINGS = ("ctc", "attention", "transducer")  # see `pipeline.neural.spelling`
ON_LAYERS = ("linear", "transformer")  # of what another network has made of the sound


@dataclass(frozen=True)
class EncoderConfig:
    """The shape of a network; everything needed to build it again.

    width: units of one direction of a recurrent layer, or channels of a conformer or TDNN block.
    layers: of the recurrent, conformer, emformer or transformer kind; conv_layers: residual convolutions before them.
    subsampling: input frames per output frame (10 ms each). heads: of attention, where there is some.
    spelling: how it spells words with so many letters (`pipeline.neural.spelling`); "" and 0: it does not. told_phones:
    whether phones teach the network; else their output is a linear map that is trained on what the network makes of the
    sound, and changes nothing in it. frames: of how many input frames a row has posteriors, one row of them each: 1,
    or as many as it subsamples.
    """

    encoder: str
    feature_dim: int
    num_tokens: int
    width: int
    layers: int
    conv_layers: int
    subsampling: int
    dropout: float
    spelling: str = ""
    num_letters: int = 0
    told_phones: bool = True
    heads: int = 4
    frames: int = 1


def check_config(config: EncoderConfig, num_tokens: int, num_letters: int) -> None:
    """Raise ValueError unless the numbers are those of a network that fits a computer (a file may be hostile)."""
    if config.encoder not in ENCODERS or config.num_tokens != num_tokens:
        raise ValueError(f'encoder "{config.encoder}" for {config.num_tokens} of {num_tokens} tokens')
    if config.num_letters != num_letters or type(config.told_phones) is not bool:
        raise ValueError(f"{config.num_letters} of {num_letters} letters, told_phones {config.told_phones!r}")
    if config.spelling not in (SPELLINGS if num_letters else ("",)):
        raise ValueError(f"spelling {config.spelling!r} with {num_letters} letters")
    check_sizes(config, LARGEST, none=("conv_layers", "num_letters"))
    if type(config.frames) is not int or config.frames not in (1, config.subsampling):
        raise ValueError(f"frames {config.frames!r} of {config.subsampling}")
    if config.frames > 1 and config.spelling:
        raise ValueError(f"frames {config.frames} of a network that spells")
    if config.encoder in ("conformer", "emformer", "transformer") and config.width % config.heads:
        raise ValueError(f"width {config.width} of a {config.encoder}, not a multiple of its {config.heads} heads")
    if config.encoder == "transformer" and config.width != config.feature_dim:
        raise ValueError(f"width {config.width} of transformer blocks on rows of {config.feature_dim} numbers")


def check_sizes(config: Any, largest: Mapping[str, int], none: Collection[str] = ()) -> None:
    """ValueError unless the fields that are named are whole numbers of a network that fits a computer (a file may be
    hostile), from 1, or for those in ``none`` 0, to the ``largest``; and ``dropout`` a share."""
    for name, most in largest.items():
        value, smallest = getattr(config, name), 0 if name in none else 1
        if type(value) is not int or not smallest <= value <= most:
            raise ValueError(f"{name} {value!r}, not in {smallest}..{most}")
    if type(config.dropout) not in (int, float) or not 0 <= config.dropout < 1:
        raise ValueError(f"dropout {config.dropout!r}, not in 0..1")
