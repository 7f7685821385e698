"""Extracting many clips: in several processes, each clip once, whatever stops the run."""

import multiprocessing
import os
import platform
import signal
from collections.abc import Generator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from dataclasses import dataclass, replace
from functools import lru_cache
from multiprocessing.synchronize import Event
from pathlib import Path
from threading import Thread

from models.data.imports import files
from models.data.recording import Skeletons
from models.errors import UserError
from pipeline.choices import compiling, use_one_thread
from pipeline.cluster import Lost, cluster, run_all
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


def extract_on(
    address: str, clips: Mapping[str, Path], store: Store, settings: Settings
) -> Generator[tuple[str, Outcome]]:
    """Extract clips into a store, as `extract_all`, on a Ray cluster.

    Every machine has the clips under the same paths; one that has others, or other weights or code,
    extracts nothing. Only this one needs the store.

    Raises:
        UserError: as `extract_all`, or as `pipeline.cluster.cluster`.
    """
    if not clips:
        return
    settings = replace(settings, threads=1)
    jobs = {key: (key, path, settings) for key, path in clips.items()}
    gpus = float(settings.device.startswith("cuda"))
    with cluster(address), closing(run_all(extract_job, jobs, gpus)) as outcomes:
        for key, outcome in outcomes:
            if isinstance(outcome, Skeletons):
                store.put(key, outcome)
            yield key, outcome.reason if isinstance(outcome, Lost) else outcome


def extract_job(job: tuple[str, Path, Settings]) -> Outcome:
    """Extract a clip by its key, with networks that stay in memory for the next one."""
    key, path, settings = job
    try:
        if _keys(settings).key(path) != key:
            return f"{platform.node()} has other clips, weights or code: install the same there"
        pipeline = None if files.has_skeletons(path) else _pipeline(settings)
        return extract(path, settings, pipeline)
    except UserError as error:
        return clause(error, path)


@lru_cache(maxsize=1)
def _keys(settings: Settings) -> Store:
    """A store for the keys alone."""
    return Store(Path(os.devnull), settings)


@lru_cache(maxsize=1)
def _pipeline(settings: Settings) -> TrackingPipeline:
    use_one_thread(settings.runtime)
    with compiling():
        return settings.pipeline()


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
    use_one_thread(settings.runtime)


def _end_with_parent() -> None:
    """End this process when the first one was killed, which cannot say so."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _extract(key: str, path: Path) -> Outcome:
    assert _worker is not None  # `_begin` has run
    return _worker.extract(key, path)
