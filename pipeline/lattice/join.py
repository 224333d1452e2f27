"""Several lattices of one utterance as one: all their paths, those of each lattice with a share of the probability.

The string of least expected error over it combines the systems (Xu, Povey, Mangu & Zhu 2011, section 5).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from pipeline.lattice.paths import forward_backward
from pipeline.lattice.schema import Lattice


def join(lattices: Sequence[Lattice], shares: Sequence[float], scales: Sequence[float]) -> Lattice:
    """The paths of all ``lattices`` between one start and one end, with posteriors.

    Those of a lattice have its part of ``shares`` (each above 0, in sum 1), divided among them by their scores times
    its part of ``scales``: the smaller, the less it is sure of its best path.
    """
    frames = max(lattice.num_frames for lattice in lattices)
    # The nodes between start and end in order of time; those of one lattice keep their order.
    inner = sorted(
        (int(frame), number, node)
        for number, lattice in enumerate(lattices)
        for node, frame in enumerate(lattice.node_frame[1:-1], 1)
    )
    place = {(number, node): new for new, (_, number, node) in enumerate(inner, 1)}
    arcs = []
    for number, (lattice, share, scale) in enumerate(zip(lattices, shares, scales, strict=True)):
        ends = {0: 0, lattice.num_nodes - 1: len(inner) + 1}
        scores = _scores_of_share(lattice, share, scale)
        for arc in range(len(scores)):
            begin, end = (
                ends[node] if node in ends else place[number, node]
                for node in (int(lattice.arc_from[arc]), int(lattice.arc_to[arc]))
            )
            arcs.append((begin, end, lattice.label[arc], lattice.word[arc], scores[arc]))
    begins, to, labels, words, own_scores = zip(*sorted(arcs, key=lambda arc: arc[0]))
    joined = replace(
        lattices[0],
        system=" + ".join(lattice.system for lattice in lattices),
        num_frames=frames,
        acoustic_scale=1.0,
        node_frame=np.array([0, *(frame for frame, _, _ in inner), frames]),
        arc_from=np.array(begins),
        arc_to=np.array(to),
        label=list(labels),
        word=list(words),
        acoustic=np.array(own_scores),
        language=np.zeros(len(arcs)),
        beam=min(lattice.beam for lattice in lattices),
    )
    forward_backward(joined)
    return joined


def _scores_of_share(lattice: Lattice, share: float, scale: float) -> np.ndarray:
    """(A,) scores of the arcs, such that the probabilities of all paths add up to ``share``."""
    scaled = replace(
        lattice, acoustic=scale * lattice.scores(), language=np.zeros(len(lattice.label)), acoustic_scale=1.0
    )
    total = forward_backward(scaled)
    return scaled.acoustic + np.where(lattice.arc_from == 0, np.log(share) - total, 0.0)
