"""Delete what is in each FOLDER of phonoscope's (data/CORPUS, exp/CORPUS), but for the recordings of users in
FOLDER/own."""

from __future__ import annotations

import shutil
from argparse import Namespace
from pathlib import Path

from lexicon.errors import UserError
from lexicon.files import MARKER
from stages.common import parser, run
from stages.lock import NAME as LOCK
from stages.made import OWN


def main(args: Namespace) -> tuple[None, str]:
    there = [folder for folder in args.out if folder.exists() or folder.is_symlink()]
    for folder in there:
        if folder.is_symlink() or not (folder / MARKER).is_file():
            raise UserError(
                f"{folder}: not phonoscope's, for there is no {MARKER} in it; nothing is deleted. Delete it"
                " yourself if it is not needed"
            )
    kept = [folder / OWN for folder in there if (folder / OWN).exists()]
    for folder in there:
        for path in folder.iterdir():
            if path.is_dir() and not path.is_symlink():
                if path.name != OWN:
                    shutil.rmtree(path)
            elif path.name != MARKER and not path.name.startswith(LOCK):
                path.unlink()
        if not (folder / OWN).exists():
            (folder / MARKER).unlink()
    left = f"; kept: {', '.join(map(str, kept))}" if kept else ""
    return None, f"{', '.join(map(str, there)) or 'nothing'} deleted{left}"


if __name__ == "__main__":
    options = parser(__doc__)
    options.add_argument("out", type=Path, nargs="+", metavar="FOLDER", help="folders to empty")
    run(options, main)
