"""The one exception for what a person can put right."""


class UserError(Exception):
    """A person's mistake: one line that names the file, the line, the value and the way out.

    Stages print ``str(error)`` alone and exit with status 1; everything else is a bug and keeps its traceback.
    """
