"""The one exception for what a person can put right."""

import contextlib
import re
from collections.abc import Iterator

LONGEST_MESSAGE, LONGEST_WORD = 1000, 300  # characters: a screen of somebody's file helps nobody


class UserError(Exception):
    """A person's mistake: one line that names the file, the line, the value and the way out.

    Stages print ``str(error)`` alone and exit with status 1; everything else is a bug and keeps its traceback.
    """

    def __str__(self) -> str:
        return one_line(super().__str__())


def one_line(text: str) -> str:
    """``text`` as a message: control characters written out, the middle of a long one left out.

    Messages quote files and names, which may hold line breaks, colours of a terminal, or a million letters.
    """
    half = LONGEST_WORD // 2
    text = re.sub(rf"\S{{{LONGEST_WORD},}}", lambda word: f"{word[0][:half]}...{word[0][-half:]}", text)
    if len(text) > LONGEST_MESSAGE:
        text = f"{text[: LONGEST_MESSAGE // 2]} ... {text[-LONGEST_MESSAGE // 2 :]}"
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


@contextlib.contextmanager
def reading(what: object) -> Iterator[None]:
    """Where memory runs out, what was being read; the stage tells it."""
    try:
        yield
    except MemoryError as error:
        if not getattr(error, "__notes__", None):
            error.add_note(str(what))
        raise


@contextlib.contextmanager
def at(where: object) -> Iterator[None]:
    """Before the message of a UserError, where it is: a file, or file:line."""
    try:
        yield
    except UserError as error:
        raise UserError(f"{where}: {error}") from None
