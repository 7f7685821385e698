"""Where the files lie that come with the project."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CONFIGS = ROOT / "models" / "configs"
WEIGHTS = ROOT / "weights"
