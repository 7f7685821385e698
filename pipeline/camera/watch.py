"""Watching a live source: every frame processed, recorded, written and shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from pipeline.camera.canvas import View
from pipeline.panel import Observer

if TYPE_CHECKING:
    from pipeline.camera.feed import Live
    from pipeline.camera.keeper import Keeper
    from pipeline.camera.recorder import Recorder
    from pipeline.camera.screen import Screen
    from pipeline.engine import Pipeline
    from pipeline.sink import JsonLinesSink
    from pipeline.source import Frame


def watch(
    pipeline: Pipeline,
    source: Live,
    recorder: Recorder,
    report: Callable[[str], None],
    lines: JsonLinesSink | None = None,
    screen: Screen | None = None,
    keeper: Keeper | None = None,
) -> None:
    """Process a live source until it ends, is stopped, or its window is closed.

    Args:
        pipeline: reset whenever the source was interrupted.
        source: what to watch.
        recorder: gets every result.
        report: gets one line when the source breaks, and when it is back.
        lines: gets every result, if given.
        screen: shows every result, if given; frames are skipped while it is paused.
        keeper: gets every frame, if given.

    Raises:
        UserError: an output cannot be written, or the source is damaged.
    """
    threshold = pipeline.pose.threshold
    observer = Observer(pipeline.labels, threshold)

    def forget() -> None:
        pipeline.reset()
        observer.reset()
        if keeper:
            keeper.forget()

    for frame in attend(source, report, forget, screen):
        result = pipeline(frame)
        recorder.write(result, threshold)
        if keeper:
            keeper.write(frame)
        if lines:
            lines.write(frame.index, frame.time, result.people, result.actions)
        if screen:
            panel = observer.update(result)
            screen.show(View(result, panel, threshold, recorder.recording))
            observer.note_shown(source.clock(), frame.time)


def attend(
    source: Live,
    report: Callable[[str], None],
    forget: Callable[[], None],
    screen: Screen | None = None,
) -> Iterator[Frame]:
    """Yield the frames to process, and attend to the window and to interruptions meanwhile.

    Args:
        source: stopped when its window is closed.
        report: gets one line when the source breaks, and when it is back.
        forget: called whenever the source was interrupted.
        screen: frames are skipped while it is paused, if given.

    Raises:
        UserError: the source is damaged.
    """
    problem = None
    for frame in source:
        if source.problem != problem:
            problem = source.problem
            report(problem or f"{source.name} is back")
        if source.was_interrupted():
            forget()
        if frame is not None and not (screen and screen.paused):
            yield frame
        elif screen:
            screen.wait()
        if screen and screen.closed:
            source.stop()
