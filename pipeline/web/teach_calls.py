"""What the teach tab calls on the server: each call names the visitor's session first."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any
from urllib.parse import quote

from models.errors import UserError
from pipeline.overlay import draw, mirror
from pipeline.web.guard import API
from pipeline.web.lesson import Lesson
from pipeline.web.moving import moving_skeletons
from pipeline.web.page import bar, live_panel, picture_url
from pipeline.web.visitors import Visitors

Answer = dict[str, Any]


def teach_calls(visitors: Visitors) -> list[Callable[[Any], Answer]]:
    """The functions, for `server_functions` of a component."""

    def lesson_of(session: str) -> Lesson:
        return visitors.find(session).lesson

    @answered
    def look_on(sent: object) -> Answer:
        match sent:
            case [str(session), str(url), str() | None as label]:
                look = visitors.look(session, url, label)
            case _:
                raise _wrong()
        result, taught = look.result, bool(lesson_of(session).labels)
        image = draw(*mirror(result.frame.image, result.people), result.actions, look.threshold)
        return {
            "picture": picture_url(image),
            "hint": look.panel.hint or "",
            "panel": live_panel(look.panel) if taught else "",
            "seconds": look.seconds,
            "note": look.note,
            "kept": look.kept,
        }

    @answered
    def tell_state(sent: object) -> Answer:
        match sent:
            case [str(session)]:
                return state(lesson_of(session))
        raise _wrong()

    @answered
    def draw_take(sent: object) -> Answer:
        match sent:
            case [str(session), str(name)]:
                take = lesson_of(session).takes.find(name)
                return {"drawing": moving_skeletons(take.skeletons)}
        raise _wrong()

    @answered
    def drop_take(sent: object) -> Answer:
        match sent:
            case [str(session), str(name)]:
                lesson_of(session).takes.remove(name)
                return {}
        raise _wrong()

    @answered
    def drop_label(sent: object) -> Answer:
        match sent:
            case [str(session), str(label)]:
                lesson_of(session).takes.remove_label(label)
                return {}
        raise _wrong()

    @answered
    def take_clips(sent: object) -> Answer:
        match sent:
            case [str(session), str(label), [_, *_] as paths]:
                visitor = visitors.find(session)
                clips = [_path(path) for path in paths]
                for clip in clips:
                    visitor.claim(clip)
                with dropped_unless_taken(visitor.drop, *clips):
                    visitor.lesson.add_clips(label, clips, visitor.drop)
                return {}
        raise _wrong()

    @answered
    def load_file(sent: object) -> Answer:
        match sent:
            case [str(session), str(path)]:
                visitor = visitors.find(session)
                upload = _path(path)
                visitor.claim(upload)
                with dropped_unless_taken(visitor.drop, upload):
                    visitor.lesson.load(upload, visitor.drop)
                return {}
        raise _wrong()

    @answered
    def begin_teaching(sent: object) -> Answer:
        match sent:
            case [str(session), int(minutes), bool(extend)]:
                lesson_of(session).teach(minutes, extend)
                return {}
        raise _wrong()

    @answered
    def stop_work(sent: object) -> Answer:
        match sent:
            case [str(session)]:
                lesson_of(session).stop()
                return {}
        raise _wrong()

    @answered
    def save_takes(sent: object) -> Answer:
        match sent:
            case [str(session)]:
                visitor = visitors.find(session)
                visitor.check_stored()
                return {"file": _address(visitor.lesson.save_takes())}
        raise _wrong()

    return [
        *(look_on, tell_state, draw_take, drop_take, drop_label),
        *(take_clips, load_file, begin_teaching, stop_work, save_takes),
    ]


def state(lesson: Lesson) -> Answer:
    """What the tab shows of a lesson."""
    work, learnt = lesson.work, lesson.learnt
    return {
        "labels": [
            {
                "name": label,
                "takes": [take.id for take in takes],
                "seconds": sum(take.seconds for take in takes),
            }
            for label, takes in lesson.takes.by_label().items()
        ],
        "work": None if work is None else bar(work.share, work.words),
        "said": lesson.said,
        "news": lesson.news,
        "taught": lesson.labels,
        "summary": learnt.summary if learnt else "",
        "report": learnt.page if learnt else "",
        "weights": _address(lesson.weights) if lesson.weights else None,
    }


@contextmanager
def dropped_unless_taken(drop: Callable[[Path], None], *uploads: Path) -> Iterator[None]:
    """Delete uploads if what is done with them in this context cannot begin."""
    try:
        yield
    except UserError:
        for upload in uploads:
            drop(upload)
        raise


def answered(call: Callable[[Any], Answer]) -> Callable[[Any], Answer]:
    """Answer a mistake of the visitor's with what it is."""

    @wraps(call)
    def answer(sent: Any) -> Answer:
        try:
            return call(sent)
        except UserError as error:
            return {"error": str(error)}

    return answer


def _address(path: Path) -> str:
    """Where the page finds a file, relative to its own address."""
    return f"{API.removeprefix('/')}/file={quote(str(path))}"


def _path(text: object) -> Path:
    """A path that the system can be asked about."""
    if not isinstance(text, str):
        raise _wrong()
    try:
        os.stat(text)
    except (OSError, ValueError) as error:  # ValueError: no file can be called so
        raise UserError("that file is not here any more: upload it again") from error
    return Path(text)


def _wrong() -> UserError:
    return UserError("that is not what the teach tab sends: load the page again")
