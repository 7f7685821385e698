"""Paths of the bundled files, and writing of JSON files."""

import json
from pathlib import Path
from typing import Any

from models.errors import UserError

ROOT = Path(__file__).resolve().parent.parent
CONFIGS = ROOT / "models" / "configs"
WEIGHTS = ROOT / "weights"


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Write a JSON file atomically: an interrupted process leaves either all of it or nothing.

    Args:
        path: of the file. Missing folders are made.
        value: content of the file.

    Raises:
        UserError: the file cannot be written.
    """
    unfinished = path.with_name(path.name + ".unfinished")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished.write_text(json.dumps(value, indent=2) + "\n")
        unfinished.replace(path)
    except OSError as error:
        raise UserError(f"cannot write {path}: {error}") from error
