"""Write the report: index.html with the comparison and what was confused or disputed, and pages of utterances.

Those are the utterances most worth looking at, and those that were asked for. A page shows two systems face to face,
any two of those compared.

It works from disk, without a server or a network: open index.html in a browser.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from lexicon.errors import UserError
from lexicon.files import atomic_dir
from lexicon.text import numbered_lines
from pipeline.compare.dispute import choose, with_examples
from pipeline.compare.results import Comparison, read_comparison
from pipeline.datadir import Utterance
from pipeline.report.page import page_of, write_report
from pipeline.show.place import find_utterance
from stages.common import at_least, jobs, parser, reference_alignment, reference_option, run

ADDED = "added.txt"  # in the report's folder: the utterances that were asked for, beside those most worth looking at


def main(arguments: argparse.Namespace) -> tuple[Path, str]:
    comparison = read_comparison(arguments.exp, arguments.data, reference_alignment(arguments), arguments.systems)
    asked = named(comparison, arguments)
    also = [*added_before(comparison, arguments.out), *asked]
    chosen = list({u.id: u for u in [*worth_looking_at(comparison, arguments.utterances), *also]}.values())
    pair = shown_first(comparison, arguments.pair)
    with atomic_dir(arguments.out) as folder:
        write_report(folder, comparison, arguments.exp, chosen, pair, arguments.jobs)
        (folder / ADDED).write_text("".join(f"{utterance.id}\n" for utterance in also), encoding="utf-8")
    index = arguments.out / "index.html"
    page = arguments.out / page_of(chosen.index(asked[0])) if len(asked) == 1 else index
    return index, f"{len(comparison.systems)} systems, {len(chosen)} utterances; open {page}"


def worth_looking_at(comparison: Comparison, number: int) -> list[Utterance]:
    """So many utterances, and where else the phones that are most disputed can be heard; none of none."""
    return with_examples(comparison, choose(comparison, number)) if number else []


def named(comparison: Comparison, arguments: argparse.Namespace) -> list[Utterance]:
    """The utterances of --utt in its order; "all" stands for the whole test set, the most disputed first."""
    if arguments.utt == "all":
        return choose(comparison, len(comparison.utterances))
    return [find_utterance(arguments.data, name)[1] for name in dict.fromkeys(arguments.utt.split())]


def added_before(comparison: Comparison, report: Path) -> list[Utterance]:
    """The utterances that the report has because they were asked for, as far as they are still in the test set."""
    path = report / ADDED
    known = {utterance.id: utterance for utterance in comparison.utterances}
    return [known[line] for _, line in numbered_lines(path) if line in known] if path.is_file() else []


def shown_first(comparison: Comparison, pair: list[str] | None) -> list[int]:
    """The numbers of the systems of --pair; of the first and the last without it."""
    names = [system.name for system in comparison.systems]
    if pair is None:
        return [0, len(names) - 1]
    if strangers := [name for name in pair if name not in names]:
        raise UserError(f'--pair: "{strangers[0]}" is none of --systems; there are: {", ".join(names)}')
    return sorted(names.index(name) for name in pair)


if __name__ == "__main__":
    options = parser(__doc__)
    options.add_argument("--exp", type=Path, required=True, help="experiment folder of the corpus")
    options.add_argument("--data", type=Path, required=True, help="data folder of the corpus, with test/ and lang/")
    reference_option(options)
    options.add_argument("--systems", nargs="+", required=True, help="systems in the order of the table's rows")
    options.add_argument("--out", type=Path, required=True, help="folder to write (replaced if it is there)")
    options.add_argument("--pair", nargs=2, help="the two that a page shows first; without it the first and the last")
    options.add_argument("--utterances", type=at_least(0), default=12, help="how many utterances to show")
    options.add_argument(
        "--utt", default="", help="add pages of these, ids with spaces between, which stay; all: the whole test set"
    )
    jobs(options)
    run(options, main)
