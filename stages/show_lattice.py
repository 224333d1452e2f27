"""Print the phone lattice of one utterance, and write it as SVG and as a Graphviz graph."""
from __future__ import annotations

import argparse
from pathlib import Path

from lexicon.errors import UserError
from lexicon.files import atomic_write
from lexicon.fold import read_fold
from pipeline.lattice import read_json_lattice
from pipeline.lattice_picture import lattice_dot, lattice_svg, lattice_text
from pipeline.score import align, alignment_picture, read_spoken
from pipeline.show.place import find_utterance
from stages.common import parser, run

# graph of the lattice: the decode's file whose line is its best path
GRAPHS = {"free": "free.txt", "words": "phones.txt"}


def find_decode(exp: Path, model: str, graph: str) -> Path:
    """The decode of ``model``; UserError lists the models that have lattices of this graph if it has none."""
    decode = exp / model / "decode_test"
    if not (decode / "lattices" / graph).is_dir():
        there = sorted(path.parts[-4] for path in exp.glob(f"*/decode_test/lattices/{graph}"))
        raise UserError(f'MODEL "{model}" has no {graph} lattices in {exp}; '
                        f"{'those that do: ' + ', '.join(there) if there else 'none has any yet, run: make'}")
    return decode


def main(arguments: argparse.Namespace) -> tuple[Path, str]:
    _, utterance = find_utterance(arguments.data, arguments.utt)
    decode = find_decode(arguments.exp, arguments.model, arguments.graph)
    lattice = read_json_lattice(decode / "lattices" / arguments.graph / f"{utterance.id}.json")

    words = read_spoken(decode / "hyp.txt").get(utterance.id, ())
    reference = read_spoken(arguments.exp / "gmm" / "ali_test" / "reference.txt").get(utterance.id, ())
    phones = read_spoken(decode / GRAPHS[arguments.graph], read_fold(arguments.data)).get(utterance.id, ())
    print(f"{alignment_picture(align(utterance.words, words))}\n\n{alignment_picture(align(reference, phones))}\n\n"
          f"{lattice_text(lattice)}\n")

    target = arguments.exp / "lattices" / f"{utterance.id}.{arguments.model}.{arguments.graph}.svg"
    dot = target.with_name(f"{target.name.removesuffix('.svg')}.dot")
    for path, text in ((dot, lattice_dot(lattice)), (target, lattice_svg(lattice))):
        with atomic_write(path) as stream:
            stream.write(text)
    return target, f"{target} (a browser shows it) and {dot} (dot -Tpdf draws it)"


if __name__ == "__main__":
    options = parser(__doc__)
    options.add_argument("--exp", type=Path, required=True, help="experiment folder of the corpus")
    options.add_argument("--data", type=Path, required=True, help="data folder of the corpus, with test/")
    options.add_argument("--utt", required=True, help="id of a test utterance")
    options.add_argument("--model", default="gmm", help="whose lattice")
    options.add_argument("--graph", choices=sorted(GRAPHS), default="free",
                         help="free: phones without words; words: phones of the word search")
    run(options, main)
