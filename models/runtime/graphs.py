"""Networks compiled by ONNX Runtime: half the time of PyTorch on a CPU, a tenth of its start.

A graph is exported from the PyTorch module (`models/runtime/export.py`) when it is first asked for,
which takes seconds, and kept in the user's cache under the SHA-256 of all that it depends on:
weights, config, the network's code, and the exporter. So it can never be an old one. Nothing here
imports PyTorch once the graph is there.
"""

import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterable
from importlib.metadata import version
from pathlib import Path

import numpy as np
import onnxruntime

from models.errors import UserError

RUNTIMES = ("onnx", "torch")
"""Names for `--runtime`."""

CACHE = "LIVE_ACTION_RECOGNITION_CACHE"
"""The environment variable that names another folder for exported graphs."""

PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}


class Graph:
    """A compiled network.

    Args:
        model: the ONNX file's contents.
        device: "cpu", "cuda" or "cuda:1".
        threads: of the CPU that one call may use.

    Attributes:
        settings: what the exporter wrote down about the network.

    Raises:
        UserError: ONNX Runtime cannot use the device.
    """

    def __init__(self, model: bytes, device: str = "cpu", threads: int | None = None):
        kind, _, number = device.partition(":")
        provider = PROVIDERS.get(kind)
        if provider not in onnxruntime.get_available_providers():
            raise UserError(
                f"ONNX Runtime cannot use the device '{device}': install onnxruntime-gpu in the "
                "place of onnxruntime for cuda, or choose --runtime torch"
            )
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or min(2, os.cpu_count() or 1)
        # Waiting threads would take the time of the other stages.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        place = {"device_id": number or "0"} if kind == "cuda" else {}
        self._session = onnxruntime.InferenceSession(model, options, [(provider, place)])
        self._names = [value.name for value in self._session.get_inputs()]
        metadata = self._session.get_modelmeta().custom_metadata_map
        self.settings = {name: json.loads(text) for name, text in metadata.items()}

    def __call__(self, *inputs: np.ndarray) -> list[np.ndarray]:
        """Run the network."""
        return self._session.run(None, dict(zip(self._names, inputs, strict=True)))


def choose_runtime(runtime: str | None, device: str) -> str:
    """The runtime that was asked for, or else the faster one on the device."""
    return runtime or ("onnx" if device == "cpu" else "torch")


def exported(files: Iterable[Path | str], export: Callable[[], bytes]) -> bytes:
    """The ONNX file that `export` makes from `files`, from the cache where it is already there.

    `files` are weights, configs, and the code that decides what is in the graph.

    A cache that cannot be written costs the export at every start, and no more.

    Raises:
        UserError: a file cannot be read, or as `export`.
    """
    path = cache_folder() / f"{fingerprint(files)}.onnx"
    try:
        return path.read_bytes()
    except OSError:
        model = export()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Written whole or not at all: another process may read it, or this one be stopped.
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            file.write(model)
        os.replace(file.name, path)
        print(f"compiled a network, once: {path}", file=sys.stderr)
    except OSError as error:
        print(f"cannot keep it in {path.parent}: {error}", file=sys.stderr)
    return model


def cache_folder() -> Path:
    """Where exported graphs are kept; it may be deleted at any time."""
    named = os.environ.get(CACHE)
    if named:
        return Path(named)
    base = os.environ.get("LOCALAPPDATA") or os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "live-action-recognition"


def fingerprint(files: Iterable[Path | str]) -> str:
    """SHA-256, in hexadecimal, of the files and of the exporter's version.

    Raises:
        UserError: a file cannot be read.
    """
    digest = hashlib.sha256(version("torch").encode())
    for file in files:
        try:
            digest.update(hashlib.sha256(Path(file).read_bytes()).digest())
        except OSError as error:
            raise UserError(f"cannot read {file}: {error.strerror}") from error
    return digest.hexdigest()
