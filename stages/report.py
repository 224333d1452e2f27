"""Write the report: index.html with the comparison and what was confused or disputed, and pages of utterances.

Those are the utterances most worth looking at. A page shows two systems face to face, any two of those compared.

It works from disk, without a server or a network: open index.html in a browser.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from lexicon.files import atomic_dir
from pipeline.compare.dispute import choose
from pipeline.compare.results import Comparison, read_comparison
from pipeline.datadir import Utterance
from pipeline.report.page import write_report
from pipeline.show.place import find_utterance
from stages.common import at_least, parser, run


def main(arguments: argparse.Namespace) -> tuple[Path, str]:
    comparison = read_comparison(arguments.exp, arguments.data, arguments.systems)
    chosen = named(comparison, arguments) if arguments.utt else choose(comparison, arguments.utterances)
    with atomic_dir(arguments.out) as folder:
        write_report(folder, comparison, arguments.exp, chosen)
    index = arguments.out / "index.html"
    return index, f"{len(comparison.systems)} systems, {len(chosen)} utterances; open {index}"


def named(comparison: Comparison, arguments: argparse.Namespace) -> list[Utterance]:
    """The utterances of --utt in its order; "all" stands for the whole test set, the most disputed first."""
    if arguments.utt == "all":
        return choose(comparison, len(comparison.utterances))
    return [find_utterance(arguments.data, name)[1] for name in dict.fromkeys(arguments.utt.split())]


if __name__ == "__main__":
    options = parser(__doc__)
    options.add_argument("--exp", type=Path, required=True, help="experiment folder of the corpus")
    options.add_argument("--data", type=Path, required=True, help="data folder of the corpus, with test/ and lang/")
    options.add_argument("--systems", nargs="+", required=True, help="systems in the order of the table's rows")
    options.add_argument("--out", type=Path, required=True, help="folder to write (replaced if it is there)")
    options.add_argument("--utterances", type=at_least(0), default=12, help="how many utterances to show")
    options.add_argument(
        "--utt", default="", help="show these instead, ids with spaces between; all: the whole test set"
    )
    run(options, main)
