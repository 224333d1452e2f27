"""Compare systems on the test set: compare.tsv, and compare.txt for people, which is also printed."""
from __future__ import annotations

import argparse
from pathlib import Path

from lexicon.files import write_lines
from lexicon.fold import read_fold
from pipeline.boundaries import compare_boundaries, table
from pipeline.intervals import read_ctm
from pipeline.report.results import read_comparison, readable_lines, tsv_lines
from stages.common import parser, run


def boundary_lines(exp: Path, data: Path, systems: list[str]) -> list[str]:
    """Where the corpus has hand-made phones: how far from them the aligned and the recognised phones begin."""
    gold = data / "test" / "phones.ctm"
    if not gold.exists():
        return []
    found = {"gmm, text known": exp / "gmm" / "ali_test" / "phones.ctm",
             **{f"{system}, words": exp / system / "decode_test" / "phones.ctm" for system in systems}}
    placed, fold = read_ctm(gold), read_fold(data)
    rows = {name: compare_boundaries(placed, read_ctm(path), fold) for name, path in found.items()}
    return ["Boundaries against hand-placed phones (ours minus theirs in ms, and the percentage within a limit):",
            *(f"  {line}" for line in table(rows))]


def main(arguments: argparse.Namespace) -> tuple[Path, str]:
    comparison = read_comparison(arguments.exp, arguments.data, arguments.systems)
    readable = readable_lines(comparison, arguments.exp / "report" / "index.html",
                              boundary_lines(arguments.exp, arguments.data, arguments.systems))
    write_lines(arguments.out.with_suffix(".txt"), readable)
    write_lines(arguments.out, tsv_lines(comparison))
    print("\n".join(["", *readable, ""]))
    best = min(comparison.systems, key=lambda system: comparison.rate(system, "wer").percent)
    return arguments.out, (f"{len(comparison.systems)} systems on {len(comparison.utterances)} utterances, lowest WER "
                           f"{best.name} {comparison.rate(best, 'wer').percent:.1f} %")


if __name__ == "__main__":
    options = parser(__doc__)
    options.add_argument("--exp", type=Path, required=True, help="experiment folder of the corpus")
    options.add_argument("--data", type=Path, required=True, help="data folder of the corpus, with test/ and lang/")
    options.add_argument("--systems", nargs="+", required=True, help="systems in the order of the table's rows")
    options.add_argument("--out", type=Path, required=True, help="compare.tsv to write, compare.txt beside it")
    run(options, main)
