"""Run networks with ONNX Runtime: half the time of PyTorch on a CPU, and a tenth of its start-up.

A graph that does not stand beside its weights (`models/runtime/beside.py`) is exported from a
PyTorch module (`models/runtime/export.py`) on first use, which takes seconds and another process.
It is cached under the SHA-256 of all that it depends on: weights, config, code of the network, and
version of the exporter. So a cached graph is never out of date. Nothing here imports PyTorch.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from models.errors import UserError
from models.files import CACHE, cache_folder, check_input, file_digest
from models.part import write_whole
from models.text import tell

RUNTIMES = ("onnx", "torch")
"""Values of `--runtime`."""

DIGEST_SIZE = hashlib.sha256().digest_size

PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}


class Graph:
    """A network compiled by ONNX Runtime.

    Args:
        model: content of an ONNX file.
        device: "cpu", "cuda" or "cuda:1".
        threads: CPU threads per call. If None, two, or one on a single core.

    Attributes:
        settings: values by name that the exporter stored with the network.

    Raises:
        UserError: ONNX Runtime cannot use the device, or the file is damaged.
    """

    def __init__(self, model: bytes, device: str = "cpu", threads: int | None = None):
        kind, _, number = device.partition(":")
        provider = PROVIDERS.get(kind)
        if provider not in onnxruntime.get_available_providers():
            raise UserError(
                f"ONNX Runtime cannot use the device '{device}': for cuda, install onnxruntime-gpu "
                "instead of onnxruntime, or choose --runtime torch"
            )
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or min(2, os.cpu_count() or 1)
        # Threads that spin while they wait would take time from the other stages.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        place = {"device_id": number or "0"} if kind == "cuda" else {}
        try:
            self._session = onnxruntime.InferenceSession(model, options, [(provider, place)])
        except Exception as error:  # it has a type of its own for each kind of damage
            raise UserError(
                f"a network's .onnx is damaged: {str(error).splitlines()[0]}"
            ) from error
        self._names = [value.name for value in self._session.get_inputs()]
        metadata = self._session.get_modelmeta().custom_metadata_map
        self.settings: dict[str, Any] = {name: json.loads(text) for name, text in metadata.items()}

    def __call__(self, *inputs: np.ndarray) -> list[np.ndarray]:
        """Run the network on its inputs, in the order of the graph, and return its outputs."""
        return self._session.run(None, dict(zip(self._names, inputs, strict=True)))


def choose_runtime(runtime: str | None, device: str) -> str:
    """Return the given runtime, or if None the faster one on the device."""
    return runtime or ("onnx" if device == "cpu" else "torch")


def exported(files: Iterable[Path | str], export: Callable[[], bytes]) -> bytes:
    """Return a graph from the cache, or else export and cache it.

    A file of the cache begins with the SHA-256 of the rest. One that is damaged is exported again.
    If the cache cannot be written, the graph is exported at every start.

    Args:
        files: weights, configs and code that the graph depends on.
        export: returns the content of an ONNX file.

    Returns:
        The content of the ONNX file.

    Raises:
        UserError: a file cannot be read, or as `export`.
    """
    folder, name = cache_folder(), f"{fingerprint(files)}.graph"
    model = None if folder is None else _read_verified(folder / name)
    if model is None:
        model = export()
        if folder is None:
            tell(f"networks are compiled at every start: set {CACHE} to a folder for them")
        else:
            _cache(folder / name, model)
    return model


def _read_verified(path: Path) -> bytes | None:
    """Return what `_cache` wrote; None if it is not there, or damaged."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    digest, model = content[:DIGEST_SIZE], content[DIGEST_SIZE:]
    return model if hashlib.sha256(model).digest() == digest else None


def _cache(path: Path, model: bytes) -> None:
    try:
        write_whole(path, hashlib.sha256(model).digest() + model)
        tell(f"compiled a network, once: {path}")
    except UserError as error:
        tell(f"cannot cache a network: {error}")


def fingerprint(files: Iterable[Path | str]) -> str:
    """Return the SHA-256 of the files and of the exporter's version, in hexadecimal.

    Raises:
        UserError: a file cannot be read.
    """
    digest = hashlib.sha256(_exporter().encode())
    for file in files:
        check_input(file)
        try:
            digest.update(file_digest(file))
        except OSError as error:
            raise UserError(f"cannot read {file}: {error.strerror}") from error
    return digest.hexdigest()


def _exporter() -> str:
    """The version of the exporter, which is PyTorch's; "none" where that is not installed."""
    try:
        return version("torch")
    except PackageNotFoundError:
        return "none"
