"""Print the lattice of one utterance, and write it as text, SVG, HTK SLF, JSON, and for Graphviz, OpenFst and Kaldi."""

from __future__ import annotations

import argparse
from pathlib import Path

from lexicon.errors import UserError
from lexicon.files import atomic_write
from lexicon.fold import read_fold
from lexicon.phone_sets import phone_set_of
from pipeline.base.edits import pair_up
from pipeline.compare.results import read_fields
from pipeline.compare.score import alignment_picture
from pipeline.datadir.sets import GRAPHS, read_spoken
from pipeline.draw.lattice_svg import in_ipa, lattice_dot, lattice_svg
from pipeline.draw.lattice_text import MIN_POSTERIOR, difference_lines, lattice_page
from pipeline.lattice import Lattice, LatticeArchive, prune_beam, write_json_lattice, write_slf
from pipeline.lattice.text_archives import write_text_archives
from pipeline.show.place import find_utterance
from stages.common import at_least, parser, reference_alignment, reference_option, run, show


def find_decode(exp: Path, model: str, graph: str) -> Path:
    """The decode of ``model``; UserError lists the models that have lattices of this graph if it has none."""
    decode = exp / model / "decode_test"
    if not (decode / "lattices" / graph).is_dir():
        there = sorted(path.parts[-4] for path in exp.glob(f"*/decode_test/lattices/{graph}"))
        raise UserError(
            f'MODEL "{model}" has no {graph} lattices in {exp}; '
            f"{'those that do: ' + ', '.join(there) if there else 'none has any yet, run: make'}"
        )
    return decode


def find_lattice(arguments: argparse.Namespace, model: str, utterance: str) -> Lattice:
    """The lattice of ``model``, within the beam."""
    graph = arguments.graph
    lattice = LatticeArchive(find_decode(arguments.exp, model, graph) / "lattices" / graph).read(utterance)
    return prune_beam(lattice, arguments.beam) if arguments.beam else lattice


def main(arguments: argparse.Namespace) -> tuple[Path, str]:
    _, utterance = find_utterance(arguments.data, arguments.utt)
    model, other, graph, least = arguments.model, arguments.model2, arguments.graph, arguments.min_posterior
    lattice, decode = find_lattice(arguments, model, utterance.id), arguments.exp / model / "decode_test"
    phones = read_spoken(reference_alignment(arguments) / "reference.txt").get(utterance.id, ())
    reference, fold = (utterance.words, {}) if graph == "word_arcs" else (phones, read_fold(arguments.data))
    lines = [alignment_picture(pair_up(utterance.words, read_spoken(decode / "hyp.txt").get(utterance.id, ()))), ""]
    if graph != "word_arcs":
        lines += [
            alignment_picture(pair_up(phones, read_spoken(decode / GRAPHS[graph], fold).get(utterance.id, ()))),
            "",
        ]
    lines += lattice_page(lattice, reference, fold, least)
    if other:
        lines += [
            "",
            f"What {model} and {other} considered:",
            "",
            *difference_lines(lattice, find_lattice(arguments, other, utterance.id), (model, other), fold),
        ]

    folder, name = arguments.exp / "lattices", f"{utterance.id}.{model}.{graph}"
    show(lines, folder / f"{name}.txt")
    write_text_archives(folder / f"{name}.fst", [lattice])
    write_slf(lattice, folder / f"{name}.slf")
    write_json_lattice(lattice, folder / f"{name}.json")
    drawn = lattice_svg(in_ipa(lattice, phone_set_of(read_fields(arguments.data / "lang" / "lang.json"))), least)
    for ending, content in (("dot", lattice_dot(lattice)), ("svg", drawn)):
        with atomic_write(folder / f"{name}.{ending}") as stream:
            stream.write(content)
    return folder / f"{name}.svg", f"{folder}/{name}.txt, .svg, .dot (Graphviz), .slf (HTK), .json, .fst/"


if __name__ == "__main__":
    options = parser(__doc__)
    options.add_argument("--exp", type=Path, required=True, help="experiment folder of the corpus")
    options.add_argument("--data", type=Path, required=True, help="data folder of the corpus, with test/")
    reference_option(options)
    options.add_argument("--utt", required=True, help="id of a test utterance")
    options.add_argument("--model", required=True, help="whose lattice")
    options.add_argument("--model2", default="", help="whose lattice it is compared with")
    options.add_argument(
        "--graph",
        choices=sorted(GRAPHS),
        default="free",
        help="free: phones without words; words: phones of the word search; word_arcs: its words",
    )
    options.add_argument(
        "--min-posterior", type=at_least(0.0), default=MIN_POSTERIOR, help="what is less probable is not shown"
    )
    options.add_argument(
        "--beam",
        type=at_least(0.0),
        default=0.0,
        help="only paths whose score is so near to the best one's (natural log); 0: all",
    )
    run(options, main)
