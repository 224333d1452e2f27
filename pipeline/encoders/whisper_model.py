"""The network of Whisper (Radford et al. 2023), with OpenAI's names of its parameters.

Its decoder is fed one token after the other, so that it needs no mask.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

KeysValues = tuple[Tensor, Tensor]  # (1, heads, T, width / heads) each


@dataclass(frozen=True)
class Sizes:
    """What the shapes of the parameters say, and the number of heads, which they do not."""

    width: int
    heads: int
    bins: int  # of the mel scale
    positions: int  # frames of a window
    blocks: int
    text_positions: int = 0
    text_blocks: int = 0  # 0: the decoder was left out
    tokens: int = 0

    @staticmethod
    def of(shapes: Mapping[str, Sequence[int]], heads: int | None) -> Sizes:
        """KeyError for a parameter that is missing, ValueError for sizes that cannot be."""
        width, bins, _ = shapes["encoder.conv1.weight"]
        heads = heads or width // 64  # as in all that OpenAI published
        if heads < 1 or width % heads:
            raise ValueError(f"{heads} heads of {width} dimensions")
        counts = [_count(shapes, f"{side}.blocks") for side in ("encoder", "decoder")]
        tokens, text_positions = 0, 0
        if counts[1]:
            tokens, text_positions = (
                shapes[f"decoder.{name}"][0] for name in ("token_embedding.weight", "positional_embedding")
            )
        positions = shapes["encoder.positional_embedding"][0]
        return Sizes(width, heads, bins, positions, counts[0], text_positions, counts[1], tokens)


def _count(shapes: Mapping[str, Sequence[int]], prefix: str) -> int:
    count = 0
    while f"{prefix}.{count}.attn_ln.weight" in shapes:
        count += 1
    return count


class Attention(nn.Module):
    """Of queries to what is remembered."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.query, self.value, self.out = (nn.Linear(width, width) for _ in range(3))
        self.key = nn.Linear(width, width, bias=False)

    def split(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)  # (B, heads, T, width / heads)

    def remember(self, x: Tensor) -> KeysValues:
        return self.split(self.key(x)), self.split(self.value(x))

    def forward(self, x: Tensor, memory: KeysValues, there: Tensor | None = None) -> Tensor:
        found = F.scaled_dot_product_attention(self.split(self.query(x)), *memory, attn_mask=there)
        return self.out(found.transpose(1, 2).flatten(2))


class Block(nn.Module):
    """Attention to itself, in the decoder to the encoder as well, and two layers forward; normalised first."""

    def __init__(self, width: int, heads: int, cross: bool):
        super().__init__()
        self.attn, self.attn_ln = Attention(width, heads), nn.LayerNorm(width)
        if cross:
            self.cross_attn, self.cross_attn_ln = Attention(width, heads), nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        self.mlp_ln = nn.LayerNorm(width)

    def forward(
        self, x: Tensor, past: KeysValues | None = None, sound: KeysValues | None = None, there: Tensor | None = None
    ):
        """x (B, T, width) after ``past``, which is what this block was given before; returns both, with x in them. In
        a padded batch, ``there`` (B, 1, 1, T) says which rows are none of the padding."""
        normed = self.attn_ln(x)
        keys, values = self.attn.remember(normed)
        if past:
            keys, values = torch.cat([past[0], keys], 2), torch.cat([past[1], values], 2)
        x = x + self.attn(normed, (keys, values), there)
        if sound:
            x = x + self.cross_attn(self.cross_attn_ln(x), sound)
        return x + self.mlp(self.mlp_ln(x)), (keys, values)


def sinusoids(positions: int, width: int) -> Tensor:
    """The code of positions (positions, width): sines, then cosines, of periods from 2 pi to 20,000 pi."""
    rates = np.exp(-np.log(10_000) / (width // 2 - 1) * np.arange(width // 2))
    angles = np.arange(positions)[:, None] * rates
    return torch.from_numpy(np.concatenate([np.sin(angles), np.cos(angles)], 1).astype(np.float32))


class AudioEncoder(nn.Module):
    """Two convolutions, the second of which halves the frames, and a transformer."""

    positional_embedding: Tensor

    def __init__(self, sizes: Sizes):
        super().__init__()
        self.conv1 = nn.Conv1d(sizes.bins, sizes.width, 3, padding=1)
        self.conv2 = nn.Conv1d(sizes.width, sizes.width, 3, stride=2, padding=1)
        self.register_buffer("positional_embedding", sinusoids(sizes.positions, sizes.width))
        self.blocks = nn.ModuleList(Block(sizes.width, sizes.heads, False) for _ in range(sizes.blocks))
        self.ln_post = nn.LayerNorm(sizes.width)

    def forward(self, mel: Tensor, depth: int) -> list[Tensor]:
        """mel (bins, 2 T) -> the first ``depth`` of: input of the first block, output of each, the last normalised."""
        x = F.gelu(self.conv2(F.gelu(self.conv1(mel[None])))).mT  # (1, T, width)
        layers = [x + self.positional_embedding[: x.shape[1]]]
        for block in self.blocks[: depth - 1]:
            layers.append(block(layers[-1])[0])
        if depth > len(layers):
            layers.append(self.ln_post(layers[-1]))
        return layers


class TextDecoder(nn.Module):
    """Which token comes next, by what was said and what was heard."""

    def __init__(self, sizes: Sizes):
        super().__init__()
        tokens = torch.empty(sizes.tokens, sizes.width)
        self.positional_embedding = nn.Parameter(torch.empty(sizes.text_positions, sizes.width))
        if not tokens.is_meta:  # there it would change nothing, and load torch._dynamo, a second's work
            nn.init.normal_(tokens)
            nn.init.normal_(self.positional_embedding, std=0.01)
        self.token_embedding = nn.Embedding(sizes.tokens, sizes.width, _weight=tokens)
        self.blocks = nn.ModuleList(Block(sizes.width, sizes.heads, True) for _ in range(sizes.text_blocks))
        self.ln = nn.LayerNorm(sizes.width)

    def remember(self, sound: Tensor) -> list[KeysValues]:
        """What each block needs of the encoder's output (1, T, width)."""
        return [cast(Block, block).cross_attn.remember(sound) for block in self.blocks]

    def forward(self, token: int, position: int, past: list[KeysValues | None], sound: list[KeysValues]) -> Tensor:
        """Logits (tokens,) of what follows ``token``; ``past`` is brought up to date."""
        x = self.token_embedding.weight[token] + self.positional_embedding[position]
        x = x[None, None]  # (1, 1, width)
        for number, block in enumerate(self.blocks):
            x, past[number] = block(x, past[number], sound[number])
        return self.ln(x)[0, 0] @ self.token_embedding.weight.T


class WhisperModel(nn.Module):
    """Encoder, and decoder where there is one."""

    def __init__(self, sizes: Sizes):
        super().__init__()
        self.sizes = sizes
        self.encoder = AudioEncoder(sizes)
        self.decoder = TextDecoder(sizes) if sizes.text_blocks else None
