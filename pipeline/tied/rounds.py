"""Training of HMMs whose states are tied, on an alignment that is renewed now and then (Kaldi's train_deltas.sh)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lexicon.errors import UserError
from pipeline.hmm.gmm import GmmHmm
from pipeline.hmm.graphs import Graph
from pipeline.hmm.topology import Transitions
from pipeline.hmm.viterbi import Alignment, align
from pipeline.tied.mixture import FrameStore, OnPass, fit_all
from pipeline.tied.tree import Tree
from pipeline.times.segments import Segment


@dataclass(frozen=True)
class Rounds:
    """``rounds`` alignments, on each of which the densities are fitted for ``passes``; Gaussians grow to ``gaussians``
    until the last round begins, each carried by ``min_frames`` frames on average."""

    rounds: int
    passes: int
    gaussians: int
    min_frames: float

    def totals(self, begin: int, number: int) -> list[int]:
        """How many Gaussians there are to be in each pass of round ``number``, from 0, when there were ``begin`` at
        first."""
        growing = max(1, (self.rounds - 1) * self.passes)
        steps = np.minimum(1, (number * self.passes + np.arange(1, self.passes + 1)) / growing)
        return [round(begin + step * max(0, self.gaussians - begin)) for step in steps]


def initial(tree: Tree, transitions: Transitions, floor: np.ndarray) -> GmmHmm:
    """A Gaussian for each leaf of the tree, of the frames that came to it. One without frames has those of all."""
    counts, sums, squares = tree.sums
    empty = counts < 1
    counts, sums, squares = counts.copy(), sums.copy(), squares.copy()
    counts[empty], sums[empty], squares[empty] = counts.sum(), sums.sum(0), squares.sum(0)
    means = sums / counts[:, None]
    variances = np.maximum(squares / counts[:, None] - means**2, floor)
    size = len(counts)
    return GmmHmm(transitions, np.arange(size + 1), np.ones(size), means, variances, floor)


def count_transitions(transitions: Transitions, pairs: Iterable[tuple[Sequence[Segment], np.ndarray]]) -> np.ndarray:
    """How often each transition is taken in alignments, the segments of phones and the density of each frame; laid out
    as ``transitions.log_probs``."""
    counts = np.zeros_like(transitions.log_probs)
    taken: list[int] = []
    for segments, pdfs in pairs:
        labels = ["", *(segment.label for segment in segments), ""]
        for before, segment, after in zip(labels, segments, labels[2:]):
            own = transitions.decisions.pdfs(segment.label, before, after)
            states = [own.index(pdf) for pdf in pdfs[segment.start : segment.end].tolist()]
            first, width = transitions.first_id[segment.label], len(own) + 1
            taken += [first + a * width + b for a, b in zip(states, [*states[1:], len(own)])]
        if len(taken) > 1_000_000:
            counts += np.bincount(taken, minlength=len(counts))
            taken.clear()
    return counts + np.bincount(taken, minlength=len(counts)) if taken else counts


def realign(
    model: GmmHmm, graphs: Mapping[str, Graph], feats: Mapping[str, np.ndarray], jobs: int = 1
) -> Iterator[tuple[str, Alignment]]:
    """The best path through each utterance; UserError where there is none."""
    for utt, alignment in align(model, graphs, feats, graphs, jobs):
        if alignment is None:
            raise UserError(f"{utt}: fewer frames than the states of its words; correct its transcript or take it out")
        yield utt, alignment


Labels = Mapping[str, np.ndarray]  # of each utterance the density of each frame (T,)
Renew = Callable[[GmmHmm, int], tuple[FrameStore, Labels]]


def train_tied(
    model: GmmHmm,
    store: FrameStore,
    labels: Labels,
    renew: Renew,
    rounds: Rounds,
    jobs: int,
    on_pass: OnPass,
) -> Labels:
    """Train ``model`` in place, first on the frames of ``store`` by their ``labels``, and then, round by round, on
    those that ``renew(model, round)`` gives. Returns the last labels."""
    begin, number = len(model.weights), 0
    for one in range(rounds.rounds):
        if one:
            store, labels = renew(model, one)
        totals = rounds.totals(begin, one)
        for likelihood in fit_all(model, store, labels, totals, rounds.min_frames, jobs):
            number += 1
            on_pass(number, len(model.weights), likelihood)
    return labels
