"""Write a system's lattices of the test set as text that OpenFst's and Kaldi's tools read."""

from __future__ import annotations

import argparse
from pathlib import Path

from lexicon.errors import UserError
from lexicon.files import atomic_dir
from pipeline.datadir.sets import lattice_files
from pipeline.lattice import read_json_lattice
from pipeline.lattice.text_archives import write_text_archives
from stages.common import parser, run


def main(arguments: argparse.Namespace) -> tuple[Path, str]:
    folder = arguments.lattices
    files = lattice_files(folder.parent.parent, folder.name).values()
    with atomic_dir(arguments.out) as out:
        try:
            number = write_text_archives(out, map(read_json_lattice, files))
        except ValueError as error:
            raise UserError(f"{arguments.lattices}: of several searches ({error}); decode again") from error
    return arguments.out / "info.json", (
        f"{number} lattices in {arguments.out}: lat.txt for Kaldi's tools, fst.txt for OpenFst's"
    )


if __name__ == "__main__":
    options = parser(__doc__)
    options.add_argument("--lattices", type=Path, required=True, help="folder of lattices of one graph")
    options.add_argument("--out", type=Path, required=True, help="folder to write")
    run(options, main)
