"""What to do where a package is missing, which a small set-up leaves out."""

import sys
from types import TracebackType

OURS = {"apps", "models", "pipeline"}
REMEDIES = {"gradio": "make setup-web"}
"""The command that installs a package; for any other it is `make setup`, which installs all."""


def say_what_is_missing(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """Say in one line what to install, and exit with status 2; show any other error as usual.

    In the place of `sys.excepthook`, since packages are missed while programs are imported.
    """
    name = error.name if isinstance(error, ModuleNotFoundError) else None
    package = (name or "").partition(".")[0]
    if not package or package in OURS:
        return sys.__excepthook__(kind, error, trace)
    remedy = REMEDIES.get(package, "make setup")
    line = f"error: this needs {package}, which is not installed here: run {remedy} (docs/setup.md)"
    print(line, file=sys.stderr)
    sys.exit(2)
