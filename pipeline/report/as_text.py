"""An utterance as text: what a system heard beside the reference, and its lattices."""

from __future__ import annotations

from pipeline.compare.results import MEASURES, Result
from pipeline.compare.score import alignment_picture, count
from pipeline.draw.lattice_text import lattice_text
from pipeline.report.lattices import Lattices, read_lattices

COLUMNS = 96
KINDS = {"wer": "words", "per": "phones of the word path", "free_per": "free phones"}


def text_of(system: Result, utterance: str) -> str:
    """All that the picture shows of a system: alignments with the reference, and the lattices it kept."""
    parts = []
    for measure in MEASURES:
        pairs = system.alignments[measure][utterance]
        counts = count(pairs)
        parts.append(
            f"{system.name}, {KINDS[measure]}: {counts.errors} of {counts.length}\n"
            f"{alignment_picture(pairs, COLUMNS)}\n"
        )
    return "\n".join([*parts, *lattice_texts(read_lattices(system.decode, utterance))])


def lattice_texts(lattices: Lattices) -> list[str]:
    """The lattices that are there, each as text."""
    return [f"{lattice_text(lattice, columns=COLUMNS)}\n" for lattice in lattices.values() if lattice]
