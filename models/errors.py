"""The exception for mistakes of the user."""


class UserError(Exception):
    """A mistake that the user can correct.

    The message is one line that says what is wrong and what to do. The commands in `apps/` print it
    on standard error and exit with status 2.
    """
