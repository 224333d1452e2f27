"""Write the report: index.html with the comparison, phone confusions and the utterances most worth looking at.

It works from disk, without a server or a network: open index.html in a browser.
"""
from __future__ import annotations

import argparse
from pathlib import Path

from lexicon.files import atomic_dir
from pipeline.report.page import write_report
from pipeline.report.results import read_comparison
from stages.common import at_least, parser, run


def main(arguments: argparse.Namespace) -> tuple[Path, str]:
    comparison = read_comparison(arguments.exp, arguments.data, arguments.systems)
    with atomic_dir(arguments.out) as folder:
        chosen = write_report(folder, comparison, arguments.exp, arguments.utterances)
    index = arguments.out / "index.html"
    return index, f"{len(comparison.systems)} systems, {len(chosen)} utterances; open {index}"


if __name__ == "__main__":
    options = parser(__doc__)
    options.add_argument("--exp", type=Path, required=True, help="experiment folder of the corpus")
    options.add_argument("--data", type=Path, required=True, help="data folder of the corpus, with test/ and lang/")
    options.add_argument("--systems", nargs="+", required=True, help="systems in the order of the table's rows")
    options.add_argument("--out", type=Path, required=True, help="folder to write (replaced if it is there)")
    options.add_argument("--utterances", type=at_least(0), default=12, help="how many utterances to show")
    run(options, main)
