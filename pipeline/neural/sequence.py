"""Training on whole utterances after that frame by frame: the states that were said are made likelier than all others.

The criterion is maximum mutual information (Bahl et al. 1986): the log of the share that the aligned states have of all
paths through a graph. As in lattice-free MMI (Povey et al. 2016) that is a loop of phones with a bigram, over which
forward-backward runs afresh for each utterance; so there are no lattices, nor a search. Some of the cross-entropy stays
in the loss, against overtraining (F-smoothing: Su et al. 2013).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from pipeline.base.parallel import each
from pipeline.neural.arc_graph import ArcGraph
from pipeline.neural.data import Part, batches
from pipeline.neural.hybrid import FrameGradients
from pipeline.neural.model import Encoder
from pipeline.neural.settings import TrainSettings
from pipeline.neural.train import Task, outputs

SMOOTHING = 0.1  # share of the cross-entropy in the loss
CHECKPOINT = "sequence.safetensors"


@dataclass(frozen=True)
class Rivals:
    """What utterances might have been: paths through a ``graph``, the columns of which read log posteriors of states
    less ``log_prior`` (states,), times ``scale``."""

    graph: ArcGraph
    log_prior: np.ndarray
    scale: float

    @property
    def fingerprint(self) -> str:
        """sha256 (hex) of all of it."""
        arrays = (value for value in vars(self.graph).values() if isinstance(value, np.ndarray))
        told = b"".join(value.tobytes() for value in (*arrays, self.log_prior, np.array(self.scale)))
        return hashlib.sha256(told).hexdigest()

    def scores(self, log_posteriors: np.ndarray) -> np.ndarray:
        """(T, states) to those of the graph."""
        return self.scale * (log_posteriors - self.log_prior)

    def weight(self, states: np.ndarray) -> float:
        """Log weight of the paths through the graph that read these states (T,)."""
        scores = np.full((len(states), len(self.log_prior)), -np.inf)
        scores[np.arange(len(states)), states] = 0.0
        return self.graph.posteriors(scores)[1]


class _Share(torch.autograd.Function):
    """Log of the share that the aligned states (T,), of the ``weight`` that they have in the graph, have of it all."""

    @staticmethod
    def forward(ctx, log_posteriors: Tensor, states: np.ndarray, weight: float, rivals: Rivals) -> Tensor:
        scores = rivals.scores(log_posteriors.detach().cpu().numpy().astype(np.float64))
        occupancy, total = rivals.graph.posteriors(scores)
        frames = np.arange(len(states))
        said, difference = weight + scores[frames, states].sum(), -occupancy
        difference[frames, states] += 1
        ctx.gradient = log_posteriors.new_tensor(rivals.scale * difference)
        return log_posteriors.new_tensor(said - total)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None, None, None]:
        return gradient * ctx.gradient, None, None, None


class SequenceGradients(FrameGradients):
    """The gradient of the criterion; the targets of an utterance are the states of its frames."""

    def __init__(
        self, model: Encoder, part: Part, settings: TrainSettings, device: torch.device, rivals: Rivals
    ) -> None:
        super().__init__(model, part, settings, device)
        self.rivals, self.weights = rivals, dict[str, float]()

    def _loss(self, columns: Tensor, lengths: Tensor, utterances: list[str]) -> Tensor:
        total = SMOOTHING * super()._loss(columns, lengths, utterances)
        for own, utterance in zip(columns, utterances):
            states = np.array(self.part.targets[utterance])
            if utterance not in self.weights:
                self.weights[utterance] = self.rivals.weight(states)
            share = _Share.apply(own[: len(states)], states, self.weights[utterance], self.rivals)
            total = total - (1 - SMOOTHING) * share
        return total


def sequence_error_rate(
    encoder: Encoder, part: Part, size: int, device: torch.device, jobs: int = 1, *, rivals: Rivals
) -> float:
    """Frames of which another state is likelier, in percent, by all paths through the graph of the rivals."""

    def wrong(group: list[str]) -> int:
        errors = 0
        for utterance, own in zip(group, outputs(encoder, part, group, device)):
            states = np.array(part.targets[utterance])
            occupancy, _ = rivals.graph.posteriors(rivals.scores(own[: len(states)]))
            errors += int((occupancy.argmax(1) != states).sum())
        return errors

    return 100.0 * sum(each(wrong, batches(part, size, None), jobs)) / sum(part.num_frames[u] for u in part.targets)


def sequence_task(rivals: Rivals) -> Task:
    """To tell what was said from ``rivals``."""
    return Task(
        partial(SequenceGradients, rivals=rivals),
        partial(sequence_error_rate, rivals=rivals),
        "FER",
        by_frame=True,
        checkpoint=CHECKPOINT,
    )
