"""A network that tells the tied states of HMMs apart, frame by frame: the hybrid of Bourlard & Morgan (1994), and Dahl
et al. (2012) on the states of context-dependent phones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from pipeline.base.parallel import each
from pipeline.neural.data import Part, augment, batches
from pipeline.neural.model import Encoder
from pipeline.neural.train import Gradients, Task, outputs


class FrameGradients(Gradients):
    """The gradient of the cross-entropy: the targets of an utterance are the states of its frames."""

    def drawn(self, utterance: str, generator: np.random.Generator) -> np.ndarray:
        at_its_speed = replace(self.settings, speed_change=0.0)  # so that frames keep their states
        return augment(self.part.feats[utterance], self.part, at_its_speed, generator, 1)

    def _loss(self, columns: Tensor, lengths: Tensor, utterances: list[str]) -> Tensor:
        total = columns.new_zeros(())
        for own, utterance in zip(columns, utterances):
            states = torch.tensor(self.part.targets[utterance], device=columns.device)
            total = total - own[: len(states)].gather(1, states[:, None]).sum()
        return total


def frame_error_rate(encoder: Encoder, part: Part, size: int, device: torch.device, jobs: int = 1) -> float:
    """Frames of which another state is likelier, in percent."""

    def wrong(group: list[str]) -> int:
        found = zip(group, outputs(encoder, part, group, device))
        pairs = ((own[: part.num_frames[utt]], np.array(part.targets[utt])) for utt, own in found)
        return sum(int((own.argmax(1) != states).sum()) for own, states in pairs)

    return 100.0 * sum(each(wrong, batches(part, size, None), jobs)) / sum(part.num_frames[u] for u in part.targets)


HYBRID = Task(FrameGradients, frame_error_rate, "FER", by_frame=True)


def as_targets(labels: Mapping[str, np.ndarray], utterances: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """The states of each frame as a `Part` has them."""
    return {utt: tuple(labels[utt].tolist()) for utt in utterances}
