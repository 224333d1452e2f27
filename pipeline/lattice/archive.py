"""The lattices of a test set: one archive for each graph. A lattice is read when it is asked for.

decode_test/lattices/GRAPH/ holds

    lattices.jsonl.gz         a line of JSON for each utterance, as `pipeline.lattice.formats` describes it; ``zcat``
                              prints them
    lattices.jsonl.gz.index   where each of them is: see `pipeline.base.members`

An utterance in which the search found nothing has no lattice, and a search that keeps no lattices has no folder.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

from lexicon.errors import UserError
from lexicon.files import parse_json
from lexicon.text import read_text, same_ids
from pipeline.base.members import Members, packed, write_members
from pipeline.datadir.sets import GRAPHS, decode_again
from pipeline.lattice.formats import again, from_json, json_line
from pipeline.lattice.schema import Lattice

NAME = "lattices.jsonl.gz"


def packed_lattice(lattice: Lattice) -> bytes:
    """A member of the archive. UserError if the lattice is larger than one may be."""
    try:
        return packed(f"{json_line(lattice)}\n".encode())
    except ValueError as error:
        raise UserError(f'the lattice of "{lattice.utterance}": {error}; use a smaller --lattice-beam') from error


def write_lattices(folder: Path) -> AbstractContextManager[Callable[[str, bytes], None]]:
    """Within the block, append the ``packed_lattice`` of an utterance to the archive in ``folder``."""
    return write_members(folder / NAME)


class LatticeArchive:
    """The lattices in a folder. UserError, here and where one is read, names file, utterance and way out."""

    def __init__(self, folder: Path):
        self.path = folder / NAME
        self._members = Members(self.path, again(self.path))

    def __contains__(self, utterance: object) -> bool:
        return utterance in self._members

    def __iter__(self) -> Iterator[str]:
        """The utterances that have one, in the order in which they were decoded."""
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)

    def read(self, utterance: str) -> Lattice:
        """The lattice of one utterance."""
        source = f"{self.path}: {utterance}"
        try:
            lattice = from_json(parse_json(self._members.read(utterance)), source)
        except ValueError as error:
            raise UserError(f"{source}: not JSON ({error}); {again(self.path)}") from error
        if lattice.utterance != utterance:
            raise UserError(f'{source}: a lattice of "{lattice.utterance}" in its place; {again(self.path)}')
        return lattice


@functools.lru_cache(maxsize=16)
def _opened(folder: Path) -> LatticeArchive:
    """Its index is read once, however many lattices a stage asks for."""
    return LatticeArchive(folder)


def kept_lattice(decode: Path, graph: str, utterance: str) -> Lattice | None:
    """The lattice of one utterance; None where the search keeps none, or found nothing. UserError if it is damaged."""
    folder = decode / "lattices" / graph
    if not folder.is_dir():
        return None
    archive = _opened(folder)
    return archive.read(utterance) if utterance in archive else None


def kept_lattices(decode: Path, graph: str) -> LatticeArchive:
    """All lattices of a decode. UserError if there is none, or one is missing of an utterance in which the search found
    something."""
    folder = decode / "lattices" / graph
    archive = LatticeArchive(folder) if folder.is_dir() else ()
    if not archive:
        raise UserError(f"{folder}: no lattices; GRAPH is free, words or word_arcs, and neural has free only")
    texts = read_text(decode / GRAPHS[graph])
    same_ids(archive.path, archive, {utt for utt in texts if texts[utt] or utt in archive}, decode_again(decode))
    return archive
