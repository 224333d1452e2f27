"""Check data directories of Kaldi's form, whoever made them: every line of every file, the audio, features and gold.

All that is wrong is listed, a line each: file:line: what; what to do. Errors are what a stage would refuse or misread,
remarks what phonoscope puts up with. Exit status 1 if there are errors.
"""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from tqdm import tqdm

from lexicon.errors import UserError, one_line
from pipeline.corpora.kaldi_dir import sets_in
from pipeline.corpora.prepared import SETS
from pipeline.datadir import DataDir, Problem
from pipeline.datadir.check import Check
from pipeline.datadir.repair import repair
from pipeline.datadir.survey import survey
from pipeline.datadir.survey_picture import picture
from stages.common import parser, run


def main(args: Namespace) -> tuple[None, str]:
    folders = [args.folder] if (args.folder / "wav.scp").is_file() else sets_in(args.folder)
    if not folders:
        raise UserError(
            f"{args.folder}: no data directory (it has no wav.scp, nor has a folder in it); give one with DIR=, "
            f"or recordings beside transcripts with: make data CORPUS_DIR={args.folder}"
        )
    if args.fix:
        for done in (line for folder in folders for line in repair(folder)):
            print(one_line(f"mended: {done}"), flush=True)
    problems = {folder: show(folder) for folder in folders}
    errors, remarks = (
        [p for found in problems.values() for p in found if p.remark == remark] for remark in (False, True)
    )
    print_survey(args.folder, [folder for folder in folders if all(p.remark for p in problems[folder])])
    counts = f"{args.folder}: {len(errors)} errors, {len(remarks)} remarks"
    if errors:
        left = (
            "mend by hand what is left, the originals are in .backup"
            if args.fix
            else f"mend them, or let be mended what can be: make check DIR={args.folder} FIX=yes"
        )
        raise UserError(f"{counts}; {left}")
    return None, counts


def show(folder: Path) -> list[Problem]:
    """Print the problems of a directory as they are found, and return them."""
    found = []
    for problem in Check(folder).problems():
        print(one_line(f"{'remark' if problem.remark else 'error'}: {problem}"), flush=True)
        found.append(problem)
    return found


def print_survey(root: Path, folders: list[Path]) -> None:
    """One screen on the directories that are sound."""
    lexicon = root / "lexicon.txt"
    order = {name: index for index, name in enumerate(SETS)}
    sets = {
        folder.name: DataDir(folder, foreign=True).utterances()
        for folder in sorted(folders, key=lambda folder: order.get(folder.name, len(SETS)))
    }
    if sets:
        found = survey(
            {
                name: tqdm(members, desc=f"survey {name}", unit="utt", disable=None, leave=False)
                for name, members in sets.items()
            },
            lexicon if lexicon.is_file() else None,
        )
        print("\n".join(picture(found)), flush=True)


if __name__ == "__main__":
    options = parser(__doc__)
    options.add_argument("folder", type=Path, help="a data directory, or a folder of some")
    options.add_argument(
        "--fix",
        action="store_true",
        help="first mend what can be mended without losing speech; the originals are kept in a folder .backup",
    )
    run(options, main)
