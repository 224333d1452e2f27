"""What every stage shares: one-line errors, the record of its settings, and the result line."""
from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from lexicon.errors import UserError
from lexicon.files import write_lines

# Options that change how a stage runs but not what it makes; a change in them reruns nothing.
WITHOUT_EFFECT = ("--jobs", "--downloads")


def parser(doc: str) -> argparse.ArgumentParser:
    """An option parser whose help shows the stage's docstring and every default."""
    return argparse.ArgumentParser(description=doc, formatter_class=argparse.ArgumentDefaultsHelpFormatter)


def recorded_settings(argv: list[str]) -> str:
    """The command line as the Makefile compares it: options without effect on the result left out."""
    kept, skip = [], False
    for word in argv:
        if skip:
            skip = False
        elif word in WITHOUT_EFFECT:
            skip = True
        else:
            kept.append(word)
    return " ".join(kept)


def run(options: argparse.ArgumentParser, main: Callable[[argparse.Namespace], tuple[Path, str]]) -> None:
    """Parse the command line, run ``main``, record the settings beside its target, print its one-line result.

    ``main`` returns the target (the file make looks at; it must exist) and the result line. ``TARGET.args`` then
    holds the settings it was made with. A UserError becomes one line on standard error and exit status 1.
    """
    arguments = options.parse_args()
    stage = Path(sys.argv[0]).stem
    try:
        target, result = main(arguments)
        write_lines(Path(f"{target}.args"), [recorded_settings(sys.argv[1:])])
    except UserError as error:
        sys.exit(f"{stage}: {error}")
    except OSError as error:
        # A full disk or a folder without permission is the user's to mend, so it gets one line as well.
        sys.exit(f"{stage}: {error.filename or 'file system'}: {error.strerror or error}; free space or permissions?")
    except KeyboardInterrupt:
        sys.exit(f"{stage}: interrupted; the same command goes on from here")
    print(f"{stage}: {result}", flush=True)
