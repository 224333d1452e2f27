"""What every stage shares: one-line errors, one run at a time, the record of its settings, and the result line."""
from __future__ import annotations

import argparse
import contextlib
import errno
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from lexicon.errors import UserError, one_line
from lexicon.files import write_lines
from stages.lock import alone

# Lines of an utterance that are printed, about five seconds of speech; the file beside them has them all.
PRINTED = 160
# Options that change how a stage runs but not what it makes; a change in them reruns nothing.
WITHOUT_EFFECT = ("--jobs", "--downloads")
# The first of these options that a stage has names what it writes.
OUTPUTS = ("out", "decode", "data")
REMEDIES = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT, errno.EFBIG), "free some space there"),
    **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS), "give yourself the permission, or choose another folder"),
    **dict.fromkeys((errno.ENOTDIR, errno.EISDIR, errno.EEXIST), "move it away, or choose another name"),
    errno.ENAMETOOLONG: "choose a shorter name",
}


class _Parser(argparse.ArgumentParser):
    """A wrong option is a person's mistake like others: one line, exit status 1."""

    def error(self, message: str) -> NoReturn:
        sys.exit(one_line(f"{_stage()}: {message}; see: python -m stages.{_stage()} --help"))


def parser(doc: str) -> argparse.ArgumentParser:
    """An option parser whose help shows the stage's docstring and every default."""
    return _Parser(description=doc, formatter_class=argparse.ArgumentDefaultsHelpFormatter)


def at_least(least: float) -> Callable[[str], float]:
    """The type of a number option that is no less; a whole number where ``least`` is one."""
    kind = type(least)

    def number(text: str) -> float:
        value = kind(text)
        if not least <= value < math.inf:
            raise argparse.ArgumentTypeError(f"{text} is not a number of at least {least}")
        return value

    number.__name__ = kind.__name__  # argparse names it where the text is no number at all
    return number


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


def run(options: argparse.ArgumentParser, main: Callable[[argparse.Namespace], tuple[Path | None, str]]) -> None:
    """Parse the command line, run ``main``, record the settings beside its target, print its one-line result.

    ``main`` returns the target (the file make looks at, which must exist; None if the stage makes nothing) and the
    result line. ``TARGET.args`` then holds the settings it was made with. A UserError becomes one line on standard
    error and exit status 1. While it runs, no second stage can write the same output.
    """
    arguments = options.parse_args()
    try:
        written = output(arguments)
        with alone(written, _stage()) if written else contextlib.nullcontext():
            target, result = main(arguments)
            if target:
                write_lines(Path(f"{target}.args"), [recorded_settings(sys.argv[1:])])
        print(f"{_stage()}: {result}", flush=True)
    except (UserError, OSError, MemoryError, UnicodeEncodeError, KeyboardInterrupt) as error:
        error.__traceback__ = None  # it holds on to all that filled the memory
        sys.exit(f"{_stage()}: {in_words(error)}")


def show(lines: list[str], path: Path) -> None:
    """Print the lines, if they are many the first PRINTED, and write them all."""
    more = len(lines) - PRINTED
    print("\n".join([*lines[:PRINTED], *([f"… {more:,} more lines in {path}"] if more > 0 else []), ""]))
    write_lines(path, lines)


def in_words(error: BaseException) -> str:
    """The line for what is the user's to mend."""
    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, BrokenPipeError) and error.filename is None:
        sys.stdout = None  # nothing more can be said there, at exit neither
        return "nobody reads the output any more (a pipe was closed); run the same command again"
    if isinstance(error, OSError):  # a full disk or a folder without permission
        return one_line(f"{error.filename or 'file system'}: {error.strerror or error}; "
                        f"{REMEDIES.get(error.errno, 'free space or permissions?')}")
    if isinstance(error, MemoryError):
        what = "".join(f"{note}: " for note in getattr(error, "__notes__", [])[:1])  # see lexicon.errors.reading
        return one_line(f"{what}out of memory; close other programs, use fewer --jobs, or split the longest utterances")
    if isinstance(error, UnicodeEncodeError):
        return f"{error.object[:80]!a}: a name that is not UTF-8; rename the file or folder"
    return "interrupted; the same command goes on from here"


def output(arguments: argparse.Namespace) -> Path | None:
    """What the stage writes; None for one that only looks."""
    if not hasattr(arguments, "out") and hasattr(arguments, "exp"):
        return None  # pictures of an experiment: two at a time do no harm
    return next((Path(getattr(arguments, name)) for name in OUTPUTS if getattr(arguments, name, None)), None)


def _stage() -> str:
    return Path(sys.argv[0]).stem
