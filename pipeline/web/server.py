"""Gradio's server, with the guard before it, and with visitors who come, upload and leave."""

from __future__ import annotations

import re
from contextlib import ExitStack
from contextvars import ContextVar
from typing import Any

from fastapi import Depends, HTTPException, Request
from gradio.routes import App
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from models.errors import UserError
from pipeline.web.addresses import Addresses
from pipeline.web.calls import RESULTS, check_request
from pipeline.web.guard import API, CDN, UPLOAD, Guard
from pipeline.web.visitors import Visitors

HEARTBEAT = re.compile(rf"{API}/heartbeat/([^/]+)")
"""What a page keeps open for as long as it is there."""
_new_upload: ContextVar[str] = ContextVar("_new_upload", default="")
"""The folder of the upload that the present request is."""


class Call(BaseModel):
    """What a page sends to call a server function of a component."""

    component_id: int
    fn_name: str
    data: Any = None


class GuardedApp(App):
    """Gradio's application behind `Guard`, for `gradio.Blocks.launch(_app=...)`.

    Args:
        visitors: of the page.
        addresses: that it answers to.
        upload_limit: largest upload in bytes.
        shared: whether it is also at gradio.live.
    """

    def __init__(
        self, visitors: Visitors, addresses: Addresses, upload_limit: int, shared: bool = False
    ):
        self._visitors = visitors
        self._addresses = addresses
        self._upload_limit = upload_limit
        self._elsewhere = CDN if shared else ""
        super().__init__(openapi_url=None, dependencies=[Depends(self.check)])
        for path in (f"{API}/component_server", f"{API}/component_server/"):
            self.add_api_route(path, self.call, methods=["POST"])  # before Gradio's own
        for kind in (AttributeError, TypeError):
            self.add_exception_handler(kind, refuse_form)

    async def check(self, request: Request) -> None:
        """Check a request, as `check_request`, before Gradio handles it."""
        await check_request(self.get_blocks(), request)

    async def call(self, call: Call) -> Any:
        """Call a server function of a component, which Gradio lets anybody make fail."""
        block = self.get_blocks().blocks.get(call.component_id)
        function = getattr(block, call.fn_name, None)
        if not getattr(function, "_is_server_fn", False):
            raise HTTPException(404, "there is no such function")
        assert function is not None
        return await run_in_threadpool(function, call.data)

    @property
    def uploaded_file_dir(self) -> str:
        """Where Gradio puts an upload, the same file always into the same place.

        So it is another folder for each upload, and the one of all of them for anything else.
        """
        return _new_upload.get() or self._uploaded_file_dir

    @uploaded_file_dir.setter
    def uploaded_file_dir(self, folder: str) -> None:
        self._uploaded_file_dir = folder

    def build_middleware_stack(self) -> ASGIApp:
        """Put the guard before everything else, Gradio's own middleware included."""
        attended = Attendance(super().build_middleware_stack(), self._visitors)
        return Guard(attended, self._addresses, self._upload_limit, self._elsewhere)


class Attendance:
    """Tells the visitors who is here, and what is about to be uploaded.

    Args:
        app: the page, as an ASGI application.
        visitors: of the page.
    """

    def __init__(self, app: ASGIApp, visitors: Visitors):
        self._app = app
        self._visitors = visitors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, as ASGI has it."""
        path = scope.get("path", "")
        heartbeat = HEARTBEAT.fullmatch(path)
        _new_upload.set("")  # requests of one connection share what is set
        with ExitStack() as stack:
            if heartbeat:
                stack.enter_context(self._visitors.connected(heartbeat[1]))
            elif path.rstrip("/") == UPLOAD:
                length = Headers(scope=scope).get("content-length", "")
                if not length.isdecimal():
                    return await _refuse(411, "an upload must say its length", scope, receive, send)
                try:
                    stack.enter_context(self._visitors.uploads.room_for(int(length)))
                except UserError as error:
                    return await _refuse(507, str(error), scope, receive, send)
                _new_upload.set(str(self._visitors.uploads.new_folder()))
            try:
                await self._app(scope, receive, send)
            except RuntimeError as error:
                # Two wait for the results of one session: Gradio ends one in the midst of it.
                if not (RESULTS.fullmatch(path) and isinstance(error.__cause__, HTTPException)):
                    raise


async def refuse_form(request: Request, error: Exception) -> PlainTextResponse:
    """Answer an upload whose form has no files, which makes Gradio raise errors of these kinds."""
    if request.url.path.rstrip("/") != UPLOAD:
        raise error
    return PlainTextResponse("that is no form with files", 400)


async def _refuse(status: int, reason: str, scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse(reason, status)(scope, receive, send)
