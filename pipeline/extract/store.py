"""What is done already: the skeletons of each clip, kept in a folder.

An entry is known by the content of the clip, the settings, the weights and the code. So a clip that
was changed is done again, and one that was renamed is not.
"""

import hashlib
import json
import os
import tempfile
from dataclasses import fields
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from models.data.imports import files
from models.data.recording import Skeletons
from models.errors import UserError
from models.files import ROOT, file_digest
from models.runtime.graphs import fingerprint
from pipeline.choices import live_code, pose_files
from pipeline.extract.video import Settings

FORMAT = 1
"""Changes with what an entry holds."""


class Store:
    """Skeletons by clip, in a folder.

    Args:
        folder: made when the first entry is written.
        settings: how the skeletons are found.

    Raises:
        UserError: the files of the pose model cannot be read.
    """

    def __init__(self, folder: Path, settings: Settings):
        self.folder = folder
        self._video = f"{FORMAT} {_networks(settings)}"
        self._skeletons = f"{self._video} {settings.given}"

    def key(self, path: Path) -> str:
        """Return the key of a clip, from the content of its files.

        Raises:
            UserError: a file cannot be read.
        """
        about = self._skeletons if files.has_skeletons(path) else self._video
        digest = hashlib.sha256(about.encode())
        try:
            for part in files.parts(path):
                digest.update(file_digest(part))
        except OSError as error:
            raise UserError(f"{path} cannot be read: {error.strerror}") from error
        return digest.hexdigest()[:40]

    def get(self, key: str) -> Skeletons | None:
        """Return an entry, or None if there is none, or none that can be read."""
        try:
            with safe_open(self._path(key), "numpy") as file:
                about = json.loads(file.metadata()["about"])
                arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            return Skeletons(**{**about, "size": tuple(about["size"])}, **arrays)
        except (OSError, SafetensorError, ValueError, TypeError, KeyError):
            return None  # it was damaged, as by a full disk: the clip is done again

    def put(self, key: str, skeletons: Skeletons) -> None:
        """Write an entry, atomically.

        Raises:
            UserError: it cannot be written.
        """
        values = {field.name: getattr(skeletons, field.name) for field in fields(skeletons)}
        arrays = {
            n: np.ascontiguousarray(v) for n, v in values.items() if isinstance(v, np.ndarray)
        }
        about = {name: value for name, value in values.items() if name not in arrays}
        content = save(arrays, {"about": json.dumps(about)})
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            # Other processes may write the same entry, or this one may be stopped.
            with tempfile.NamedTemporaryFile(dir=self.folder, delete=False) as file:
                file.write(content)
            os.replace(file.name, self._path(key))
        except OSError as error:
            raise UserError(f"cannot write to {self.folder}: {error.strerror}") from error

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.safetensors"


def _networks(settings: Settings) -> str:
    """Return a hash of the weights, configs and code by which skeletons are found."""
    used = pose_files(settings.pose, settings.pose_config, settings.pose_checkpoint)
    return f"{fingerprint([*used, *extraction_code()])} {settings.device} {settings.runtime}"


def extraction_code() -> list[Path]:
    """Return the source files that can change skeletons, other than the classifier's."""
    data, here = ROOT / "models" / "data", Path(__file__).parent
    own = [data / "recording.py", here / "people.py", here / "video.py"]
    return sorted([*live_code([data / "imports"]), *own])
