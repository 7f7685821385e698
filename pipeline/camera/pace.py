"""Playing recordings in real time."""

import time


class Pace:
    """Plays a recording in real time, starting with its second picture.

    The first picture is read when the source is opened, long before it is played.
    """

    def __init__(self) -> None:
        self._first: float | None = None
        self._began: float | None = None

    def wait(self, due: float) -> None:
        """Sleep until it is time for the picture at `due` seconds of the recording."""
        if self._first is None:
            self._first = due
            return
        if self._began is None:
            self._began = time.monotonic() - self._first
        time.sleep(max(0.0, self._began + due - time.monotonic()))
