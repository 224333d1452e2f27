"""The CTC acoustic model: encoders, loss, posteriors, and its file (safetensors + meta.json, nothing unpickled).

CTC is Graves et al. (2006), "Connectionist temporal classification". Every encoder is subsampled in time, masks the
padding of a batch, and normalises frame by frame only, so that an utterance's posteriors depend on that utterance.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torchaudio.models import Emformer

from lexicon.errors import UserError
from lexicon.files import read_json
from pipeline.base.meta import MODEL
from pipeline.encoders.whisper_model import Block
from pipeline.neural.config import ON_LAYERS, EncoderConfig, check_config
from pipeline.neural.masks import mean_of_rows, time_mask
from pipeline.neural.spelling import SPELLERS, Spelling
from pipeline.neural.weights import folded, read_weights, write_weights


class ConvBlock(nn.Module):
    """Convolution over time, layer norm over channels, SiLU, dropout; output frame j is centred on input j * stride."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, dropout: float, dilation: int = 1):
        super().__init__()
        self.convolution = nn.Conv1d(inputs, outputs, kernel, stride, dilation * (kernel // 2), dilation)
        self.norm = nn.LayerNorm(outputs)
        self.dropout = nn.Dropout(dropout)
        self.stride = stride

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:  # (B, T, inputs), (B,)
        x = x * time_mask(lengths, x.shape[1])
        x = self.convolution(x.transpose(1, 2)).transpose(1, 2)  # (B, ceil(T / stride), outputs)
        return self.dropout(functional.silu(self.norm(x))), (lengths + self.stride - 1) // self.stride


class RecurrentStack(nn.Module):
    """Residual bidirectional GRU or LSTM layers (Schuster & Paliwal 1997).

    Without the residual path CTC training sits on "all blank" for ten epochs; with it, for one.

    The backward direction runs forward over each utterance turned round within its own length, so padding always
    comes last and changes nothing; on a CPU this is four times faster than packed sequences.
    """

    def __init__(self, kind: str, width: int, layers: int, dropout: float):
        super().__init__()
        cell = {"conv-bigru": nn.GRU, "conv-bilstm": nn.LSTM}[kind]
        self.onward, self.inverse = (
            nn.ModuleList(cell(2 * width, width, batch_first=True) for _ in range(layers)) for _ in range(2)
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, lengths: Tensor) -> list[Tensor]:  # (B, T, 2 width), of each layer
        turn, found = turned_round(lengths, x.shape[1]), []
        for onward, inverse in zip(self.onward, self.inverse, strict=True):
            late = gather_time(inverse(gather_time(x, turn))[0], turn)
            x = x + self.dropout(torch.cat([onward(x)[0], late], dim=-1))
            found.append(x)
        return found


def turned_round(lengths: Tensor, size: int) -> Tensor:
    """(B, size) int64 indices that turn every utterance round within its length and leave its padding in place."""
    time = torch.arange(size, device=lengths.device)[None, :]
    return torch.where(time < lengths[:, None], lengths[:, None] - 1 - time, time)


def gather_time(x: Tensor, index: Tensor) -> Tensor:
    """x (B, T, C) with the frames of each utterance taken in the order of index (B, T)."""
    return x[torch.arange(x.shape[0], device=x.device)[:, None], index]


class ConformerBlock(nn.Module):
    """One block of Gulati et al. (2020), "Conformer", with layer norm in place of batch norm."""

    def __init__(self, width: int, dropout: float, heads: int, kernel: int = 15):
        super().__init__()
        self.feed_in, self.feed_out = (
            nn.Sequential(
                nn.LayerNorm(width),
                nn.Linear(width, 4 * width),
                nn.SiLU(),
                nn.Dropout(dropout),
                nn.Linear(4 * width, width),
                nn.Dropout(dropout),
            )
            for _ in range(2)
        )
        self.attention_norm, self.gate_norm, self.depth_norm, self.norm = (nn.LayerNorm(width) for _ in range(4))
        self.attention = nn.MultiheadAttention(width, heads, dropout, batch_first=True)
        self.gate = nn.Linear(width, 2 * width)
        self.depthwise = nn.Conv1d(width, width, kernel, padding=kernel // 2, groups=width)
        self.pointwise = nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:  # (B, T, width), (B, T, 1)
        x = x + 0.5 * self.feed_in(x)
        y = self.attention_norm(x)
        x = x + self.dropout(self.attention(y, y, y, key_padding_mask=mask[:, :, 0] == 0, need_weights=False)[0])
        y = functional.glu(self.gate(self.gate_norm(x)), dim=-1) * mask
        y = self.depthwise(y.transpose(1, 2)).transpose(1, 2)
        x = x + self.dropout(self.pointwise(functional.silu(self.depth_norm(y))))
        return self.norm(x + 0.5 * self.feed_out(x))


class ConformerStack(nn.Module):
    """Sinusoidal positions and conformer blocks."""

    def __init__(self, width: int, layers: int, dropout: float, heads: int):
        super().__init__()
        self.blocks = nn.ModuleList(ConformerBlock(width, dropout, heads) for _ in range(layers))

    def forward(self, x: Tensor, lengths: Tensor) -> list[Tensor]:  # (B, T, width), of each block
        mask, found = time_mask(lengths, x.shape[1]), []
        x = x + sinusoids(x.shape[1], x.shape[2], x.device)
        for block in self.blocks:
            x = block(x, mask)
            found.append(x)
        return found


class EmformerStack(nn.Module):
    """Emformer (Shi et al. 2021), torchaudio's: attention to a segment of rows, some before, and few after it, so that
    it can be computed while the sound goes on."""

    SEGMENT, BEFORE, AFTER = 8, 32, 2  # rows

    def __init__(self, width: int, layers: int, dropout: float, heads: int):
        super().__init__()
        self.emformer = Emformer(
            width,
            heads,
            4 * width,
            layers,
            self.SEGMENT,
            dropout,
            left_context_length=self.BEFORE,
            right_context_length=self.AFTER,
        )

    def forward(self, x: Tensor, lengths: Tensor) -> list[Tensor]:  # (B, T, width), of the last layer
        x = functional.pad(x * time_mask(lengths, x.shape[1]), (0, 0, 0, self.AFTER))
        return [self.emformer(x, lengths)[0]]


class TransformerStack(nn.Module):
    """Whisper's blocks and the normalisation behind them (Radford et al. 2023), without positions: for rows that have
    been through the blocks below."""

    def __init__(self, width: int, layers: int, heads: int):
        super().__init__()
        self.blocks = nn.ModuleList(Block(width, heads, cross=False) for _ in range(layers))
        self.ln_post = nn.LayerNorm(width)

    def forward(self, x: Tensor, lengths: Tensor) -> list[Tensor]:  # (B, T, width), of each block
        there, found = time_mask(lengths, x.shape[1])[:, None, None, :, 0] > 0, []
        for block in self.blocks:
            x = block(x, there=there)[0]
            found.append(x)
        return [*found[:-1], self.ln_post(x)]


def sinusoids(length: int, width: int, device: torch.device) -> Tensor:
    """(length, width) position code of Vaswani et al. (2017)."""
    angle = torch.arange(length, device=device)[:, None] * torch.exp(
        torch.arange(0, width, 2, device=device) * (-math.log(10000.0) / width)
    )
    return torch.stack([angle.sin(), angle.cos()], dim=-1).reshape(length, width)


class Encoder(nn.Module):
    """Features to log posteriors over blank and phones, and, in further columns, what words are spelled from.

    Two convolutions (the second subsamples), residual dilated convolutions (a time-delay network: Waibel 1989,
    Peddinti et al. 2015), then recurrent, conformer or emformer layers (none in "tdnn"), then one linear layer.

    For what another network has made of the sound already: the linear layer alone ("linear", of the mean of rows where
    it subsamples), or after transformer blocks, which take rows as they are.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, config: EncoderConfig):
        super().__init__()
        self.config = config
        recurrent = config.encoder in ("conv-bigru", "conv-bilstm")
        width, channels, dropout = config.width, config.width * (2 if recurrent else 1), config.dropout
        if config.encoder in ON_LAYERS:
            channels = config.feature_dim
        self.register_buffer("mean", torch.zeros(config.feature_dim))
        self.register_buffer("deviation", torch.ones(config.feature_dim))
        self.front, self.residual = nn.ModuleList(), nn.ModuleList()
        if config.encoder not in ON_LAYERS:
            self.front.append(ConvBlock(config.feature_dim, width, 5, 1, dropout))
            self.front.append(ConvBlock(width, channels, 5, config.subsampling, dropout))
            self.residual.extend(
                ConvBlock(channels, channels, 5, 1, dropout, dilation=1 + i % 3) for i in range(config.conv_layers)
            )
        self.stack: RecurrentStack | ConformerStack | EmformerStack | TransformerStack | None = None
        if recurrent:
            self.stack = RecurrentStack(config.encoder, width, config.layers, dropout)
        elif config.encoder == "conformer":
            self.stack = ConformerStack(width, config.layers, dropout, config.heads)
        elif config.encoder == "emformer":
            self.stack = EmformerStack(width, config.layers, dropout, config.heads)
        elif config.encoder == "transformer":
            self.stack = TransformerStack(width, config.layers, config.heads)
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(channels, config.num_tokens * config.frames)
        self.spelling: Spelling | None = None
        if config.spelling:
            self.spelling = SPELLERS[config.spelling](channels, config.num_letters, dropout)

    def forward(self, feats: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """feats (B, T, D), lengths (B,) -> columns (B, T', V + L), T' = ceil(T / subsampling), and lengths (B,).

        Where a row has posteriors of several ``frames``, it and those after it, T' is so many times as much.

        V log posteriors of phones, and L columns for spelling: log posteriors of letters with CTC.
        """
        found, lengths = self.hidden(feats, lengths)
        top = self.dropout(list(found.values())[-1])
        phones = self.output(top if self.config.told_phones else top.detach())
        if self.config.frames > 1:
            phones, lengths = phones.reshape(len(phones), -1, self.config.num_tokens), lengths * self.config.frames
        phones = phones.log_softmax(dim=-1)
        if self.spelling is None:
            return phones, lengths
        return torch.cat([phones, self.spelling.columns(top)], dim=-1), lengths

    def parted(self, columns: Any) -> tuple[Any, Any]:
        """The columns of phones, and those for spelling, of all (..., V + L), a tensor or an array."""
        return columns[..., : self.config.num_tokens], columns[..., self.config.num_tokens :]

    @property
    def hidden_names(self) -> list[str]:
        """The hidden layers, from below: the convolutions that subsample, those after them, each layer above."""
        convolutions = [name for name, blocks in (("front", self.front), ("residual", self.residual)) if len(blocks)]
        if isinstance(self.stack, EmformerStack):
            return [*convolutions, "layer1"]  # the last alone
        above = self.config.layers if self.stack is not None else 0
        return [*convolutions, *(f"layer{number + 1}" for number in range(above))]

    def hidden(self, feats: Tensor, lengths: Tensor) -> tuple[dict[str, Tensor], Tensor]:
        """The input, normalised, and the hidden layers, each (B, T', channels), by name; and lengths (B,)."""
        if self.config.encoder == "transformer":
            return self._of_blocks(feats, lengths)
        x = (feats - self.mean) / self.deviation
        if self.config.encoder == "linear":
            x, lengths = mean_of_rows(x, lengths, self.config.subsampling)
        found = {"input": x}
        for block in self.front:
            x, lengths = block(x, lengths)
            found["front"] = x
        for block in self.residual:
            x = x + block(x, lengths)[0]
            found["residual"] = x
        if self.stack is not None:
            found |= {f"layer{number}": layer for number, layer in enumerate(self.stack(x, lengths), 1)}
        return found, lengths

    def _of_blocks(self, x: Tensor, lengths: Tensor) -> tuple[dict[str, Tensor], Tensor]:
        """`hidden` of transformer blocks: of their rows the means of so many as it subsamples."""
        assert isinstance(self.stack, TransformerStack)
        layers, number = [x, *self.stack(x, lengths)], self.config.subsampling
        pooled = [mean_of_rows(layer, lengths, number)[0] if number > 1 else layer for layer in layers]
        names = ["input", *(f"layer{number}" for number in range(1, len(layers)))]
        return dict(zip(names, pooled)), -(-lengths // number)

    def num_parameters(self) -> int:
        return sum(p.numel() for p in self.parameters())


@dataclass(frozen=True)
class CtcModel:
    """A trained network with its tokens; what decoders see of it.

    tokens: blank first, then phones; column v of the posteriors is tokens[v].
    log_prior: (V + L,) float32 natural log of the mean posterior over the training data; 0 in columns that are no
    posteriors. Posteriors divided by it (to a power) are scaled likelihoods, as in a hybrid.
    letters: blank first, then what words are spelled with, if the network spells.
    """

    encoder: Encoder
    tokens: list[str]
    log_prior: np.ndarray
    letters: list[str] = field(default_factory=list)

    @property
    def subsampling(self) -> int:
        """Input frames (10 ms) per output frame; output frame j is centred on input frame j * subsampling."""
        return self.encoder.config.subsampling

    def log_posteriors(self, feats: np.ndarray) -> np.ndarray:
        """feats (T, D) float32 -> (ceil(T / subsampling), V + L) float32, contiguous; alone in its batch. The first V
        columns are natural logs, as are the others with CTC.

        No frames give no frames. Raises UserError when D is not what the model was trained on or a value is not finite.
        """
        found = self._alone(feats, lambda batch, lengths: self.encoder(batch, lengths)[0])
        return np.zeros((0, len(self.log_prior)), np.float32) if found is None else found

    def hidden(self, feats: np.ndarray, name: str) -> np.ndarray:
        """A hidden layer: feats (T, D), as `log_posteriors` takes them, -> (ceil(T / subsampling), channels)."""
        found = self._alone(feats, lambda batch, lengths: self.encoder.hidden(batch, lengths)[0][name])
        return np.zeros((0, self.encoder.output.in_features), np.float32) if found is None else found

    def _alone(self, feats: np.ndarray, function: Callable[[Tensor, Tensor], Tensor]) -> np.ndarray | None:
        """What the network makes of one utterance, alone in its batch; None of no frames."""
        dimension = self.encoder.config.feature_dim
        if feats.ndim != 2 or feats.shape[1] != dimension:
            raise UserError(
                f"features of shape {feats.shape}, the model takes (T, {dimension});"
                " make the features again with the settings of the model"
            )
        if not np.isfinite(feats).all():
            raise UserError("features hold NaN or infinity; run make mfcc again")
        if len(feats) == 0:
            return None
        device = next(self.encoder.parameters()).device
        self.encoder.eval()
        with torch.inference_mode():
            batch = torch.from_numpy(np.array(feats, np.float32)).to(device)[None]  # a copy: feats may be read-only
            found = function(batch, torch.tensor([len(feats)], device=device))
        return np.ascontiguousarray(found[0].cpu().numpy())


def frames_needed(target: tuple[int, ...]) -> int:
    """Fewest network frames that can spell target: one per phone, and a blank between two equal neighbours."""
    return len(target) + sum(a == b for a, b in zip(target, target[1:]))


def save_model(directory: Path, model: CtcModel, meta: dict) -> None:
    """Write meta.json (network, tokens and what meta holds), then model.safetensors (weights and log_prior)."""
    tensors = {f"encoder.{name}": value for name, value in model.encoder.state_dict().items()}
    described = {
        "kind": "ctc",
        **meta,
        "network": asdict(model.encoder.config),
        "tokens": model.tokens,
        **({"letters": model.letters} if model.letters else {}),
        "parameters": model.encoder.num_parameters(),
    }
    write_weights(directory, {**tensors, "log_prior": torch.from_numpy(model.log_prior)}, described)


def load_model(directory: Path | str, device: str = "cpu") -> CtcModel:
    """Read what save_model wrote. Raises UserError, one line, when a file is missing, damaged or does not fit."""
    directory = Path(directory)
    path = directory / MODEL
    advice = f"remove {path} and run: make neural"
    try:
        meta = read_json(directory / "meta.json")
        config = EncoderConfig(**meta["network"])
        tokens, letters = ([str(token) for token in meta.get(name, ())] for name in ("tokens", "letters"))
        check_config(config, len(tokens), len(letters))
    except OSError as error:
        raise UserError(f"{error.filename}: {error.strerror}; {advice}") from error
    except (ValueError, KeyError, TypeError) as error:
        where = directory / "meta.json"
        raise UserError(f"{where}: not a CTC model's description ({folded(error)}); {advice}") from error
    with read_weights(directory, meta.get("checksum"), advice) as tensors:
        log_prior = tensors.pop("log_prior").numpy()
        encoder = Encoder(config)
        encoder.load_state_dict({name.removeprefix("encoder."): value for name, value in tensors.items()})
    if log_prior.shape != (len(tokens) + (encoder.spelling.width if encoder.spelling else 0),):
        raise UserError(f"{path}: a log_prior of another size; {advice}")
    return CtcModel(encoder.to(device).eval(), tokens, log_prior, letters)
