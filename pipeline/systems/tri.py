"""Triphones whose states are tied by decision trees, with mixtures of Gaussians."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.base.meta import MODEL
from pipeline.base.training import Material
from pipeline.datadir.feats import front_end_of
from pipeline.hmm.gmm import load_gmm
from pipeline.search.system import System, checked
from pipeline.search.topology import hmm_topology
from pipeline.tied.training import Preparation, TiedSettings, finish
from pipeline.tied.training import train as train_tied

ABOUT = (
    "Phones between their neighbours (triphones). What sounds alike is tied: of each state a decision tree asks about"
    " the phones before and after it (Young, Odell and Woodland 1994). Each leaf is a mixture of Gaussians."
)


@dataclass(frozen=True)
class Settings(TiedSettings):
    """What training depends on beside its material."""


def load(directory: Path, meta: dict[str, Any]) -> System:
    """The model in ``directory``; UserError if it is damaged."""
    model, front_end = load_gmm(directory / MODEL), front_end_of(directory)
    scores = checked(directory, model.dimension, model.log_likelihood)
    topology = hmm_topology(model.transitions)
    return System(directory.name, directory, front_end, scores, topology, front_end.step, 0.28, 0.1, hmms=model)


def train(material: Material, settings: Settings) -> list[str]:
    """Grow the trees on the teacher's alignment, and train their densities. Returns lines to print, the last of which
    is the result."""
    prepared = Preparation(material, settings)
    store = prepared.store()
    return finish(prepared, "tri", prepared.front_end, train_tied(prepared, store, lambda model, labels, number: store))
