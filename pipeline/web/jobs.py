"""Videos and lessons wait for their turn: one of a kind is processed at a time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition

from models.errors import UserError
from pipeline.web.quotas import Quotas


class Jobs:
    """The queue of jobs, in the order in which they came.

    Args:
        quotas: how many there may be.
        kind: what the jobs are, in a word.
    """

    def __init__(self, quotas: Quotas, kind: str = "video"):
        self._quotas = quotas
        self._kind = kind
        self._queue: list[Job] = []
        self._changed = Condition()

    @contextmanager
    def join(self, visitor: str) -> Iterator[Job]:
        """Queue a job of a visitor, until the context ends.

        Raises:
            UserError: there are too many.
        """
        with self._changed:
            if self.count(visitor) >= self._quotas.jobs:
                raise UserError(f"your other {self._kind}s come first: wait for one, or cancel it")
            if len(self._queue) > self._quotas.waiting:
                raise UserError(f"too many {self._kind}s are waiting: try again in some minutes")
            job = Job(visitor, self._kind, self._queue, self._changed)
            self._queue.append(job)
        try:
            yield job
        finally:
            job.end()

    def count(self, visitor: str) -> int:
        """The number of a visitor's jobs."""
        return sum(job.visitor == visitor for job in list(self._queue))

    def drop(self, silence: float) -> None:
        """End the jobs whose last result nobody has taken for so many seconds."""
        oldest = time.monotonic() - silence
        for job in list(self._queue):
            if job.offered is not None and job.offered < oldest:
                job.end()


class Job:
    """A place in the queue.

    Attributes:
        visitor: whose job it is.
        offered: since when a result waits to be taken, in seconds as `time.monotonic`; None while
            the next one is made, however long that takes.
    """

    def __init__(self, visitor: str, kind: str, queue: list[Job], changed: Condition):
        self.visitor = visitor
        self._kind = kind
        self.offered: float | None = None
        self._queue = queue
        self._changed = changed

    def wait(self, seconds: float) -> int:
        """Wait for the job's turn.

        Args:
            seconds: to wait at most.

        Returns:
            The number of jobs before this one; 0 if it is its turn.

        Raises:
            UserError: the job has been ended.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._place() <= 0, seconds)
            place = self._place()
        if place < 0:
            raise UserError(f"nobody waited for this {self._kind} any more: start it again")
        return place

    @contextmanager
    def offer(self) -> Iterator[None]:
        """Offer a result, until the context ends, as somebody has taken it.

        Raises:
            UserError: the job has been ended, since nobody did.
        """
        self.offered = time.monotonic()
        yield
        self.offered = None
        self.wait(0)

    def end(self) -> None:
        """Leave the queue."""
        with self._changed:
            if self in self._queue:
                self._queue.remove(self)
            self._changed.notify_all()

    def _place(self) -> int:
        return self._queue.index(self) if self in self._queue else -1
