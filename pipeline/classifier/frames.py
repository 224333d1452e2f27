"""The labelled frames of a set, each with its neighbours, read block by block, so that no corpus fills the memory."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from itertools import chain

import numpy as np

# Frames that are shuffled together, 22 minutes: 20 MB. Kaldi's nnet-train-frmshuff takes 2**15 at a time.
BLOCK = 2**17
PIECE = 2**13  # frames that are there with all their neighbours: 14 MB

Piece = tuple[np.ndarray, np.ndarray]
Read = Callable[[str], Piece]
Layer = tuple[np.ndarray, np.ndarray]  # weights (n_in, n_out), bias (n_out,)


class Frames:
    """The frames of ``utterances`` with their densities. ``read`` gives those of one: (T, D) float32 and (T,) of
    ``num_pdfs`` densities; they are spliced with ``context`` neighbours on both sides when they are asked for.

    ``counts`` (num_pdfs,): how many frames each density has.
    """

    def __init__(self, utterances: Sequence[str], read: Read, context: int, num_pdfs: int):
        self.utterances, self.read, self.context = utterances, read, context
        self.first: Layer | None = None
        self.counts = np.zeros(num_pdfs, np.int64)
        for utterance in utterances:
            self.counts += np.bincount(read(utterance)[1], minlength=num_pdfs)

    def __len__(self) -> int:
        return int(self.counts.sum())

    @property
    def classes(self) -> np.ndarray:
        """The densities that have frames, in order."""
        return np.flatnonzero(self.counts).astype(np.int32)

    def with_context(self, context: int) -> Frames:
        """The same frames with so many neighbours."""
        found = copy.copy(self)
        found.context = context
        return found

    def through(self, layer: Layer) -> Frames:
        """The same frames as an affine map makes them."""
        found = copy.copy(self)
        found.first = layer
        return found

    def blocks(self, shuffle: np.random.RandomState | None = None) -> Iterator[Iterator[Piece]]:
        """The pieces of one block after another. A block has every so manieth utterance, and so something of all
        speakers."""
        number = -(-len(self) // BLOCK)
        for first in range(number):
            yield self._block(self.utterances[first::number], shuffle)

    def pieces(self, shuffle: np.random.RandomState | None = None) -> Iterator[Piece]:
        """All frames, PIECE at a time: (n, (2 context + 1) D) float32, and their densities (n,). Shuffled ones come in
        random order within a block."""
        return chain.from_iterable(self.blocks(shuffle))

    def _block(self, utterances: Sequence[str], shuffle: np.random.RandomState | None) -> Iterator[Piece]:
        read = [self.read(utterance) for utterance in utterances]
        feats, labels = (np.concatenate(column) for column in zip(*read))
        lengths = np.array([len(own) for _, own in read])
        del read
        ends = np.repeat(np.cumsum(lengths), lengths)
        begins = ends - np.repeat(lengths, lengths)
        order = shuffle.permutation(len(feats)) if shuffle else np.arange(len(feats))
        for start in range(0, len(order), PIECE):
            rows = order[start : start + PIECE]
            x = spliced(feats, rows, begins[rows], ends[rows], self.context)
            yield (x if self.first is None else x @ self.first[0] + self.first[1]), labels[rows]


def spliced(feats: np.ndarray, rows: np.ndarray, begins: np.ndarray, ends: np.ndarray, context: int) -> np.ndarray:
    """Rows (n,) of ``feats`` (N, D) with ``context`` neighbours on both sides: (n, (2 context + 1) D). Beyond the
    frames ``begins`` to ``ends`` (n,) of its utterance the edge is repeated, as `pipeline.sound.mfcc.splice` does."""
    near = rows[:, None] + np.arange(-context, context + 1)
    near = np.clip(near, begins[:, None], ends[:, None] - 1)
    return feats[near].reshape(len(rows), -1)
