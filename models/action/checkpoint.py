"""Checkpoints: tensors in a safetensors file, everything else as JSON in its header."""

import json
from pathlib import Path
from typing import Any

from mmengine.dist import master_only
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from models.errors import UserError
from models.part import write_whole


@master_only
def write_checkpoint(path: str | Path, kind: str, model: nn.Module, header: dict[str, Any]) -> None:
    """Write a module's tensors and a header to a file. Of several processes only the first writes.

    Args:
        path: of the file. Missing folders are made.
        kind: name of the kind of network, which `read_checkpoint` asks for.
        model: the module whose state dict is written.
        header: JSON values by name.

    Raises:
        UserError: the file cannot be written.
    """
    tensors = {name: value.detach().contiguous() for name, value in model.state_dict().items()}
    metadata = {key: json.dumps(value) for key, value in {"kind": kind, **header}.items()}
    write_whole(Path(path), save(tensors, metadata))


def read_checkpoint(path: str | Path, kind: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read what `write_checkpoint` wrote. The file cannot run code.

    Args:
        path: of the file.
        kind: of network that the file must hold.

    Returns:
        The state dict, and the header with "kind" in it.

    Raises:
        UserError: the file is missing, damaged, or of another kind.
    """
    try:
        with safe_open(path, "pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            header = {key: json.loads(value) for key, value in (file.metadata() or {}).items()}
    except (OSError, SafetensorError, ValueError) as error:
        raise UserError(f"cannot read the checkpoint {path}: {error}") from error
    if header.get("kind") != kind:
        raise UserError(f"{path} is not a {kind} checkpoint")
    return tensors, header


def arguments(scope: dict[str, Any], *left_out: str) -> dict[str, Any]:
    """Return a constructor's arguments as JSON values, to be stored in a header.

    Args:
        scope: `locals()` on the first line of the constructor.
        left_out: names of arguments to leave out.
    """
    left_out = ("self", "__class__", *left_out)
    return {
        name: list(value) if isinstance(value, (list, tuple)) else value
        for name, value in scope.items()
        if name not in left_out
    }
