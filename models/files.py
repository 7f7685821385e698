"""Where the files lie that come with the project, and how figures are written."""

import json
from pathlib import Path

from models.errors import UserError

ROOT = Path(__file__).resolve().parent.parent
CONFIGS = ROOT / "models" / "configs"
WEIGHTS = ROOT / "weights"


def write_json(path: Path, value: dict) -> None:
    """Write all of the file or nothing of it, whenever the process is stopped.

    Raises:
        UserError: it cannot be written there.
    """
    unfinished = path.with_name(path.name + ".unfinished")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished.write_text(json.dumps(value, indent=2) + "\n")
        unfinished.replace(path)
    except OSError as error:
        raise UserError(f"cannot write {path}: {error}") from error
