"""Checkpoints: tensors in a safetensors file, everything else as JSON in its header."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import torch
from mmengine.dist import master_only
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn
from typing_extensions import Self

from models.action.header import HEADERS, check_header
from models.errors import UserError
from models.files import check_input
from models.part import write_whole

Network = TypeVar("Network", bound=nn.Module)


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


def read_kind(path: str | Path) -> str:
    """Read the kind of network that a checkpoint holds, one of `models.action.header.HEADERS`.

    Raises:
        UserError: the file is missing, or no checkpoint of this project.
    """
    with _opened(path) as (_, header):
        kind = header.get("kind")
    if not isinstance(kind, str) or kind not in HEADERS:
        raise UserError(f"{path} is not a checkpoint of {' or '.join(HEADERS)}")
    return kind


def read_checkpoint(path: str | Path, kind: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read what `write_checkpoint` wrote. The file cannot run code.

    Args:
        path: of the file.
        kind: of network that the file must hold, one of `models.action.header.HEADERS`.

    Returns:
        The state dict, and the header with "kind" in it, which `check_header` has passed.

    Raises:
        UserError: the file is missing, damaged, or of another kind; or a value in its header is not
            possible, or a weight not finite.
    """
    with _opened(path) as (file, header):
        if header.get("kind") != kind:
            raise UserError(f"{path} is not a {kind} checkpoint")
        header = check_header(kind, header)
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    for name, tensor in tensors.items():
        if not tensor.isfinite().all():
            raise UserError(f"cannot read the checkpoint {path}: {name} is not finite")
    return tensors, header


@contextmanager
def _opened(path: str | Path) -> Iterator[tuple[safe_open, dict[str, Any]]]:
    """Open a checkpoint, and read its header, which is not checked yet.

    Raises:
        UserError: the file is missing or damaged, or what is done with it raises a ValueError.
    """
    check_input(path)
    try:
        with safe_open(path, "pt") as file:
            yield file, {key: json.loads(text) for key, text in (file.metadata() or {}).items()}
    # JSON that is nested too deeply is a RecursionError.
    except (OSError, SafetensorError, ValueError, RecursionError) as error:
        raise UserError(f"cannot read the checkpoint {path}: {error}") from error


def build(path: str | Path, tensors: dict[str, Tensor], make: Callable[[], Network]) -> Network:
    """Build the network of a checkpoint, and load its tensors.

    Its shapes are compared first, on a network without memory: so a small file cannot ask for a
    huge network.

    Args:
        path: of the checkpoint.
        tensors: its state dict.
        make: builds the network that its header describes.

    Raises:
        UserError: the tensors are not those of the network.
    """
    try:
        with torch.device("meta"):
            wanted = {name: value.shape for name, value in make().state_dict().items()}
    except (RuntimeError, TypeError, ValueError) as error:
        raise UserError(f"{path} does not fit this version: {error}") from error
    found = {name: value.shape for name, value in tensors.items()}
    for name in sorted(wanted.keys() | found.keys()):
        if wanted.get(name) != found.get(name):
            shapes = [list(s[name]) if name in s else "none" for s in (wanted, found)]
            raise UserError(
                f"{path} does not fit this version: {name} is {shapes[1]}, not {shapes[0]}"
            )
    network = make()
    network.load_state_dict(tensors)
    return network.eval()


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


class Stored(nn.Module):
    """A network that a checkpoint holds.

    Attributes:
        kind: of network, as the file names it, one of `models.action.header.HEADERS`.
        hyperparameters: the arguments, as stored.
        clips: [name, fingerprint] of every clip of pre-training or fine-tuning.
    """

    kind: ClassVar[str]
    hyperparameters: dict[str, Any]
    clips: list[list[str]]

    def header(self) -> dict[str, Any]:
        """Return what a checkpoint stores beside the weights, as JSON values."""
        return {"hyperparameters": self.hyperparameters, "clips": self.clips}

    def save(self, path: str | Path) -> None:
        """Write weights and header to a safetensors file.

        Raises:
            UserError: the file cannot be written.
        """
        write_checkpoint(path, self.kind, self, self.header())

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a checkpoint that `save` wrote. The network is in evaluation mode.

        Raises:
            UserError: the file is missing, not a checkpoint of this kind, or of another version.
        """
        tensors, header = read_checkpoint(path, cls.kind)
        model = build(path, tensors, lambda: cls(**header["hyperparameters"]))
        model.clips = header["clips"]
        return model
