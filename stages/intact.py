"""Name the targets in FOLDERs that have to be made again, for a file of theirs is gone or no longer what was written.

The Makefile asks at its start. What somebody may have changed by hand is kept: FOLDER/changed has a copy.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from lexicon.errors import one_line
from stages.common import parser
from stages.made import Fault, faults, keep_aside

TOLD = 5  # reasons that are printed; more are counted


def reason(root: Path, fault: Fault, keep: bool) -> str:
    """Why a target has to be made again; a changed file is put aside first."""
    file = os.path.relpath(fault.file) if fault.file.is_relative_to(Path.cwd()) else str(fault.file)
    if fault.what == "gone":
        return f"{file} is gone"
    if fault.what == "another":
        return f"{file} has been changed"
    kept = keep_aside(root, fault.file) if keep else None
    return f"{file} is not as it was written" + (f"; what was there is in {kept}" if kept else "")


def main(look: bool, roots: list[str]) -> None:
    reasons = []
    for root in roots:
        for fault in faults(Path(root)):
            print(f"{root}/{os.path.relpath(fault.target, root)}")
            reasons.append(reason(Path(root), fault, not look))
    for line in reasons[:TOLD]:
        print(one_line(f"make: {line}; it is made again"), file=sys.stderr)
    if len(reasons) > TOLD:
        print(f"make: and {len(reasons) - TOLD} more", file=sys.stderr)


if __name__ == "__main__":
    options = parser(__doc__)
    options.add_argument("--look", action="store_true", help="copy nothing")
    options.add_argument("folders", nargs="+", metavar="FOLDER", help="data/CORPUS or exp/CORPUS")
    arguments = options.parse_args()
    main(arguments.look, arguments.folders)
