"""How high a learning rate a network bears: the range test of Smith (2015), "Cyclical learning rates".

From weights that have learned nothing, each update is made with a higher rate than the one before. The loss falls, and
where the rate is too high it rises again: the rate of the least loss is the highest that can be meant. Where it falls
fastest says nothing here, for with CTC that is where the network learns to say nothing but blanks.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from tqdm import tqdm

from lexicon.errors import UserError
from lexicon.text import columns

if TYPE_CHECKING:
    from pipeline.neural.checkpoint import State
    from pipeline.neural.train import Compute, Gradients

LOWEST, HIGHEST = 1e-5, 0.3  # of a test, unless it is told others
MEMORY = 0.9  # of the moving average of the loss
SURELY_WORSE = 1.5  # times the least loss: there the test ends


class Tried(NamedTuple):
    """An update: its rate, the loss per phone (nats) of its batch before it, and the moving average of that."""

    rate: float
    loss: float
    smooth: float


def range_test(
    state: State, gradients: Gradients, compute: Compute, lowest: float, highest: float, updates: int
) -> list[Tried]:
    """What came of so many updates, their rates a geometric series from ``lowest`` to ``highest``; fewer if the loss
    rises far over its least. ``state`` is spoiled by it. Raises UserError where the rates make no series."""
    from pipeline.neural.train import update  # with PyTorch, which is slow to import

    if not 0 < lowest < highest < 1 or updates < 2:
        raise UserError(f"rates from {lowest:g} to {highest:g} in {updates} updates; use 0 < --lowest < --highest < 1")
    tried: list[Tried] = []
    mean, least = 0.0, math.inf
    for number, group in zip(tqdm(range(updates), "rates", disable=None), _without_end(gradients)):
        rate = lowest * (highest / lowest) ** (number / (updates - 1))
        loss, phones = update(state, gradients, compute, number, group, rate)
        if not math.isfinite(loss):
            break
        mean = MEMORY * mean + (1 - MEMORY) * loss / phones
        smooth = mean / (1 - MEMORY ** (number + 1))  # as if it had always been there (Kingma & Ba 2015, section 3)
        tried.append(Tried(rate, loss / phones, smooth))
        least = min(least, smooth)
        if smooth > SURELY_WORSE * least:
            break
    if len(tried) < 2:
        raise UserError(f"rate {lowest:g}: the loss is not finite; use a smaller --lowest")
    return tried


def _without_end(gradients: Gradients) -> Iterator[list[str]]:
    """Batches as an epoch has them, epoch after epoch."""
    from pipeline.neural.data import batches

    settings, epoch = gradients.settings, 0
    while True:
        yield from batches(gradients.part, settings.batch_size, np.random.default_rng([settings.seed, epoch]))
        epoch += 1


def least_of(tried: Sequence[Tried]) -> Tried:
    """Where the loss, smoothed, is least."""
    return min(tried, key=lambda one: one.smooth)


def tsv_lines(tried: Sequence[Tried]) -> list[str]:
    """The lines of the table."""
    head = "rate\tloss\tsmoothed loss"
    return [head, *(f"{one.rate:.6g}\t{one.loss:.4f}\t{one.smooth:.4f}" for one in tried)]


def readable_lines(tried: Sequence[Tried], used: float) -> list[str]:
    """Where the loss is least, where it has risen again, and the setting in use."""
    least, last = least_of(tried), tried[-1]
    rows = [
        ["", "rate", "loss per phone"],
        ["the loss is least at", f"{least.rate:.2g}", f"{least.smooth:.2f}"],
        ["the last is", f"{last.rate:.2g}", f"{last.smooth:.2f}"],
        ["in use, at its peak", f"{used:.2g}", ""],
    ]
    return [line.rstrip() for line in columns(rows)]
