"""The table of what became of everything that was tried."""

from collections import Counter
from threading import Lock

COLUMNS = ("tried", "whole", "clear line", "traceback", "hang", "crash", "lost")
BAD = COLUMNS[3:]
"""The columns that are to stay at zero."""


class Table:
    """Counts what became of each case, by kind, and remembers the bad ones; from any thread.

    Attributes:
        bad: a line for each case in a column of `BAD`, that repeats it.
    """

    def __init__(self) -> None:
        self._rows: dict[str, Counter[str]] = {}
        self.bad: list[str] = []
        self._turn = Lock()

    def add(self, row: str, column: str, case: str, details: str = "") -> None:
        """Count a case.

        Args:
            row: kind of the case.
            column: what became of it.
            case: how to repeat it.
            details: what was seen of it, if it is bad.
        """
        with self._turn:
            counts = self._rows.setdefault(row, Counter())
            counts["tried"] += 1
            counts[column] += 1
            if column in BAD:
                self.bad.append(f"{column}: {case}: {details}")

    def text(self) -> str:
        """The table, with a line of sums."""
        total: Counter[str] = sum(self._rows.values(), Counter())
        rows = [*self._rows.items(), ("sum", total)]
        width = max(len(name) for name, _ in rows)
        lines = [" ".join([" " * width, *COLUMNS])]
        for name, counts in rows:
            cells = (f"{counts[column]:>{len(column)}}" for column in COLUMNS)
            lines.append(" ".join([f"{name:<{width}}", *cells]))
        return "\n".join([*lines, *self.bad])
