"""Checks of what clients send to Gradio, which takes a mistake of theirs for one of its own."""

import inspect
import re
from typing import Any

import gradio as gr
from fastapi import HTTPException, Request
from gradio.block_function import BlockFunction
from gradio.blocks import Block, Blocks
from pydantic import ValidationError

from pipeline.web.guard import API
from pipeline.web.visitors import MAX_NAME

EVENTS = re.compile(
    rf"{API}/(queue/join|cancel|reset|(?P<kind>call|call/v2|run|api)/(?P<name>\w+))/?"
)
"""What calls an event of the page by its number or its name, or ends one."""
RESULTS = re.compile(rf"{API}/(queue/data|call(/v2)?/\w+/(?P<event>\w+))")
"""What waits for the results of an event."""


async def check_request(blocks: Blocks, request: Request) -> None:
    """Refuse calls of events that are not there, with values that are none, or for nobody.

    Raises:
        HTTPException: the request is one of these.
    """
    path = request.url.path
    if request.method == "GET" and (results := RESULTS.fullmatch(path)):
        _check_results(blocks, request.query_params.get("session_hash"), results["event"])
    if request.method == "POST" and (called := EVENTS.fullmatch(path)):
        body = await _read_object(request)
        session = body.get("session_hash")
        if session is not None and not (isinstance(session, str) and len(session) <= MAX_NAME):
            raise HTTPException(422, "that is no session's name")
        if called["name"] or path.rstrip("/").endswith("join"):
            event = _find_event(blocks, called["name"], body.get("fn_index"))
            named = called["kind"] == "call/v2"
            _check_values(event, _named_values(event, body) if named else body.get("data"))


async def _read_object(request: Request) -> dict[str, Any]:
    try:
        body = await request.json()
    except (ValueError, RecursionError) as error:
        raise HTTPException(400, "that is no JSON") from error
    if not isinstance(body, dict):
        raise HTTPException(422, "that is no JSON object")
    return body


def _check_results(blocks: Blocks, session: str | None, event: str | None) -> None:
    waiting = blocks._queue.pending_event_ids_session
    if session not in waiting and not any(event in events for events in waiting.values()):
        raise HTTPException(404, "there is no such call")


def _find_event(blocks: Blocks, name: str | None, number: object) -> BlockFunction:
    for index, event in blocks.fns.items():
        if index == number or (number is None and event.api_name == name):
            return event
    raise HTTPException(404, "there is no such event")


def _named_values(event: BlockFunction, body: dict[str, Any]) -> list[object]:
    """The values of an event's components, which a body has by the names of its parameters."""
    names = list(inspect.signature(event.fn).parameters)[: len(event.inputs)] if event.fn else []
    if body.keys() - names:
        raise HTTPException(422, f"the event takes {', '.join(names)}")
    return [body[name] for name in names if name in body]


def _check_values(event: BlockFunction, values: object) -> None:
    if not isinstance(values, list) or (event.fn and len(values) != len(event.inputs)):
        raise HTTPException(422, f"the event takes a list of {len(event.inputs)} values")
    for component, value in zip(event.inputs, values, strict=False):
        if not _fits(component, value):
            raise HTTPException(422, f"that is no value of the {component.get_block_name()}")


def _fits(component: Block, value: object) -> bool:
    """Whether a component can take a value."""
    match component:
        case gr.Dataset():
            return isinstance(value, int) and 0 <= value < len(component.raw_samples)
        case gr.Slider():
            return isinstance(value, int | float) and not isinstance(value, bool)
        case gr.Radio():
            return value in [choice for _, choice in component.choices]
    model = getattr(component, "data_model", None)
    if model is None or value is None:
        return True
    try:
        model.model_validate(value)
    except ValidationError:
        return False
    return True
