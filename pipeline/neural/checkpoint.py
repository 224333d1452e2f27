"""Where a training run stands, and its file: a run that is broken off goes on from there to the same numbers."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from lexicon.files import atomic_write
from pipeline.neural.history import Epoch, as_json, from_json
from pipeline.neural.model import Encoder


@dataclass
class State:
    """Where a run stands after its last whole epoch; all that a checkpoint holds."""

    model: Encoder
    average: Encoder
    optimizer: torch.optim.Optimizer
    best: dict[str, Tensor]
    epoch: int = 0
    step: int = 0
    best_epoch: int = 0
    best_per: float = math.inf
    seconds: float = 0.0
    history: list[Epoch] = field(default_factory=list)


def copy_weights(model: Encoder) -> dict[str, Tensor]:
    return {name: value.detach().cpu().clone() for name, value in model.state_dict().items()}


COUNTERS = ("epoch", "step", "best_epoch", "best_per", "seconds")


def save_checkpoint(path: Path, state: State, fingerprint: str) -> None:
    """Weights, average, best and Adam's moments as one safetensors file with the counters in its header."""
    tensors = {f"model.{name}": value for name, value in copy_weights(state.model).items()}
    tensors |= {f"average.{name}": value for name, value in copy_weights(state.average).items()}
    tensors |= {f"best.{name}": value for name, value in state.best.items()}
    for i, moments in state.optimizer.state_dict()["state"].items():
        tensors |= {f"adam.{i}.{name}": value.detach().cpu().clone() for name, value in moments.items()}
    header = {"fingerprint": fingerprint, **{name: json.dumps(getattr(state, name)) for name in COUNTERS}}
    header["history"] = json.dumps(as_json(state.history))
    with atomic_write(path, "wb") as stream:
        stream.write(save(tensors, header))


def load_checkpoint(path: Path, state: State, fingerprint: str) -> bool:
    """Fill state from path; False, and state untouched, when there is none, it is damaged, or it is of another run."""
    try:
        with safe_open(path, "pt") as stream:
            header = stream.metadata() or {}
            if header.get("fingerprint") != fingerprint:
                return False
            tensors = {name: stream.get_tensor(name) for name in stream.keys()}
    except (OSError, SafetensorError):
        return False
    parts: dict[str, dict[str, Tensor]] = {"model": {}, "average": {}, "best": {}, "adam": {}}
    for name, value in tensors.items():
        kind, _, rest = name.partition(".")
        parts[kind][rest] = value
    moments: dict[int, dict[str, Tensor]] = {}
    for name, value in parts["adam"].items():
        i, _, moment = name.partition(".")
        moments.setdefault(int(i), {})[moment] = value
    state.model.load_state_dict(parts["model"])
    state.average.load_state_dict(parts["average"])
    state.best = parts["best"]
    state.optimizer.load_state_dict({**state.optimizer.state_dict(), "state": moments})
    for name in COUNTERS:
        setattr(state, name, json.loads(header[name]))
    state.history = from_json(json.loads(header["history"]))
    return True
