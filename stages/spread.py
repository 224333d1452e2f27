"""Print how far the error rates of systems on test move by chance: runs of the same experiment with other seeds."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from lexicon.files import write_lines
from pipeline.compare.spread import HEAD, read_rates, spread_lines, spread_rows
from stages.common import parser, run


def main(args: Namespace) -> tuple[Path, str]:
    rates = read_rates(args.runs, args.systems)
    print(*spread_lines(rates), "", sep="\n")
    write_lines(args.out, ["\t".join(row) for row in [HEAD, *spread_rows(rates)]])
    return args.out, f"{args.out}: {len(args.runs)} runs"


if __name__ == "__main__":
    options = parser(__doc__)
    options.add_argument("--runs", type=Path, nargs="+", required=True, help="experiments, one for each seed")
    options.add_argument("--systems", nargs="+", required=True, help="systems that are decoded and scored in each")
    options.add_argument("--out", type=Path, required=True, help="where the table goes, a .tsv")
    run(options, main)
