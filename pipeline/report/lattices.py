"""Lattices of an utterance as the page's script takes them, and the difference of two."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.draw.lanes import draw
from pipeline.lattice import Lattice, kept_lattice
from pipeline.lattice.difference import difference
from pipeline.times.clock import frame_to_seconds

GRAPHS = ("free", "words")  # lattices: of phones alone, and of the search with words

Lattices = Mapping[str, Lattice | None]  # of each of GRAPHS, None where the search kept none


@functools.cache
def read_lattice(decode: Path, graph: str, utterance: str) -> Lattice | None:
    """A lattice, None where the search kept none. Each is asked for once a pair; forget them after each utterance."""
    return kept_lattice(decode, graph, utterance)


def read_lattices(decode: Path, utterance: str) -> Lattices:
    """The lattices of both searches."""
    return {graph: read_lattice(decode, graph, utterance) for graph in GRAPHS}


def lattice_drawings(lattices: Lattices) -> dict[str, dict[str, Any]]:
    """Those that are there: ``nodes`` [seconds, lane], ``arcs`` as the Net of web/lattice.js takes them."""
    return {graph: _drawing(lattice) for graph, lattice in lattices.items() if lattice}


def _drawing(lattice: Lattice) -> dict[str, Any]:
    drawing = draw(lattice)
    nodes = [[seconds_of(frame), lane] for frame, lane in zip(drawing.frames, drawing.lanes)]
    return {
        "nodes": nodes,
        "arcs": [
            [
                arc.source,
                arc.target,
                arc.label,
                arc.word,
                round(arc.posterior, 4),
                round(arc.until, 4),
                arc.lane,
                int(arc.best),
                round(arc.acoustic, 1),
                round(arc.language, 2),
                arc.num_arcs,
            ]
            for arc in drawing.arcs
        ],
    }


def difference_bars(lattices: Sequence[Lattice | None]) -> list[list[Any]] | None:
    """[start, end, phone, mass of the first lattice, of the second]; None unless both are there."""
    ours, theirs = lattices
    if ours is None or theirs is None:
        return None
    return [
        [seconds_of(phone.start), seconds_of(phone.end), phone.label, round(phone.first, 4), round(phone.second, 4)]
        for phone in difference(ours, theirs)
    ]


def seconds_of(frame: int) -> float:
    """When a frame begins, as a page has times."""
    return round(float(frame_to_seconds(frame)), 4)
