"""The one exception for what a person can put right."""

import contextlib
import re
from collections.abc import Iterator

LONGEST_MESSAGE, LONGEST_WORD = 1000, 300  # characters of a message, and of a word in it


class UserError(Exception):
    """A mistake of the user: one line that names the file, the line, the value and the way out.

    Stages print ``str(error)`` alone and exit with status 1; everything else is a bug and keeps its traceback.
    """

    def __str__(self) -> str:
        return one_line(super().__str__())


def one_line(text: str) -> str:
    """``text`` as a message in one line: control characters are escaped, the middle of a long text is left out.

    Messages quote files and names, which may hold line breaks, terminal colours, or a million letters.
    """
    half = LONGEST_WORD // 2
    text = re.sub(rf"\S{{{LONGEST_WORD},}}", lambda word: f"{word[0][:half]}...{word[0][-half:]}", text)
    if len(text) > LONGEST_MESSAGE:
        text = f"{text[: LONGEST_MESSAGE // 2]} ... {text[-LONGEST_MESSAGE // 2 :]}"
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


@contextlib.contextmanager
def reading(what: object) -> Iterator[None]:
    """Adds to a MemoryError what was being read, for the stage's message."""
    try:
        yield
    except MemoryError as error:
        if not getattr(error, "__notes__", None):
            error.add_note(str(what))
        raise


@contextlib.contextmanager
def at(where: object) -> Iterator[None]:
    """Puts a file, or file:line, before the message of a UserError."""
    try:
        yield
    except UserError as error:
        raise UserError(f"{where}: {error}") from None


def first_line(error: Exception) -> str:
    """What went wrong, in one line."""
    return (str(error).splitlines() or [type(error).__name__])[0].strip(":<> ")
