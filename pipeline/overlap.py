"""Stages at work on different frames at the same time, each on a thread of its own."""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from threading import Condition, Thread
from typing import Any

WAITING = 2
"""Items that may lie between two stages: enough to even out slow ones, few enough to hold no more
than a handful of pictures."""


class _Stopped(Exception):
    """Nobody takes what this stage makes any more."""


class _Run:
    """What the threads of one run share: whether it goes on, and what ended it."""

    def __init__(self) -> None:
        self.changed = Condition()
        self.stopped = False
        self.error: BaseException | None = None

    def stop(self, error: BaseException | None = None) -> None:
        with self.changed:
            self.stopped = True
            self.error = self.error or error
            self.changed.notify_all()


class _Channel:
    """Between two stages: items in order, no more than `WAITING`, then the end."""

    def __init__(self, run: _Run):
        self._run = run
        self._items: deque[Any] = deque()
        self._ended = False

    def put(self, item: Any) -> None:
        with self._run.changed:
            self._run.changed.wait_for(lambda: len(self._items) < WAITING or self._run.stopped)
            if self._run.stopped:
                raise _Stopped
            self._items.append(item)
            self._run.changed.notify_all()

    def end(self) -> None:
        with self._run.changed:
            self._ended = True
            self._run.changed.notify_all()

    def __iter__(self) -> Iterator[Any]:
        while True:
            with self._run.changed:
                self._run.changed.wait_for(lambda: self._items or self._ended or self._run.stopped)
                if self._run.stopped:
                    raise _Stopped
                if not self._items:
                    return
                item = self._items.popleft()
                self._run.changed.notify_all()
            yield item


def overlap(items: Iterable[Any], *stages: Callable[[Any], Any]) -> Generator[Any, None, None]:
    """Put every item through all stages, each stage on its own thread.

    Results come in order and none is lost. Every stage sees one item after the other, as if there
    were no threads. An error, in a stage or in reading the items, ends the run at once and is
    raised here. No thread is left when the iteration ends, however it ends; one that is given up
    half-way must be closed (`contextlib.closing`).

    Args:
        items: read on a thread of its own.
        stages: functions of what the stage before returned.

    Example:
        >>> list(overlap("abc", str.upper, ord))
        [65, 66, 67]
    """
    run = _Run()
    channels = [_Channel(run) for _ in range(len(stages) + 1)]
    sources = [iter(items), *(map(stage, c) for stage, c in zip(stages, channels, strict=False))]
    threads = [
        Thread(target=_work, args=(run, *ends), name=f"stage {number}", daemon=True)
        for number, ends in enumerate(zip(sources, channels, strict=True))
    ]
    try:
        for thread in threads:
            thread.start()
        yield from channels[-1]
    except _Stopped:
        assert run.error is not None  # nothing else stops a run while its results are taken
        raise run.error from None
    finally:
        run.stop()
        for thread in threads:
            thread.join()


def _work(run: _Run, items: Iterator[Any], channel: _Channel) -> None:
    try:
        for item in items:
            channel.put(item)
        channel.end()
    except _Stopped:
        pass
    except BaseException as error:  # whatever it is, the caller gets it
        run.stop(error)
