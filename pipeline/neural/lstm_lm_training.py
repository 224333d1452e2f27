"""Training of the LSTM language model: words that are read are dropped, AdamW, the least perplexity on dev is kept."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from lexicon.errors import UserError
from lexicon.ngram import BEGIN, END, NATURAL, UNKNOWN, NGram
from pipeline.neural.histories import of_text, perplexity
from pipeline.neural.lstm_lm import LmConfig, LmNetwork, LstmLm, check_config, perplexities
from pipeline.neural.settings import LmSettings

PADDING = -100  # of a target that is none


def train_lstm_lm(
    train: Sequence[Sequence[str]],
    dev: Sequence[Sequence[str]],
    words: Sequence[str],
    ngram: NGram,
    settings: LmSettings,
) -> tuple[LstmLm, dict[str, Any]]:
    """Train on sentences for a vocabulary, whose ``ngram`` gives the words their probabilities to begin with; and what
    meta.json says of it. Perplexities on ``dev`` are per known word and sentence end, as the n-gram's."""
    began = time.monotonic()
    torch.manual_seed(settings.seed)
    generator = np.random.default_rng(settings.seed)
    model = _new_model(words, ngram, settings)
    optimizer = torch.optim.AdamW(
        model.network.parameters(), settings.learning_rate, weight_decay=settings.weight_decay
    )
    histories, asked = of_text(dev, words)
    best, best_epoch, kept, history = math.inf, 0, model.network.state_dict(), []
    for epoch in tqdm(range(1, settings.epochs + 1), "lstm_lm", unit="epoch", disable=None):
        loss = _epoch(model, train, optimizer, generator, settings)
        now = perplexity(model.log_probs(histories, asked))
        history.append({"train_perplexity": round(math.exp(min(loss, 99)), 2), "dev_perplexity": round(now, 2)})
        if now < best:
            best, best_epoch = now, epoch
            kept = {name: value.clone() for name, value in model.network.state_dict().items()}
        if epoch - best_epoch >= settings.patience:
            break
    model.network.load_state_dict(kept)
    both = perplexities(ngram, model, dev)
    weight = min(both, key=both.__getitem__)
    return model, {
        "dev_perplexity": {"ngram": both[0.0], "neural": both[1.0], "both": both[weight], "weight": weight},
        "epochs": len(history),
        "best_epoch": best_epoch,
        "history": history,
        "settings": asdict(settings),
        "train_seconds": round(time.monotonic() - began, 1),
    }


def _new_model(words: Sequence[str], ngram: NGram, settings: LmSettings) -> LstmLm:
    """Weights drawn with the seed; the bias is the unigram of the n-gram, which knows of words that train lacks."""
    config = LmConfig(len(words) + 2, settings.width, settings.layers, settings.dropout)
    try:
        check_config(config, len(words))
        if not 0 <= settings.word_dropout < 1:
            raise ValueError(f"word_dropout {settings.word_dropout}, not in 0..1")
    except ValueError as error:
        raise UserError(f"setting {error}; see: python -m stages.neural_lm --help") from error
    model = LstmLm(LmNetwork(config), list(words))
    unigrams = [NATURAL * max(ngram.score((), word), -9.0) for word in (*words, END, UNKNOWN)]
    with torch.no_grad():
        model.network.bias.copy_(torch.tensor(unigrams))
    return model


def _epoch(
    model: LstmLm,
    train: Sequence[Sequence[str]],
    optimizer: torch.optim.Optimizer,
    generator: np.random.Generator,
    settings: LmSettings,
) -> float:
    """One pass over the sentences; the mean loss of a word or sentence end (nats)."""
    model.network.train()
    order, total, count = generator.permutation(len(train)), 0.0, 0
    for start in range(0, len(order), settings.batch_size):
        group = [model.symbols([BEGIN, *train[i], END]) for i in order[start : start + settings.batch_size]]
        read, target = _batch(group)
        dropped = torch.from_numpy(generator.random(read.shape) < settings.word_dropout)
        dropped[:, 0] = False
        predictions = model.network(read.masked_fill(dropped, len(model.words) + 1))
        loss = nn.functional.nll_loss(predictions.flatten(0, 1), target.flatten(), ignore_index=PADDING)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.network.parameters(), 1.0)
        optimizer.step()
        known = int((target != PADDING).sum())
        total, count = total + loss.item() * known, count + known
    if not math.isfinite(total):
        raise UserError(f"the loss of the language model is {total}; use a smaller --learning-rate")
    return total / count


def _batch(group: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
    """What is read (B, T) and what follows it, with PADDING after the end."""
    longest = max(map(len, group)) - 1
    read, target = torch.zeros(len(group), longest, dtype=torch.long), torch.full((len(group), longest), PADDING)
    for row, symbols in enumerate(group):
        read[row, : len(symbols) - 1] = torch.tensor(symbols[:-1])
        target[row, : len(symbols) - 1] = torch.tensor(symbols[1:])
    return read, target
