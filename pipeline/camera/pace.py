"""Recordings as if they were happening: each picture when it is due."""

import time


class Pace:
    """Makes a recording come as if it were happening, from its second picture on.

    The first one is looked at when the source is opened, long before anybody watches.
    """

    def __init__(self) -> None:
        self._first: float | None = None
        self._began: float | None = None

    def wait(self, due: float) -> None:
        """Sleep until it is time for what is `due` at this second of the recording."""
        if self._first is None:
            self._first = due
            return
        if self._began is None:
            self._began = time.monotonic() - self._first
        time.sleep(max(0.0, self._began + due - time.monotonic()))
