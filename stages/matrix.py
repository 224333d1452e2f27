"""Error rates of each system with a phone loop, a phone bigram, the lexicon alone, and lexicon and language model."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from lexicon.files import write_lines
from pipeline.compare.matrix import FLAT, matrix_lines, readable_matrix
from pipeline.compare.results import read_comparison
from stages.common import parser, reference_alignment, reference_option, run


def main(args: Namespace) -> tuple[Path, str]:
    names = args.systems
    comparison = read_comparison(
        args.exp, args.data, reference_alignment(args), [*names, *(f"{FLAT}/{name}" for name in names)]
    )
    readable = readable_matrix(comparison, names)
    write_lines(args.out.with_suffix(".txt"), readable)
    write_lines(args.out, matrix_lines(comparison, names))
    return args.out, (
        f"{len(names)} systems, 4 searches, {len(comparison.utterances)} utterances; {args.out.with_suffix('.txt')}"
    )


if __name__ == "__main__":
    options = parser(__doc__)
    options.add_argument(
        "--exp", type=Path, required=True, help="experiment folder: SYSTEM/decode_test, flat/SYSTEM/decode_test"
    )
    options.add_argument("--data", type=Path, required=True, help="data folder of the corpus, with test/ and lang/")
    reference_option(options)
    options.add_argument("--systems", nargs="+", required=True, help="systems in the order of the rows")
    options.add_argument("--out", type=Path, required=True, help="matrix.tsv to write, matrix.txt beside it")
    run(options, main)
