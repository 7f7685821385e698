"""Extracting many clips: in several processes, each clip once, whatever stops the run."""

import multiprocessing
import os
import signal
from collections.abc import Generator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from multiprocessing.synchronize import Event
from pathlib import Path
from threading import Thread

import cv2

from models.data.imports import files
from models.data.recording import Skeletons
from models.errors import UserError
from pipeline.engine import TrackingPipeline
from pipeline.extract.clips import clause, printable
from pipeline.extract.store import Store
from pipeline.extract.video import Settings, extract

Outcome = Skeletons | str
"""The skeletons of a clip, or the reason in a clause why there are none."""


def extract_all(
    clips: Mapping[str, Path], store: Store, settings: Settings, processes: int
) -> Generator[tuple[str, Outcome]]:
    """Extract clips into a store.

    Each process has networks of its own, with one thread. The results depend neither on the number
    of processes nor on their order. An interrupted run ends within a frame of each process, and
    what is done stays in the store; so does it if the program is killed. Close the iterator
    (`contextlib.closing`) if it is not iterated to the end.

    Args:
        clips: by their keys in the store.
        store: where the skeletons are kept.
        settings: how they are found.
        processes: how many there are at most.

    Yields:
        The key and the outcome of each clip, in the order in which they are done.

    Raises:
        UserError: a network cannot be loaded, the store cannot be written, or a process died.
    """
    if not clips:
        return
    settings = replace(settings, threads=1)
    if not all(map(files.has_skeletons, clips.values())):
        settings.pipeline()  # compiled here, if need be, and not by every process
    processes = min(processes, len(clips))
    # Fresh processes: those of a fork would share locks of threads that they do not have.
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    pool = ProcessPoolExecutor(processes, context, _begin, (store, settings, stop))
    try:
        futures = {pool.submit(_extract, key, path): key for key, path in clips.items()}
        left = dict(clips)
        for future in as_completed(futures):
            key = futures[future]
            yield key, future.result()
            del left[key]
    except BrokenProcessPool as error:
        # They are begun in order, so that it was one of the first that are left.
        begun = ", ".join(printable(path) for path in list(left.values())[:processes])
        raise UserError(
            f"a process died, perhaps for want of memory, at {begun}: run the command again, which "
            "goes on, with fewer --processes, or without that clip"
        ) from error
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)


def available_cores() -> int:
    """Number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@dataclass
class _Worker:
    """What a process has."""

    store: Store
    settings: Settings
    stop: Event
    pipeline: TrackingPipeline | None = None

    def extract(self, key: str, path: Path) -> Outcome:
        """Extract a clip into the store."""
        if self.pipeline is None and not files.has_skeletons(path):
            self.pipeline = self.settings.pipeline()
        try:
            skeletons = extract(path, self.settings, self.pipeline, self.check)
        except UserError as error:
            return clause(error, path)
        self.store.put(key, skeletons)
        return skeletons

    def check(self) -> None:
        """Leave the clip that is under way, if the run was interrupted."""
        if self.stop.is_set():
            raise KeyboardInterrupt


_worker: _Worker | None = None


def _begin(store: Store, settings: Settings, stop: Event) -> None:
    """Prepare a process."""
    global _worker
    _worker = _Worker(store, settings, stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first process says when to stop
    Thread(target=_end_with_parent, daemon=True).start()
    cv2.setNumThreads(1)
    if settings.runtime == "torch":
        import torch  # takes a second, which compiled networks save

        torch.set_num_threads(1)


def _end_with_parent() -> None:
    """End this process when the first one was killed, which cannot say so."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _extract(key: str, path: Path) -> Outcome:
    assert _worker is not None  # `_begin` has run
    return _worker.extract(key, path)
