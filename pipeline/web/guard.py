"""What stands before the page: who may call it, with what, and what browsers are told about it.

Gradio answers to any Host, grants credentials to other origins, reads bodies of any size, and has
routes that this page does not use.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from contextlib import suppress

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pipeline.web.addresses import Addresses, same_origin

API = "/gradio_api"
UPLOAD = f"{API}/upload"
ROUTES = re.compile(
    r"/|/(config|theme\.css|manifest\.json|favicon\.ico|robots\.txt)/?|/(assets|static|svelte)/.+|"
    rf"{API}/("
    r"(info|openapi\.json|startup-events|reset|cancel|upload|upload_progress|component_server)/?|"
    r"queue/(join|data|status)|heartbeat/[^/]+|(call|call/v2|run|api)/\w+/?(/\w+)?|file=.+)"
)
"""What the page and the clients of its API ask for."""

MAX_BODY = 4_000_000
"""Largest body of a request in bytes, uploads aside: a live picture of the largest size."""
MAX_PAUSE = 30.0
"""Seconds after which a request is given up whose body stops to arrive."""
MAX_DISCARDED = 1_000_000_000
"""Bytes of a refused body that are read, and dropped, before the answer."""
MAX_REQUESTS = 500
"""Requests that are open at once; each visitor keeps one to three open."""

CDN = "https://gradio.s3-us-west-2.amazonaws.com"
"""Where a page shared by gradio.live has its scripts from."""


def headers(elsewhere: str = "") -> dict[str, str]:
    """Return the headers of every answer.

    Args:
        elsewhere: another origin that scripts, styles and fonts may come from.
    """
    # Gradio has its settings and styles in the page, and makes functions of `js_on_load`.
    here = f"'self' {elsewhere}".strip()
    policy = {
        "default-src": "'none'",
        "script-src": f"{here} blob: 'unsafe-inline' 'unsafe-eval'",
        "style-src": f"{here} 'unsafe-inline'",
        "img-src": f"{here} data: blob:",
        "media-src": "'self' data: blob:",
        "font-src": f"{here} data:",
        "connect-src": f"{here} data: blob:",
        "worker-src": "'self' blob:",
        "manifest-src": "'self'",
        "base-uri": "'self'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
    }
    return {
        "Content-Security-Policy": "; ".join(f"{what} {where}" for what, where in policy.items()),
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "no-referrer",
        "Permissions-Policy": "camera=(self), microphone=(), geolocation=(), display-capture=()",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
    }


class Guard:
    """Refuses what the page has no use for, with a line, before the page sees it.

    Refused are calls to a name that is not the page's, calls that another site makes, routes that
    are not of `ROUTES`, bodies that are too large or stop to arrive, and requests beyond
    `MAX_REQUESTS` at a time.

    Args:
        app: the page, as an ASGI application.
        addresses: that it answers to.
        upload_limit: largest body of an upload in bytes.
        elsewhere: as `headers`.
    """

    def __init__(self, app: ASGIApp, addresses: Addresses, upload_limit: int, elsewhere: str = ""):
        self._app = app
        self._addresses = addresses
        self._upload_limit = upload_limit
        self._headers = headers(elsewhere)
        self._open = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, as ASGI has it."""
        if scope["type"] == "lifespan":
            return await self._app(scope, receive, send)
        if scope["type"] != "http":  # there are no web sockets here
            return await send({"type": "websocket.close"})
        exchange = _Exchange(scope, receive, send, self._add_headers)
        refusal = self._refusal(scope) or self._check_length(scope)
        if refusal:
            return await exchange.refuse(*refusal)
        exchange.limit = self._limit(scope)
        self._open += 1
        try:
            await self._app(scope, exchange.receive, exchange.send)
        except ClientDisconnect:
            pass  # nobody waits for an answer, or `finish` says why it is refused
        finally:
            self._open -= 1
        await exchange.finish()

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        """Return status and reason if the request is not for us, or not from us."""
        sent = Headers(scope=scope)
        hosts, origin = sent.getlist("host"), sent.get("origin")
        if len(hosts) != 1 or not self._addresses.allow(hosts[0]):
            return 403, "the page does not answer to this name: --host says which ones it has"
        if origin is not None and not same_origin(origin, hosts[0]):
            return 403, "the page takes no calls from other sites"
        if sent.get("sec-fetch-site") in ("cross-site", "same-site") and not _is_visit(scope, sent):
            return 403, "the page takes no calls from other sites"
        if not ROUTES.fullmatch(scope["path"]):
            return 404, "there is nothing here"
        if self._open >= MAX_REQUESTS:
            return 503, "too many people are here at the moment: try again in a minute"
        return None

    def _check_length(self, scope: Scope) -> tuple[int, str] | None:
        length = Headers(scope=scope).get("content-length", "0")
        if length.isdecimal() and int(length) > self._limit(scope):
            return 413, _too_large(self._limit(scope))
        return None

    def _limit(self, scope: Scope) -> int:
        return self._upload_limit if scope["path"].rstrip("/") == UPLOAD else MAX_BODY

    def _add_headers(self, message: Message) -> None:
        answer = MutableHeaders(scope=message)
        for name in [name for name in answer if name.startswith("access-control-")]:
            del answer[name]  # Gradio grants them to others
        answer.update(self._headers)


class _Exchange:
    """One request and its answer: the body is counted, and headers are added to the answer.

    A request that turns out to be refused while its body arrives looks to the page as if the
    client had gone.
    """

    def __init__(
        self, scope: Scope, receive: Receive, send: Send, add_headers: Callable[[Message], None]
    ):
        self.limit = 0
        self._scope = scope
        self._receive = receive
        self._send = send
        self._add_headers = add_headers
        self._size = 0
        self._arrived = False
        self._answered = False
        self._refusal: tuple[int, str] | None = None

    async def receive(self) -> Message:
        if self._refusal:
            return {"type": "http.disconnect"}
        if self._arrived:
            return await self._receive()
        try:
            message = await self._next()
        except TimeoutError:
            self._refusal = 408, "the request stopped to arrive"
            return {"type": "http.disconnect"}
        if self._size > self.limit:
            self._refusal = 413, _too_large(self.limit)
            return {"type": "http.disconnect"}
        return message

    async def _next(self) -> Message:
        message = await asyncio.wait_for(self._receive(), MAX_PAUSE)
        self._size += len(message.get("body", b""))
        self._arrived = not message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        if self._refusal and not self._answered:
            return  # `finish` answers
        if message["type"] == "http.response.start":
            self._answered = True
            self._add_headers(message)
        await self._send(message)

    async def finish(self) -> None:
        if self._refusal and not self._answered:
            await self.refuse(*self._refusal)

    async def refuse(self, status: int, reason: str) -> None:
        self._refusal = None
        # Browsers report an answer only once they have sent all.
        with suppress(TimeoutError):
            while not self._arrived and self._size < MAX_DISCARDED:
                await self._next()
        answer = PlainTextResponse(reason, status, {"Connection": "close"})
        await answer(self._scope, self._receive, self.send)


def _is_visit(scope: Scope, sent: Headers) -> bool:
    """Whether somebody follows a link to the page."""
    return scope["method"] in ("GET", "HEAD") and (
        sent.get("sec-fetch-mode"),
        sent.get("sec-fetch-dest"),
    ) == ("navigate", "document")


def _too_large(limit: int) -> str:
    return f"that is more than the {limit / 1e6:.0f} MB that the page takes at once"
