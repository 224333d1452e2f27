"""What only one of two systems considered on the test set, by class of phone, against the reference."""

from __future__ import annotations

import argparse
from pathlib import Path

from lexicon.files import write_json, write_lines
from lexicon.fold import read_fold
from lexicon.lang import load_lang
from lexicon.phone_sets import phone_set_of
from pipeline.align.boundaries import join_closures
from pipeline.base.parallel import each
from pipeline.datadir.sets import read_placed
from pipeline.lattice import kept_lattices
from pipeline.lattice.difference import Tally, as_json, difference, in_order, readable, tally
from stages.common import jobs, parser, reference_alignment, reference_option, run


def main(arguments: argparse.Namespace) -> tuple[Path, str]:
    names, data, exp = arguments.systems, arguments.data, arguments.exp
    ours, theirs = (kept_lattices(exp / name / "decode_test", "free") for name in names)
    placed = read_placed("phones", data / "test", reference_alignment(arguments))
    fold, phone_set = read_fold(data), phone_set_of(load_lang(data / "lang").info)

    tallies: dict[str, Tally] = {}
    both = [utt for utt in ours if utt in theirs and utt in placed]
    differences = each(lambda utt: difference(ours.read(utt), theirs.read(utt), fold), both, arguments.jobs)
    for utt, found in zip(both, differences):
        tally(found, join_closures(placed[utt]), phone_set, fold, tallies)

    lines = readable(tallies, *names)
    write_json(
        arguments.out.with_suffix(".json"),
        {
            "systems": names,
            "utterances": len(both),
            "classes": {name: as_json(own) for name, own in in_order(tallies).items()},
        },
    )
    write_lines(arguments.out, lines)
    left = len({*ours, *theirs, *placed}) - len(both)
    return arguments.out, (
        f"{names[0]} and {names[1]} on {len(both)} utterances"
        f"{f' ({left} without a lattice of both left out)' if left else ''}; {arguments.out}"
    )


if __name__ == "__main__":
    options = parser(__doc__)
    options.add_argument("--exp", type=Path, required=True, help="experiment folder of the corpus")
    options.add_argument("--data", type=Path, required=True, help="data folder of the corpus, with test/ and lang/")
    reference_option(options)
    options.add_argument("--systems", nargs=2, required=True, help="the two systems")
    options.add_argument("--out", type=Path, required=True, help="lattice_difference.txt to write, and .json beside it")
    jobs(options)
    run(options, main)
