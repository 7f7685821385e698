"""A stand-in for `mmcv._ext`, with which MMPose can be imported where only mmcv-lite is installed.

MMPose and MMDetection import mmcv's compiled operations at import time. mmcv-lite does not have
them, and no top-down COCO-17 network calls one. Where full mmcv is installed, the stand-in is not
used.
"""

import importlib.util
import sys
import warnings
from collections.abc import Callable
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import NoReturn

from models.errors import UserError

NAME = "mmcv._ext"


class MissingOps(ModuleType):
    """Module that has every operation by name. Calling one raises `UserError`."""

    def __init__(self) -> None:
        super().__init__(NAME, "Stand-in for mmcv's compiled operations.")
        self.__spec__ = ModuleSpec(NAME, loader=None)

    def __getattr__(self, operation: str) -> Callable[..., NoReturn]:
        if operation.startswith("__"):
            raise AttributeError(operation)

        def missing(*args: object, **kwargs: object) -> NoReturn:
            raise UserError(
                f"this model needs mmcv's compiled operation '{operation}', which mmcv-lite "
                "does not have: install mmcv==2.1.0 instead, or choose another model"
            )

        return missing


def compiled_ops_exist() -> bool:
    """Return whether full mmcv is installed, without importing it."""
    mmcv = importlib.util.find_spec("mmcv")
    return (
        mmcv is not None and PathFinder.find_spec(NAME, mmcv.submodule_search_locations) is not None
    )


def prepare() -> None:
    """Register the stand-in if it is needed. Call this before the first import of MMPose."""
    # MMEngine and MMDetection use deprecated parts of setuptools and torch.
    warnings.filterwarnings("ignore", message="pkg_resources is deprecated")
    warnings.filterwarnings("ignore", message="`torch.cuda.amp.autocast")
    if NAME not in sys.modules and not compiled_ops_exist():
        sys.modules[NAME] = MissingOps()
