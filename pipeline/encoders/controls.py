"""Encoders that have learnt nothing, to hold those that have against: the same network with other weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import nn

SEED = 1


def control_state(
    control: str, make: Callable[[], nn.Module], state: Mapping[str, torch.Tensor]
) -> dict[str, torch.Tensor]:
    """Parameters for a control. "random": as the network is before training. "shuffled": each array with its own
    numbers in another order, so that every layer keeps its scale. What is no weight (Whisper's position code) stays.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        fresh = make()
    if control == "random":
        return fresh.state_dict()
    random = np.random.default_rng(SEED)
    kept = dict(state)
    for name, parameter in fresh.named_parameters():
        if name in state and state[name].shape == parameter.shape:
            numbers = state[name].to(torch.float32).numpy().ravel()
            kept[name] = torch.from_numpy(random.permutation(numbers)).reshape(parameter.shape)
    return kept
