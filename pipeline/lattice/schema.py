"""What a lattice is: one schema for phones and words of every system.

An arc is a phone (or a word) between two nodes; nodes stand at frames. Scores are natural logarithms: ``acoustic`` is
unscaled, ``language`` holds grammar, pronunciation, transition and word scores. The score of a path is the sum over its
arcs of acoustic_scale x acoustic + language; its string is the sequence of their labels, each with its word.

The decode stage stores each string once, on its best alignment. Posteriors are over the stored paths, so those of the
arcs over a frame sum to 1. Silence is a phone like others, as in Kaldi. ``<blk>``, a stretch of CTC blanks, is an arc,
because arcs cover all time, but it is no part of a string: A <blk> B and A B are the same. In a lattice of words
silence is no part of a string either.

Graphs: "free" (phones of a search with a phone bigram), "words" (phones of the word search, each ``word`` on its first
phone; homophones make several strings of the same phones), "word_arcs" (its words). Version 1 held a string once for
each of its alignments, with posteriors from before pruning; version 2 has ``beam``.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

VERSION = 2
LARGEST = 1e30  # of a score; sums of larger ones might not be finite
LONGEST = 1e8  # frames, eleven days


@dataclass
class Lattice:
    """Nodes (N,) at frames ``node_frame``, topologically sorted, node 0 the start and node N-1 the end; arcs (A,)
    sorted by ``arc_from``. ``word`` names the word that begins there ("" for none). Posteriors are in [0, 1]. It has
    every string that the search found within ``beam`` (natural log) of the best score."""

    utterance: str
    system: str
    graph: str
    frame_shift_ms: float
    num_frames: int
    acoustic_scale: float
    word_score: float
    node_frame: np.ndarray
    arc_from: np.ndarray
    arc_to: np.ndarray
    label: list[str]
    word: list[str]
    acoustic: np.ndarray
    language: np.ndarray
    posterior: np.ndarray = field(default_factory=lambda: np.zeros(0))
    beam: float = np.inf

    @property
    def num_nodes(self) -> int:
        """How many nodes there are."""
        return len(self.node_frame)

    def scores(self) -> np.ndarray:
        """(A,) acoustic_scale x acoustic + language."""
        return self.acoustic_scale * self.acoustic + self.language


def check_lattice(lattice: Lattice) -> None:
    """Raise ValueError unless nodes and arcs make one acyclic graph with finite scores."""
    last = lattice.num_nodes - 1
    if any(
        array.ndim != 1
        for array in (
            lattice.node_frame,
            lattice.arc_from,
            lattice.arc_to,
            lattice.acoustic,
            lattice.language,
            lattice.posterior,
        )
    ):
        raise ValueError("lists within lists")
    ends = np.concatenate([lattice.arc_from, lattice.arc_to])
    if last < 1 or ends.min() < 0 or ends.max() > last or (lattice.arc_from >= lattice.arc_to).any():
        raise ValueError("arcs do not lead forward between its nodes")
    if (np.diff(lattice.arc_from) < 0).any() or (np.diff(lattice.node_frame) < 0).any():
        raise ValueError("nodes or arcs are not sorted")
    first, last_frame = lattice.node_frame[[0, -1]]
    if not 0 <= first <= last_frame <= lattice.num_frames < LONGEST or lattice.frame_shift_ms <= 0:
        raise ValueError("frames outside the utterance")
    if not lattice.beam >= 0:
        raise ValueError("a negative beam")
    scale = [lattice.acoustic_scale, lattice.word_score, lattice.frame_shift_ms]
    if not all((np.abs(x) < LARGEST).all() for x in (lattice.acoustic, lattice.language, lattice.posterior, scale)):
        raise ValueError("scores are not finite")
    if len(set(lattice.arc_to)) != last or len(set(lattice.arc_from)) != last:
        raise ValueError("a node is not on a path from start to end")
