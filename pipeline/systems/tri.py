"""Triphones whose states are tied by decision trees, with mixtures of Gaussians."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.base.training import Material
from pipeline.systems import gmm
from pipeline.tied.training import Preparation, TiedSettings, finish
from pipeline.tied.training import train as train_tied

ABOUT = (
    "Phones between their neighbours (triphones). What sounds alike is tied: of each state a decision tree asks about"
    " the phones before and after it (Young, Odell and Woodland 1994). Each leaf is a mixture of Gaussians."
)


@dataclass(frozen=True)
class Settings(TiedSettings):
    """What training depends on beside its material."""


load = gmm.load


def train(material: Material, settings: Settings) -> list[str]:
    """Grow the trees on the teacher's alignment, and train their densities. Returns lines to print, the last of which
    is the result."""
    prepared = Preparation(material, settings)
    store = prepared.store()
    return finish(prepared, "tri", prepared.front_end, train_tied(prepared, store, lambda model, labels, number: store))
