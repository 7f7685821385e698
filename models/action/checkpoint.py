"""Checkpoints: safetensors, with what a reader must know as JSON in the header."""

import json
from pathlib import Path

from mmengine.dist import master_only
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from models.errors import UserError


@master_only
def write_checkpoint(path: str | Path, kind: str, model: nn.Module, header: dict) -> None:
    """Write a module's tensors, with a header of anything JSON can hold.

    Of several processes, the first one writes.

    Raises:
        UserError: the file cannot be written.
    """
    path = Path(path)
    tensors = {name: value.detach().contiguous() for name, value in model.state_dict().items()}
    metadata = {key: json.dumps(value) for key, value in {"kind": kind, **header}.items()}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(save(tensors, metadata))
    except (OSError, SafetensorError) as error:
        raise UserError(f"cannot write {path}: {error}") from error


def read_checkpoint(path: str | Path, kind: str) -> tuple[dict[str, Tensor], dict]:
    """Tensors and header of a checkpoint of this kind; runs no code from it.

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
        raise UserError(f"{path} is no {kind} checkpoint")
    return tensors, header
