"""A stand-in for `mmcv._ext`, so that MMPose imports where only mmcv-lite is installed.

MMPose and MMDetection import mmcv's compiled operations when they are imported themselves;
mmcv-lite leaves those operations out, and no COCO-17 top-down network calls one. The stand-in is
not used where the compiled module of full mmcv is there.
"""

import importlib.util
import sys
import warnings
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

from models.errors import UserError

NAME = "mmcv._ext"


class MissingOps(ModuleType):
    """Has every operation that is asked for by name; each raises `UserError` when called."""

    def __init__(self):
        super().__init__(NAME, "Stand-in for mmcv's compiled operations.")
        self.__spec__ = ModuleSpec(NAME, loader=None)

    def __getattr__(self, operation):
        if operation.startswith("__"):
            raise AttributeError(operation)

        def missing(*args, **kwargs):
            raise UserError(
                f"this model needs mmcv's compiled operation '{operation}', which mmcv-lite "
                "does not have; install mmcv==2.1.0 in its place, or choose another model"
            )

        return missing


def compiled_ops_exist():
    """True where full mmcv is installed; looks at the files, without importing mmcv."""
    mmcv = importlib.util.find_spec("mmcv")
    return (
        mmcv is not None and PathFinder.find_spec(NAME, mmcv.submodule_search_locations) is not None
    )


def prepare() -> None:
    """Register the stand-in where it is needed; call this before the first import of MMPose."""
    # What MMEngine and MMDetection still use of setuptools and of torch, which say so.
    warnings.filterwarnings("ignore", message="pkg_resources is deprecated")
    warnings.filterwarnings("ignore", message="`torch.cuda.amp.autocast")
    if NAME not in sys.modules and not compiled_ops_exist():
        sys.modules[NAME] = MissingOps()
