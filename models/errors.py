"""The exception for mistakes of the user."""

from models.text import printable


class UserError(Exception):
    """A mistake that the user can correct.

    The message is one line that says what is wrong and what to do. The commands in `apps/` print it
    on standard error and exit with status 2.

    Args:
        message: may name files and labels as they are: it is made `printable`.
    """

    def __init__(self, message: str):
        super().__init__(printable(message))
