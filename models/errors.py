"""The one exception a user is meant to read."""


class UserError(Exception):
    """What the user can mend: one line saying what is wrong and what to do.

    The doors in ``apps/`` print it on standard error and exit with status 2.
    """
