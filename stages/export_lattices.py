"""Write a system's lattices of the test set as text that OpenFst's and Kaldi's tools read, and each as SLF and JSON."""

from __future__ import annotations

import argparse
from pathlib import Path

from lexicon.errors import UserError
from lexicon.files import atomic_dir
from pipeline.base.parallel import each
from pipeline.lattice import Lattice, kept_lattices, write_json_lattice, write_slf
from pipeline.lattice.text_archives import write_text_archives
from stages.common import jobs, parser, run


def main(arguments: argparse.Namespace) -> tuple[Path, str]:
    folder = arguments.lattices
    archive = kept_lattices(folder.parent.parent, folder.name)
    with atomic_dir(arguments.out) as out:

        def written(utterance: str) -> Lattice:
            lattice = archive.read(utterance)
            write_slf(lattice, out / "slf" / f"{utterance}.slf")
            write_json_lattice(lattice, out / "json" / f"{utterance}.json")
            return lattice

        try:
            number = write_text_archives(out, each(written, archive, arguments.jobs))
        except ValueError as error:
            raise UserError(f"{arguments.lattices}: of several searches ({error}); decode again") from error
    return arguments.out / "info.json", (
        f"{number} lattices in {arguments.out}: lat.txt for Kaldi's tools, fst.txt for OpenFst's, slf/ for HTK's, json/"
    )


if __name__ == "__main__":
    options = parser(__doc__)
    options.add_argument("--lattices", type=Path, required=True, help="folder of lattices of one graph")
    options.add_argument("--out", type=Path, required=True, help="folder to write")
    jobs(options)
    run(options, main)
