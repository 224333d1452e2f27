"""An LSTM language model with random weights, and what it predicts, by the equations, word for word."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from pipeline.neural.lstm_lm import LmConfig, LmNetwork, LstmLm


def random_lm(words: Sequence[str], layers: int = 1, seed: int = 0) -> LstmLm:
    """One that is sure of itself, so that histories matter."""
    torch.manual_seed(seed)
    network = LmNetwork(LmConfig(len(words) + 2, 6, layers, 0.5))
    with torch.no_grad():
        for value in network.parameters():
            value.copy_(torch.randn(value.shape))
    return LstmLm(network.eval(), list(words))


def distribution(lm: LstmLm, history: Sequence[str]) -> np.ndarray:
    """(V,) probability of each word, </s> and <unk> after these words of a sentence (Hochreiter & Schmidhuber 1997,
    with forget gates)."""
    weights = {name: value.detach().double().numpy() for name, value in lm.network.named_parameters()}
    symbols, width = [*lm.words, "</s>", "<unk>"], lm.network.config.width
    layers = range(lm.network.config.layers)
    hidden, cell = ([np.zeros(width) for _ in layers] for _ in range(2))
    for word in ["</s>", *history]:
        x = weights["embedding.weight"][symbols.index(word if word in symbols else "<unk>")]
        for n in layers:
            gates = weights[f"lstm.weight_ih_l{n}"] @ x + weights[f"lstm.weight_hh_l{n}"] @ hidden[n]
            into, keep, new, out = np.split(gates + weights[f"lstm.bias_ih_l{n}"] + weights[f"lstm.bias_hh_l{n}"], 4)
            cell[n] = sigmoid(keep) * cell[n] + sigmoid(into) * np.tanh(new)
            x = hidden[n] = sigmoid(out) * np.tanh(cell[n])
    scores = np.exp(weights["embedding.weight"] @ x + weights["bias"])
    return scores / scores.sum()


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def probability(lm: LstmLm, history: Sequence[str], word: str) -> float:
    symbols = [*lm.words, "</s>", "<unk>"]
    return float(distribution(lm, history)[symbols.index(word if word in symbols else "<unk>")])
