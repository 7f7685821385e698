"""Posting notices to an address, beside the work and never in its way."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from time import monotonic
from urllib.parse import quote, urlsplit

from typing_extensions import Self

from models.errors import UserError
from models.part import reason
from pipeline.notices import Notice

TIMEOUT = 2.0
"""Seconds to wait for the other side, at each step of a call."""
WAITING = 64
"""Notices that wait to be posted. Further ones are lost: old news helps nobody."""
LAST_CALLS = 2.0
"""Seconds at the end in which notices that still wait are posted."""
CONNECTIONS = {"http": HTTPConnection, "https": HTTPSConnection}


class Hook:
    """Posts notices as JSON to an address, one call after the other, on a thread of its own.

    Nobody else is called: neither a proxy nor where the address redirects to. What cannot be
    delivered is lost, and said once.

    Args:
        address: http:// or https://, whose certificate must be valid.
        report: gets one line, from another thread, at the first notice that is lost.

    Raises:
        UserError: it is no such address.

    Example:
        >>> with Hook("http://localhost:8000/actions", print) as hook:
        ...     notify(pipeline, hook.post)
    """

    def __init__(self, address: str, report: Callable[[str], None]):
        self._scheme, self._place, self._path = _take_apart(address)
        self._report = report
        self._first = threading.Lock()  # whoever takes it reports
        self._notices: queue.Queue[Notice | None] = queue.Queue(WAITING)
        self._thread = threading.Thread(target=self._work, name="hook", daemon=True)
        self._thread.start()

    def post(self, notice: Notice) -> None:
        """Have a notice posted soon; it takes no time."""
        try:
            self._notices.put_nowait(notice)
        except queue.Full:
            self._tell("is too slow")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        end = monotonic() + LAST_CALLS
        try:
            self._notices.put(None, timeout=LAST_CALLS)
        except queue.Full:  # the thread ends with the program
            return
        self._thread.join(max(0.0, end - monotonic()))

    def _work(self) -> None:
        while (notice := self._notices.get()) is not None:
            try:
                status = self._call(json.dumps(notice).encode("ascii"))
            except (OSError, HTTPException, ValueError) as error:  # ValueError: no name of a host
                self._tell(f"cannot be reached: {reason(error) or type(error).__name__}")
            else:
                if not 200 <= status < 300:
                    self._tell(f"answers with status {status}")

    def _call(self, body: bytes) -> int:
        """Post a body, and return the status of the answer."""
        connection = CONNECTIONS[self._scheme](self._place, timeout=TIMEOUT)
        try:
            headers = {"Content-Type": "application/json"}
            connection.request("POST", self._path, body, headers)
            return connection.getresponse().status
        finally:
            connection.close()

    def _tell(self, what: str) -> None:
        if self._first.acquire(blocking=False):
            self._report(f"the hook {self._place} {what}; notices are lost")


def _take_apart(address: str) -> tuple[str, str, str]:
    """Scheme, host with port, and path with query of an address.

    Raises:
        UserError: it is not complete, has another scheme, or a password.
    """
    try:
        parts = urlsplit(address)
        _ = parts.port  # a wrong one is found only if it is asked for
    except ValueError as error:
        raise UserError(f"the address of the hook is not complete: {error}") from error
    if parts.scheme not in CONNECTIONS or not parts.hostname:
        raise UserError("the address of the hook must begin with http:// or https:// and a host")
    if "@" in parts.netloc:
        raise UserError("the address of the hook must not have a user name or a password")
    query = f"?{parts.query}" if parts.query else ""
    return (
        parts.scheme,
        parts.netloc,
        quote(f"{parts.path or '/'}{query}", safe="/?&=%+:;,@!$'()*~"),
    )
