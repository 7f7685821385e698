"""The exception for mistakes of the user, and notes on any exception."""

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


def note(error: BaseException, line: str) -> None:
    """Add a line to what is said of an error, as `add_note` does from Python 3.11 on."""
    error.__notes__ = [*getattr(error, "__notes__", []), line]  # type: ignore[attr-defined]
