"""Print the decision trees of a phone, with what each question gained, and draw them as SVG."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from lexicon.files import atomic_write
from lexicon.phone_sets import phone_set_of
from pipeline.compare.results import read_fields
from pipeline.draw.tree_svg import tree_svg
from pipeline.tied.shown_tree import read_trees, tree_lines
from pipeline.tied.training import TREE
from stages.common import parser, run, show


def main(args: Namespace) -> tuple[Path, str]:
    trees = read_trees(args.exp / args.model / TREE, args.phone)
    phone_set = phone_set_of(read_fields(args.data / "lang" / "lang.json"))
    folder, name = args.exp / "trees", f"{args.model}.{args.phone}"
    show(tree_lines(args.phone, trees, phone_set), folder / f"{name}.txt")
    with atomic_write(folder / f"{name}.svg") as stream:
        stream.write(tree_svg(args.model, args.phone, trees, phone_set))
    return folder / f"{name}.svg", f"{folder}/{name}.txt, .svg"


if __name__ == "__main__":
    options = parser(__doc__)
    options.add_argument("--exp", type=Path, required=True, help="experiment folder of the corpus")
    options.add_argument("--data", type=Path, required=True, help="data folder of the corpus, with lang/")
    options.add_argument("--model", required=True, help="whose trees: tri, lda or sat")
    options.add_argument("--phone", required=True, help="of which phone")
    run(options, main)
