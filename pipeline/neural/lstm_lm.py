"""A language model of words: an LSTM (Mikolov et al. 2010, Sundermeyer et al. 2012), and its files.

One matrix is both what words are read as and what they are predicted with (Press & Wolf 2017). The sentence end is read
as its beginning. A word that was never seen, read or predicted, is <unk>, as in the n-gram.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lexicon.errors import UserError
from lexicon.ngram import BEGIN, END, UNKNOWN, NGram
from pipeline.base.meta import MODEL, read_meta
from pipeline.neural.config import check_sizes
from pipeline.neural.histories import WEIGHTS, Asked, Histories, mixed, ngram_log_probs, of_text, perplexity
from pipeline.neural.weights import folded, read_weights, write_weights

KIND = "lstm_lm"
LARGEST = {"num_symbols": 1_000_000, "width": 2048, "layers": 8}
AT_ONCE = 1024  # histories whose predictions are computed together: 1024 x words in float32


@dataclass(frozen=True)
class LmConfig:
    """The shape of the network: symbols (words, </s> and <unk>), units of a word and of a layer, layers."""

    num_symbols: int
    width: int
    layers: int
    dropout: float


class LmNetwork(nn.Module):
    """Symbols to log probabilities of the next."""

    def __init__(self, config: LmConfig):
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(config.num_symbols, config.width)
        nn.init.uniform_(self.embedding.weight, -0.1, 0.1)
        between = config.dropout if config.layers > 1 else 0.0
        self.lstm = nn.LSTM(config.width, config.width, config.layers, batch_first=True, dropout=between)
        self.dropout = nn.Dropout(config.dropout)
        self.bias = nn.Parameter(torch.zeros(config.num_symbols))

    def forward(self, symbols: Tensor) -> Tensor:
        """symbols (B, T) -> natural log probabilities (B, T, V) of what follows each."""
        return self.predictions(self.dropout(self.lstm(self.dropout(self.embedding(symbols)))[0]))

    def predictions(self, hidden: Tensor) -> Tensor:
        """hidden (..., width) -> (..., V) natural log probabilities."""
        return nn.functional.linear(hidden, self.embedding.weight, self.bias).log_softmax(dim=-1)

    def num_parameters(self) -> int:
        return sum(p.numel() for p in self.parameters())


@dataclass(frozen=True)
class LstmLm:
    """A trained network with its words; symbol v is words[v], and then come </s> and <unk>."""

    network: LmNetwork
    words: list[str]

    def symbols(self, words: Iterable[str]) -> list[int]:
        """The numbers of words, </s> (as which <s> is read) and what is unknown."""
        number = {word: i for i, word in enumerate([*self.words, END, UNKNOWN])} | {BEGIN: len(self.words)}
        return [number.get(word, len(self.words) + 1) for word in words]

    def log_probs(self, histories: Histories, asked: Asked) -> np.ndarray:
        """(F,) natural log probability of each word asked for. Histories of equal length go together."""
        read, depth = torch.tensor(self.symbols(histories.word)), np.array(histories.depth)
        before = np.array(histories.before)
        after = np.array([history for history, _ in asked], int)
        wanted = torch.tensor(self.symbols(word for _, word in asked))
        found = np.zeros(len(asked))
        place = np.zeros(len(histories), int)  # of a history among those of its length
        state: tuple[Tensor, Tensor] | None = None
        self.network.eval()
        with torch.inference_mode():
            for length in range(depth.max() + 1):
                own = np.flatnonzero(depth == length)
                if state is not None:
                    parents = torch.from_numpy(place[before[own]])
                    state = state[0][:, parents].contiguous(), state[1][:, parents].contiguous()
                hidden, state = self.network.lstm(self.network.embedding(read[own])[:, None], state)
                place[own] = np.arange(len(own))
                of_length = np.flatnonzero(depth[after] == length)
                for some in np.split(of_length, range(AT_ONCE, len(of_length), AT_ONCE)):
                    predictions = self.network.predictions(hidden[place[after[some]], 0])
                    found[some] = predictions.gather(1, wanted[some][:, None])[:, 0].double().numpy()
        return found


def perplexities(ngram: NGram, lm: LstmLm, sentences: Iterable[Sequence[str]]) -> dict[float, float]:
    """Of a text, per known word and sentence end, by the network's weight: 0 is the n-gram alone, 1 the network."""
    histories, asked = of_text(sentences, lm.words)
    of_ngram, of_network = ngram_log_probs(ngram, histories, asked), lm.log_probs(histories, asked)
    return {weight: perplexity(mixed(of_ngram, of_network, weight)) for weight in WEIGHTS}


def save_lstm_lm(directory: Path, model: LstmLm, meta: dict[str, Any]) -> None:
    """Write meta.json (network, words and what meta holds), then model.safetensors."""
    network = model.network
    described = {"kind": KIND, **meta, "network": asdict(network.config), "words": model.words}
    write_weights(directory, network.state_dict(), described | {"parameters": network.num_parameters()})


def load_lstm_lm(directory: Path, words: Sequence[str]) -> LstmLm:
    """Read what save_lstm_lm wrote. UserError when a file is missing or damaged, or it has other ``words``."""
    where, advice = directory / "meta.json", f"remove {directory / MODEL} and run: make rescore"
    if not where.is_file():
        raise UserError(f"{where}: no such language model; run: make rescore")
    meta = read_meta(directory)
    try:
        config, own = LmConfig(**meta["network"]), [str(word) for word in meta["words"]]
        if meta["kind"] != KIND:
            raise ValueError(f"kind {meta['kind']!r}")
        check_config(config, len(own))
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{where}: not a language model's description ({folded(error)}); {advice}") from error
    if own != list(words):
        odd = sorted(set(own) ^ set(words)) or ["their order"]
        raise UserError(f"{where}: trained with other words than the lexicon has (first: {odd[0]}); {advice}")
    with read_weights(directory, meta.get("checksum"), advice) as tensors:
        network = LmNetwork(config)
        network.load_state_dict(tensors)
    return LstmLm(network.eval(), own)


def check_config(config: LmConfig, num_words: int) -> None:
    """ValueError unless the numbers are those of a network for so many words that fits a computer."""
    if config.num_symbols != num_words + 2:
        raise ValueError(f"{config.num_symbols} symbols for {num_words} words")
    check_sizes(config, LARGEST)
