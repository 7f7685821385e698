"""Paths of the bundled files and of the cache, and writing of JSON files."""

import json
import os
from pathlib import Path
from typing import Any

from models.part import write_whole

ROOT = Path(__file__).resolve().parent.parent
CONFIGS = ROOT / "models" / "configs"
WEIGHTS = ROOT / "weights"

CACHE = "LIVE_ACTION_RECOGNITION_CACHE"
"""Environment variable for another folder to cache exported graphs in."""


def cache_folder() -> Path | None:
    """Return the folder of exported graphs, which can be deleted at any time.

    None if there is no place for one: the user has no home.
    """
    named = os.environ.get(CACHE)
    if named:
        return Path(named)
    base = os.environ.get("LOCALAPPDATA") or os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    try:
        return Path(base).expanduser() / "live-action-recognition"
    except RuntimeError:
        return None


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Write a JSON file, as `write_whole`.

    Raises:
        UserError: the file cannot be written.
    """
    write_whole(path, (json.dumps(value, indent=2) + "\n").encode())
