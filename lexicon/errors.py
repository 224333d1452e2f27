"""The one exception for what a person can put right."""

LONGEST_MESSAGE = 1000  # characters: more than a screen of somebody's file helps nobody


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
    if len(text) > LONGEST_MESSAGE:
        half = LONGEST_MESSAGE // 2
        text = f"{text[:half]} ... {text[-half:]}"
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
