"""Topologies of phones, and the transitions of a set of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from pipeline.hmm.decisions import Decisions, monophones

LOG_ZERO = -1e30  # finite, so that the difference of two impossible scores is no NaN


@dataclass(frozen=True)
class PhoneTopology:
    """The states of one phone. ``start`` (n,), ``trans`` (n, n) and ``exit`` (n,) hold probabilities; the rows of
    [trans | exit] sum to one."""

    start: np.ndarray
    trans: np.ndarray
    exit: np.ndarray


def phone_topology() -> PhoneTopology:
    """Three states from left to right, without skips (HTK Book, ch. 1; Kaldi's default for phones)."""
    return PhoneTopology(
        np.array([1.0, 0, 0]), np.array([[0.75, 0.25, 0], [0, 0.75, 0.25], [0, 0, 0.75]]), np.array([0, 0, 0.25])
    )


def silence_topology() -> PhoneTopology:
    """Five states: an entry, three that all reach one another, an exit (Kaldi's default for silence).

    A pause can be long and of several kinds in any order, so its middle is ergodic."""
    trans = np.zeros((5, 5))
    trans[0, :4] = trans[1:4, 1:] = 0.25
    trans[4, 4] = 0.75
    return PhoneTopology(np.eye(5)[0], trans, np.array([0, 0, 0, 0, 0.25]))


class Transitions:
    """The transition probabilities of all phones in one flat vector, so that counts are one `bincount`, and the
    densities that their states read, by ``decisions`` (each state its own unless given). Kaldi's TransitionModel, but
    that a phone's probabilities are the same in every context (HTK's tied transition matrices).

    Phone p with n states owns n * (n + 1) numbers: row i holds i -> 0..n-1 and, last, i -> exit.
    """

    def __init__(
        self, phones: Sequence[str], topologies: Mapping[str, PhoneTopology], decisions: Decisions | None = None
    ):
        self.phones = list(phones)
        self.topologies = dict(topologies)
        sizes = [len(self.topologies[phone].start) for phone in self.phones]
        self.decisions = decisions or monophones(dict(zip(self.phones, sizes)))
        if [(phone, len(own)) for phone, own in self.decisions.roots.items()] != list(zip(self.phones, sizes)):
            raise ValueError("decisions for other phones, or other numbers of states")
        offsets = np.cumsum([0] + [n * (n + 1) for n in sizes])
        self.first_id = dict(zip(self.phones, offsets[:-1].tolist()))
        self.log_probs = np.full(offsets[-1], LOG_ZERO)
        for phone in self.phones:
            self._store(phone)

    def _store(self, phone: str) -> None:
        top = self.topologies[phone]
        rows = np.column_stack([top.trans, top.exit]).ravel()
        first = self.first_id[phone]
        with np.errstate(divide="ignore"):
            self.log_probs[first : first + len(rows)] = np.maximum(np.log(rows), LOG_ZERO)

    def num_states(self, phone: str) -> int:
        """How many states ``phone`` has."""
        return len(self.topologies[phone].start)

    def transition_id(self, phone: str, source: int, target: int) -> int:
        """Where log P(source -> target) stands; target = number of states means the exit."""
        return self.first_id[phone] + source * (self.num_states(phone) + 1) + target

    def set(self, phone: str, topology: PhoneTopology) -> None:
        """Give ``phone`` new probabilities."""
        self.topologies[phone] = topology
        self._store(phone)

    def reestimate(self, counts: np.ndarray, floor: float = 1e-4) -> None:
        """Set the probabilities to the relative counts (a maximum-likelihood M step).

        ``counts`` is laid out as ``log_probs``. Arcs that exist keep at least ``floor``; rows never visited stay.
        """
        for phone in self.phones:
            old, n = self.topologies[phone], self.num_states(phone)
            first = self.first_id[phone]
            rows = counts[first : first + n * (n + 1)].reshape(n, n + 1)
            probs = np.column_stack([old.trans, old.exit])
            for i in np.flatnonzero(rows.sum(1) > 0):
                row = np.where(probs[i] > 0, np.maximum(rows[i] / rows[i].sum(), floor), 0)
                probs[i] = row / row.sum()
            self.set(phone, PhoneTopology(old.start, probs[:, :n], probs[:, n]))


class Hmms(Protocol):
    """Hidden Markov models of phones, whatever scores their densities: mixtures, or a classifier."""

    @property
    def transitions(self) -> Transitions: ...

    def log_likelihood(self, feats: np.ndarray, pdfs: np.ndarray) -> np.ndarray:
        """Log score of each frame for the densities ``pdfs`` (n,): (T, D) -> (T, n)."""
