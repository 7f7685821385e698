"""Work on many machines, or on all cores of one, by Ray: an extra that nothing else needs."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Callable, Generator, Hashable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import wraps
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from models.errors import UserError
from models.text import printable

K = TypeVar("K", bound=Hashable)
J = TypeVar("J")
R = TypeVar("R")

RETRIES = 2
"""Times that a job is tried again whose worker or machine is lost, or which raises an exception."""
AHEAD = 1000
"""Jobs that Ray knows of at once: enough for any cluster, few enough for millions of jobs."""
OBJECTS = 100 << 20
"""Bytes of shared memory for results, which are small; Ray would take 30 % of all memory."""

SETTINGS = {
    # Jobs that run out of memory would be tried for ever.
    "RAY_task_oom_retries": str(RETRIES),
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}
"""Environment variables for Ray, unless the user has set them."""

INSTALL = "pip install --no-deps --require-hashes -r requirements-batch.txt"


@dataclass(frozen=True)
class Lost:
    """What is left of a job that had no result at any try.

    Attributes:
        reason: of the last try, in one line.
    """

    reason: str


@contextmanager
def cluster(address: str | None = None, workers: int | None = None) -> Iterator[None]:
    """Have a cluster: Ray's processes on this machine, which end with the block, or one that runs.

    Ray's report of usage (`models.quiet`) and its dashboard are off.

    Args:
        address: of a cluster, such as "auto" or "10.0.0.1:6379"; this machine alone if None.
        workers: jobs at a time on this machine; one a core if None. A cluster knows its own.

    Raises:
        UserError: Ray is not installed, or there is no such cluster.
    """
    ray = import_ray()
    handler = signal.getsignal(signal.SIGTERM)
    with _folder() as folder, tempfile.TemporaryDirectory(prefix="workers-") as temporary:
        local = {
            "num_cpus": workers or available_cores(),
            "include_dashboard": False,
            "object_store_memory": OBJECTS,
            "_temp_dir": folder,
            # What a worker leaves there that is killed goes with the folder.
            "runtime_env": {"env_vars": {"TMPDIR": temporary}},
        }
        try:
            ray.init(
                address=address or "local",
                log_to_driver=False,
                logging_level="ERROR",
                **({} if address else local),
            )
            # Ray ends the program in its own way, without a word and with another status.
            if handler is not None:
                signal.signal(signal.SIGTERM, handler)
            yield
        except ConnectionError as error:
            raise UserError(f"no Ray cluster answers at {address}: {error}") from error
        finally:
            ray.shutdown()


def run_all(
    work: Callable[[J], R], jobs: Mapping[K, J], gpus: float = 0.0
) -> Generator[tuple[K, R | Lost]]:
    """Do jobs on the cluster, each on one core.

    A job is tried again `RETRIES` times if its worker or machine is lost, or if it raises an
    exception. So it may be done twice, and must end in the same result if it is.

    Args:
        work: a function of a module that every machine has. It is called in the present folder, as
            relative paths are meant, if the machine has that.
        jobs: by any key.
        gpus: that each job has to itself, or a part of one that it shares.

    Yields:
        The key of each job and what `work` returned, in the order in which they are done.
    """
    ray = import_ray()
    task = ray.remote(num_cpus=1, num_gpus=gpus, max_retries=RETRIES, retry_exceptions=True)(
        _in_folder(work, os.getcwd())
    )
    left = iter(jobs.items())
    keys: dict[Any, K] = {}
    while True:
        for key, job in islice(left, AHEAD - len(keys)):
            keys[task.remote(job)] = key
        if not keys:
            return
        done, _ = ray.wait(list(keys))
        for result in done:
            yield keys.pop(result), _outcome(ray, result)


def import_ray() -> Any:
    """Import Ray, as quiet as it can be.

    Raises:
        UserError: it is not installed.
    """
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    try:
        import ray
        import ray.exceptions
    except ImportError as error:
        raise UserError(f"Ray is not installed: {INSTALL}") from error
    return ray


def available_cores() -> int:
    """Number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _in_folder(work: Callable[[J], R], folder: str) -> Callable[[J], R]:
    @wraps(work)
    def there(job: J) -> R:
        with suppress(OSError):
            os.chdir(folder)
        return work(job)

    return there


def _outcome(ray: Any, result: Any) -> Any:
    try:
        return ray.get(result)
    except ray.exceptions.RayTaskError as error:
        cause = error.cause
        known = isinstance(cause, UserError)
        return Lost(str(cause) if known else printable(f"{type(cause).__name__}: {cause}"))
    except ray.exceptions.RayError as error:
        return Lost(f"the worker was lost {RETRIES + 1} times ({type(error).__name__})")


@contextmanager
def _folder() -> Iterator[str]:
    """A folder for Ray's sockets and logs, with a name that is short enough for sockets."""
    place = "/tmp" if Path("/tmp").is_dir() else None
    with tempfile.TemporaryDirectory(prefix="ray-", dir=place, ignore_cleanup_errors=True) as name:
        yield name
