"""Graphs that stand beside their weights: `strl.onnx` beside `strl.safetensors`.

Where one is, nothing is exported, and PyTorch is not needed. `weights/export.py` writes them.
"""

from pathlib import Path

from models.errors import UserError
from models.files import check_input, file_digest
from models.part import reason


def place(weights: Path | str) -> Path:
    """Where the graph of these weights stands."""
    return Path(weights).with_suffix(".onnx")


def source(weights: Path | str) -> str:
    """Return what a graph names its weights by: their SHA-256, in hexadecimal.

    Raises:
        UserError: they cannot be read.
    """
    check_input(weights)
    try:
        return file_digest(weights).hex()
    except OSError as error:
        raise UserError(f"cannot read {weights}: {reason(error)}") from error


def read_beside(weights: Path | str) -> bytes | None:
    """Return the graph that stands beside weights, the content of an ONNX file.

    None if there is none, or if it was made from other weights.

    Raises:
        UserError: the weights cannot be read.
    """
    named = source(weights).encode()
    try:
        model = place(weights).read_bytes()
    except OSError:
        return None
    # Metadata is plain text in an ONNX file, and nothing else in it has this hash.
    return model if named in model else None
