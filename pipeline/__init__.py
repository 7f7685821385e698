"""The live path, one file a stage: frames in, people and what they do out.

Example:
    >>> from pipeline import Pipeline, draw, open_source
    >>> pipeline = Pipeline()
    >>> with open_source("walk.mp4") as source:
    ...     for frame in source:
    ...         result = pipeline(frame)
    ...         draw(frame.image, result.people, result.actions, pipeline.pose.threshold)
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.engine import Pipeline
    from pipeline.overlay import draw
    from pipeline.source import open_source
    from pipeline.teaching.folder import teach

__all__ = ["Pipeline", "draw", "open_source", "teach"]

_MODULES = {
    "Pipeline": "pipeline.engine",
    "draw": "pipeline.overlay",
    "open_source": "pipeline.source",
    "teach": "pipeline.teaching.folder",
}


def __getattr__(name: str) -> object:
    """Import a name of `__all__` when it is first used: OpenCV and ONNX Runtime take a second."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_MODULES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The names of the module and those that are still to be imported."""
    return sorted({*globals(), *__all__})
