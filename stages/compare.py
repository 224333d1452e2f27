"""Compare systems on the test set: compare.tsv, compare.txt for people, of which make prints the first part, and a line
of history.tsv for each system that is not as it was."""

from __future__ import annotations

import argparse
from datetime import datetime
from pathlib import Path

from lexicon.files import write_lines
from lexicon.text import numbered_lines
from pipeline.compare.history import HISTORY, read_history, with_this
from pipeline.compare.history import tsv_lines as history_lines
from pipeline.compare.results import read_comparison, readable_lines, tsv_lines
from stages.common import parser, reference_alignment, reference_option, run
from stages.made import given_options


def main(arguments: argparse.Namespace) -> tuple[Path, str]:
    comparison = read_comparison(arguments.exp, arguments.data, reference_alignment(arguments), arguments.systems)
    placed = arguments.exp / "boundaries.txt"
    boundaries = [line for _, line in numbered_lines(placed)] if placed.exists() else []
    readable = readable_lines(comparison, arguments.exp / "report" / "index.html", boundaries)
    write_lines(arguments.out.with_suffix(".txt"), readable)
    write_lines(arguments.out, tsv_lines(comparison))
    history, now = arguments.exp / HISTORY, datetime.now().isoformat(" ", "seconds")
    settings = {system.name: given_options(system.model, system.decode) for system in comparison.systems}
    write_lines(history, history_lines(with_this(read_history(history), comparison, settings, now)))
    best = min(comparison.systems, key=lambda system: comparison.rate(system, "wer").percent)
    return arguments.out, (
        f"{len(comparison.systems)} systems on {len(comparison.utterances)} utterances, lowest WER "
        f"{best.name} {comparison.rate(best, 'wer').percent:.1f} %"
    )


if __name__ == "__main__":
    options = parser(__doc__)
    options.add_argument("--exp", type=Path, required=True, help="experiment folder of the corpus")
    options.add_argument("--data", type=Path, required=True, help="data folder of the corpus, with test/ and lang/")
    reference_option(options)
    options.add_argument("--systems", nargs="+", required=True, help="systems in the order of the table's rows")
    options.add_argument("--out", type=Path, required=True, help="compare.tsv to write, compare.txt beside it")
    run(options, main)
