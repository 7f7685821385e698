"""Running stages side by side, each on a thread of its own, or all in turn on one."""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Executor, Future
from threading import Condition, Thread
from typing import Any

QUEUE_SIZE = 2
"""Items between two stages: enough to even out slow ones, few enough to hold only a handful of
pictures in memory."""


class _Stopped(Exception):
    """The run has ended: a stage's results are no longer taken."""


class _Run:
    """State that the threads of one run share: whether it has ended, and by which error."""

    def __init__(self) -> None:
        self.changed = Condition()
        self.stopped = False
        self.error: BaseException | None = None

    def stop(self, error: BaseException | None = None) -> None:
        with self.changed:
            self.stopped = True
            self.error = self.error or error
            self.changed.notify_all()


class _Queue:
    """Items between two stages, in order, at most `QUEUE_SIZE`."""

    def __init__(self, run: _Run):
        self._run = run
        self._items: deque[Any] = deque()
        self._ended = False

    def put(self, item: Any) -> None:
        with self._run.changed:
            self._run.changed.wait_for(lambda: len(self._items) < QUEUE_SIZE or self._run.stopped)
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
    """Pass every item through all stages, each stage on its own thread.

    Results come in order, and none is lost. Each stage gets one item after the other, as it would
    without threads. An error in a stage, or in reading the items, ends the run at once and is
    raised here. No thread outlives the iteration. Close it (`contextlib.closing`) if it is not
    iterated to the end.

    Args:
        items: read on a thread of its own.
        stages: functions of the previous stage's result.

    Example:
        >>> list(overlap("abc", str.upper, ord))
        [65, 66, 67]
    """
    run = _Run()
    queues = [_Queue(run) for _ in range(len(stages) + 1)]
    inputs = [iter(items), *(map(stage, q) for stage, q in zip(stages, queues, strict=False))]
    threads = [
        Thread(target=_work, args=(run, *ends), name=f"stage {number}", daemon=True)
        for number, ends in enumerate(zip(inputs, queues, strict=True))
    ]
    try:
        for thread in threads:
            thread.start()
        yield from queues[-1]
    except _Stopped:
        assert run.error is not None  # only an error stops a run while its results are taken
        raise run.error from None
    finally:
        run.stop()
        for thread in threads:
            thread.join()


def in_turn(items: Iterable[Any], *stages: Callable[[Any], Any]) -> Generator[Any, None, None]:
    """Pass every item through all stages on the caller's thread, which `overlap` is held against.

    Args:
        items: read one by one.
        stages: functions of the previous stage's result.
    """
    for item in items:
        for stage in stages:
            item = stage(item)
        yield item


class Inline(Executor):
    """An executor without a thread: what is submitted is done at once."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Call a function, and return a future that has its result or its error already."""
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


def _work(run: _Run, items: Iterator[Any], results: _Queue) -> None:
    try:
        for item in items:
            results.put(item)
        results.end()
    except _Stopped:
        pass
    except BaseException as error:  # any kind: the caller gets it
        run.stop(error)
