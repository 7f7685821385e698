"""What all doors share: how mistakes are answered."""

import argparse
import sys
from collections.abc import Callable
from typing import NoReturn

from models.errors import UserError


class Parser(argparse.ArgumentParser):
    """An argument parser that answers a mistake with one line."""

    def error(self, message: str) -> NoReturn:
        """Raise what `run` prints."""
        raise UserError(f"{message} (--help shows what can be said)")


def run(main: Callable[[], None]) -> None:
    """Run a door; a `UserError` becomes one line on standard error and exit status 2.

    Ctrl-C exits with 130, as shells have it.
    """
    try:
        main()
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        # The reader of our standard output left; nothing more is to be said to it.
        sys.stderr.close()
        sys.exit(0)
