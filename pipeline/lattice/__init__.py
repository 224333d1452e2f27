"""Lattices: schema, paths and posteriors, determinizing, words, confusion networks, oracle, files."""

from pipeline.lattice.archive import LatticeArchive, kept_lattice, kept_lattices, packed_lattice, write_lattices
from pipeline.lattice.determinize import determinize
from pipeline.lattice.formats import from_json, read_json_lattice, read_slf, to_json, write_json_lattice, write_slf
from pipeline.lattice.paths import (
    best_path,
    depth,
    depths,
    expected_counts,
    forward_backward,
    frame_posteriors,
    nbest,
    prune,
    prune_beam,
)
from pipeline.lattice.schema import LARGEST, VERSION, Lattice

__all__ = [
    "LARGEST",
    "VERSION",
    "Lattice",
    "LatticeArchive",
    "best_path",
    "depth",
    "depths",
    "determinize",
    "expected_counts",
    "forward_backward",
    "frame_posteriors",
    "from_json",
    "kept_lattice",
    "kept_lattices",
    "nbest",
    "packed_lattice",
    "prune",
    "prune_beam",
    "read_json_lattice",
    "read_slf",
    "to_json",
    "write_json_lattice",
    "write_lattices",
    "write_slf",
]
