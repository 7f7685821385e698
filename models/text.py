"""Text from outside, such as names of files, made fit to be shown on one line."""

import sys
from unicodedata import category


def printable(text: object) -> str:
    r"""Return a text on one line, without anything that a terminal would obey.

    Line breaks, escape and other control characters, marks of direction, and bytes that are no
    characters are written as Python writes them: "\n", "\x1b", "\u202e", "\udc80".
    """
    text = str(text)
    if text.isprintable():  # nearly always
        return text
    return "".join(c if c.isprintable() or category(c) == "Zs" else ascii(c)[1:-1] for c in text)


def tell(line: str) -> None:
    """Print a line on standard error."""
    print(printable(line), file=sys.stderr, flush=True)
