"""What every stage shares: one-line errors, one run at a time, the record of what it made, and the result line."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import errno
import math
import re
import sys
import textwrap
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, NoReturn

from lexicon.errors import UserError, one_line
from lexicon.files import noting, write_lines
from pipeline.base.parallel import CORES
from stages.lock import alone
from stages.made import OWN, forget, quoted, write_made

# Lines of an utterance that are printed, about five seconds of speech; the file beside them has them all.
PRINTED = 160
# Of a recording of one's own: with what is said before and after a screen of 40, which is so wide.
PRINTED_OWN, SCREEN_COLUMNS = 35, 100
# Options that change how a stage runs but not what it makes, or add to that; a change in them reruns nothing.
WITHOUT_EFFECT = ("--jobs", "--downloads", "--models", "--utt")
# The first of these options that a stage has names what it writes.
OUTPUTS = ("out", "decode", "data")
# Files of the user's that a stage reads: if they are others, what was made of them is made again.
GIVEN = ("lexicon", "phones", "extra", "leave_out", "lm")
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


def path(text: str) -> Path:
    """The type of an option that a person gives a path to: ~ is their home, as make does not expand it."""
    if any(sign in text for sign in "\n\r\0"):
        raise argparse.ArgumentTypeError(f"{text!r}: a line break in a path; rename the folder or file")
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise argparse.ArgumentTypeError(f"{text!r}: {error}") from error


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


def jobs(options: argparse.ArgumentParser, meaning: str = "worker processes") -> None:
    """The option of every stage that computes for long."""
    options.add_argument("--jobs", type=at_least(1), default=1, help=meaning)


def leave_out(options: argparse.ArgumentParser) -> None:
    """The option of every stage that makes raw features."""
    options.add_argument(
        "--leave-out",
        type=Path,
        help="list of utterances too short for their words, as other stages"
        " write it, to go on without; where there is none it is begun",
    )


def models_option(options: argparse.ArgumentParser) -> None:
    """The option of every stage that may need an encoder from outside."""
    options.add_argument("--models", type=path, help="folder where encoders are looked for first")


def systems_option(options: argparse.ArgumentParser) -> None:
    """The option of every stage in which systems hear a recording."""
    options.add_argument(
        "--system",
        nargs=3,
        action="append",
        required=True,
        metavar=("NAME", "MODEL", "LANG"),
        help="a system, its model directory and lang directory; give it for each system",
    )
    lm_option(options)


def lm_option(options: argparse.ArgumentParser) -> None:
    """The option of every stage that searches for words."""
    options.add_argument(
        "--lm",
        type=path,
        help="Python object that scores words in place of lang's n-gram, module:object or file.py:object (it is run);"
        " for flashlight's search and that for letters",
    )


def reference_option(options: argparse.ArgumentParser) -> None:
    """The option of every stage that reads the reference phones of an experiment."""
    options.add_argument(
        "--reference",
        required=True,
        help="the system in EXP whose forced alignment chooses pronunciations, and gives times without gold phones",
    )


def reference_alignment(arguments: argparse.Namespace) -> Path:
    """The folder of the reference's alignment of the test set."""
    return Path(arguments.exp) / arguments.reference / "ali_test"


def yes_or_no(text: str) -> bool:
    """The type of an option that is on or off."""
    if text not in ("yes", "no"):
        raise argparse.ArgumentTypeError(f"{text!r}: write yes or no")
    return text == "yes"


def settings_options(options: argparse.ArgumentParser, settings: type, tuned: Collection[str] = ()) -> None:
    """An option for each field of a dataclass of settings (`pipeline.base.training.setting`). Those that are ``tuned``
    have no default."""
    for field in dataclasses.fields(settings):
        meta: Any = field.metadata
        default: Any = field.default
        several, switch = isinstance(default, tuple), isinstance(default, bool)
        plain: Any = type(default[0]) if several else type(default)
        kind: Any = at_least(plain(meta["least"])) if meta["least"] is not None else plain
        shown = ("yes" if default else "no") if switch else default
        options.add_argument(
            "--" + field.name.replace("_", "-"),
            type=yes_or_no if switch else kind,
            nargs="+" if several else None,
            default=argparse.SUPPRESS if field.name in tuned else shown,
            choices=meta["choices"],
            help=meta["help"] + (" (default: as tuned on dev)" if field.name in tuned else ""),
        )


def settings_from(arguments: argparse.Namespace, settings: type, instead: Any = None) -> Any:
    """The settings that the command line gives; ``instead`` has those that it does not."""
    names = [field.name for field in dataclasses.fields(settings)]
    values = {name: getattr(arguments if name in arguments else instead, name) for name in names}
    return settings(**{name: tuple(value) if isinstance(value, list) else value for name, value in values.items()})


def recorded_settings(argv: list[str]) -> str:
    """The command line as the Makefile writes and compares it: options without effect on the result left out."""
    kept, skip = [], False
    for word in argv:
        if skip:
            skip = False
        elif word in WITHOUT_EFFECT:
            skip = True
        elif word.partition("=")[0] not in WITHOUT_EFFECT:
            kept.append(quoted(word))
    return re.sub("[ \t\n]+", " ", " ".join(kept))  # as make joins words


def run(options: argparse.ArgumentParser, main: Callable[[argparse.Namespace], tuple[Path | None, str]]) -> None:
    """Parse the command line, run ``main``, record what it made beside its target, print its one-line result.

    ``main`` returns the target (the file make looks at, which must exist; None if the stage makes nothing) and the
    result line. A UserError becomes one line on standard error and exit status 1. While a stage that writes runs, no
    stage of another run of make writes what it reads, or reads what it writes.
    """
    arguments = options.parse_args()
    try:
        written = output(arguments)
        with CORES.one(arguments.jobs) if hasattr(arguments, "jobs") else contextlib.nullcontext():
            target, result = _recorded(main, arguments, written) if written else main(arguments)
        print(f"{_stage()}: {result}", flush=True)
    except (UserError, OSError, MemoryError, UnicodeEncodeError, KeyboardInterrupt) as error:
        error.__traceback__ = None  # it holds on to all that filled the memory
        sys.exit(f"{_stage()}: {in_words(error)}")


def _recorded(
    main: Callable[[argparse.Namespace], tuple[Path | None, str]], arguments: argparse.Namespace, written: list[Path]
) -> tuple[Path | None, str]:
    """Run ``main`` alone in the folders that it works in, and record what it wrote. From its beginning until its end
    there is no record, so that a run which is broken off leaves nothing that passes for finished."""
    options = vars(arguments)
    with alone(written, [path for path in options.values() if isinstance(path, Path)], _stage()) as began_ns:
        began_ns = began_ns or time.time_ns()
        for path in written:
            forget(path, _stage())
        with noting() as files:
            target, result = main(arguments)
        if target:
            given = [options[name] for name in GIVEN if options.get(name)]
            write_made(target, _stage(), recorded_settings(sys.argv[1:]), began_ns, files, given)
    return target, result


def show(lines: list[str], path: Path) -> None:
    """Print the lines, if they are many the first PRINTED, and write them all."""
    print(*shortened(lines, PRINTED, path), "", sep="\n")
    write_lines(path, lines)


def beside(*names: str) -> str:
    """What is said of the files beside a page of one's own recording."""
    return textwrap.fill(f"with times: {', '.join(names)} (Praat)", SCREEN_COLUMNS, break_on_hyphens=False)


def shortened(lines: list[str], most: int, path: Path) -> list[str]:
    """The lines, or if they are many the first ``most`` and where more is."""
    more = len(lines) - most
    return [*lines[:most], *([f"… {more:,} more lines in {path}"] if more > 0 else [])]


def in_words(error: BaseException) -> str:
    """The line for what is the user's to mend."""
    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, BrokenPipeError) and error.filename is None:
        sys.stdout = None  # nothing more can be said there, at exit neither
        return "nobody reads the output any more (a pipe was closed); run the same command again"
    if isinstance(error, OSError):  # a full disk or a folder without permission
        return one_line(
            f"{error.filename or 'file system'}: {error.strerror or error}; "
            f"{REMEDIES.get(error.errno or 0, 'free space or permissions?')}"
        )
    if isinstance(error, MemoryError):
        what = "".join(f"{note}: " for note in getattr(error, "__notes__", [])[:1])  # see lexicon.errors.reading
        return one_line(f"{what}out of memory; close other programs, use fewer --jobs, or split the longest utterances")
    if isinstance(error, UnicodeEncodeError):
        return f"{error.object[:80]!a}: a name that is not UTF-8; rename the file or folder"
    return "interrupted; the same command goes on from here"


def output(arguments: argparse.Namespace) -> list[Path]:
    """What the stage writes; nothing for one that only looks, or keeps a person's own recording."""
    if not hasattr(arguments, "out") and hasattr(arguments, "exp"):
        return []  # pictures of an experiment: two at a time do no harm
    found = next((value for name in OUTPUTS if (value := getattr(arguments, name, None))), None)
    every = [Path(path) for path in (found if isinstance(found, list) else [found] if found else [])]
    return [path for path in every if path.parent.name != OWN]


def _stage() -> str:
    return Path(sys.argv[0]).stem
