"""Libraries that send reports or write files of their own: told not to, before they are imported.

`import models` runs this, and everything of ours imports `models` first. docs/security.md lists
what each library would do.
"""

import os
from pathlib import Path
from typing import Any

import platformdirs

from models.files import cache_folder

SILENT = {
    # Read when ONNX Runtime is loaded: later, its device id is on the disk already.
    "ORT_DISABLE_TELEMETRY": "1",
    "GRADIO_ANALYTICS_ENABLED": "False",
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    # Sent by a process that Ray starts. Ray is an extra.
    "RAY_USAGE_STATS_ENABLED": "0",
    # An optional part of MMPose, which asks for its newest version when it is imported.
    "NO_ALBUMENTATIONS_UPDATE": "1",
}
"""Environment variables that turn reports off."""


def silence() -> None:
    """Turn off all reports, and keep the caches of libraries in our own cache folder."""
    os.environ.update(SILENT)
    _keep_caches()


def _keep_caches() -> None:
    cache = cache_folder()
    if cache is None:
        return
    if not _has_matplotlib_settings():
        os.environ.setdefault("MPLCONFIGDIR", str(cache / "matplotlib"))
    original = platformdirs.user_cache_dir

    def user_cache_dir(appname: str | None = None, *args: Any, **options: Any) -> str:
        """Put the cache of YAPF, which MMEngine imports, into ours: YAPF has no setting for it."""
        return str(cache / "yapf") if appname == "YAPF" else original(appname, *args, **options)

    platformdirs.user_cache_dir = user_cache_dir


def _has_matplotlib_settings() -> bool:
    """Whether the user has settings for matplotlib, which another folder would hide."""
    base = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    folders = (
        Path(os.path.expanduser(base), "matplotlib"),
        Path(os.path.expanduser("~/.matplotlib")),
    )
    return any((folder / "matplotlibrc").exists() for folder in folders)
