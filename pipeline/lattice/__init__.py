"""Lattices: one schema for every system, with posteriors, best paths, and HTK SLF and JSON files."""
from pipeline.lattice.formats import (from_json, read_json_lattice, read_slf, to_json, write_json_lattice,
                                      write_slf)
from pipeline.lattice.paths import best_path, depth, forward_backward, prune
from pipeline.lattice.schema import LARGEST, VERSION, Lattice

__all__ = ["LARGEST", "VERSION", "Lattice", "best_path", "depth", "forward_backward", "from_json", "prune",
           "read_json_lattice", "read_slf", "to_json", "write_json_lattice", "write_slf"]
