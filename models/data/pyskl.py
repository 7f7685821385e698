"""Read data sets in PYSKL's annotation format (Duan et al., ACM MM 2022)."""

import hashlib
import io
import json
import pickle
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from models.action.label import NOTHING
from models.errors import UserError
from models.sample import PEOPLE, Track, torso_length
from models.skeleton import layout, to_coco

FPS = 30.0
"""Default frames a second: published PYSKL files were made from 30 fps video."""

MIN_PRESENCE = 0.2
"""Minimum visibility of a second person, as a fraction of the first one's."""


@dataclass(frozen=True)
class Clip:
    """A labelled clip of one or two people.

    Attributes:
        name: "file/frame_dir", unique over data sets.
        label: name of the class; `NOTHING` for a clip of none of the actions.
        times: time of each frame, float64 [F], seconds.
        keypoints: x and y in pixels and score, float32 [P, F, 17, 3], P = 1 or 2.
        unit: torso length in pixels; 1 if no bone is visible.
        subject: number of the person who acts, if the file gives it.
        splits: splits of the file that contain the clip.
    """

    name: str
    label: str
    times: np.ndarray
    keypoints: np.ndarray
    unit: float
    subject: int | None = None
    splits: frozenset[str] = frozenset()

    @property
    def tracks(self) -> list[Track]:
        """One track a person, as `models.sample` takes them."""
        return [(self.times, person) for person in self.keypoints]

    @property
    def file(self) -> str:
        """Name of the file that the clip comes from, without its suffix."""
        return self.name.split("/")[0]

    @property
    def fingerprint(self) -> str:
        """Hash of the keypoints, 16 hexadecimal digits: the same for a renamed clip."""
        return hashlib.sha256(np.ascontiguousarray(self.keypoints).tobytes()).hexdigest()[:16]


@dataclass(frozen=True)
class DataSet:
    """The content of one file.

    Attributes:
        classes: class names, in the order of the label numbers.
        clips: clips by `frame_dir`.
        splits: the `frame_dir`s of each split.
    """

    classes: list[str]
    clips: dict[str, Clip]
    splits: dict[str, list[str]]

    def split(self, names: Iterable[str]) -> list[Clip]:
        """Return the clips in any of these splits, each once."""
        chosen = dict.fromkeys(clip for name in names for clip in self.splits[name])
        return [self.clips[name] for name in chosen if name in self.clips]


def read(path: str | Path, joints: str | None = None, classes: list[str] | None = None) -> DataSet:
    """Read a data set in PYSKL's annotation format.

    The pickle cannot run code: only arrays and plain containers are rebuilt.

    Args:
        path: the pickle.
        joints: layout of the joints (see `models.skeleton.layout`). Default: the file's `layout`
            key, or else COCO-17.
        classes: class names. Default: the file's `classes` key, or else "class 0", "class 1", ...

    Raises:
        UserError: the file is missing, is not in this format, or has 3D coordinates; or its joints
            do not fit the layout.
    """
    path = Path(path)
    content = _unpickle(path)
    try:
        annotations, splits = content["annotations"], content["split"]
        names = layout(joints or content.get("layout", "coco17"))
        fps = float(content.get("fps", FPS))
        count = 1 + max(int(annotation["label"]) for annotation in annotations)
        classes = classes or content.get("classes") or [f"class {i}" for i in range(count)]
        if count > len(classes):
            raise UserError(f"{path} has {count} classes but {len(classes)} class names")
        member: defaultdict[str, set[str]] = defaultdict(set)
        for split, inside in splits.items():
            for name in inside:
                member[name].add(split)
        clips = {
            name: _clip(annotation, path, names, fps, classes, frozenset(member[name]))
            for annotation in annotations
            if (name := annotation["frame_dir"])
        }
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise UserError(f"{path} is not a PYSKL annotation file: {error!r}") from error
    return DataSet(list(classes), clips, {name: list(split) for name, split in splits.items()})


def load_split(
    paths: Iterable[str | Path],
    splits: Iterable[str],
    joints: str | None = None,
    classes: list[str] | None = None,
) -> list[Clip]:
    """Load the given splits of several files. A file need not have all of them.

    Args:
        paths: the pickles.
        splits: names of splits.
        joints: as in `read`.
        classes: as in `read`.

    Raises:
        UserError: as in `read`; or a file has none of the splits, or a split is in no file.
    """
    splits = list(splits)
    clips: list[Clip] = []
    found: set[str] = set()
    for path in paths:
        data = read(path, joints, classes)
        here = [split for split in splits if split in data.splits]
        if not here:
            raise UserError(f"{path} has none of these splits, only: {', '.join(data.splits)}")
        found.update(here)
        clips += data.split(here)
    if missing := set(splits) - found:
        raise UserError(f"no file has the split {', '.join(sorted(missing))}")
    return clips


def relabel(clips: Iterable[Clip], mapping: dict[str, str | None] | None) -> list[Clip]:
    """Rename the classes of clips.

    Args:
        clips: the clips.
        mapping: new name of each class; None leaves its clips out. Without a mapping, nothing
            changes.

    Raises:
        UserError: a class is not in the mapping.
    """
    if mapping is None:
        return list(clips)
    result = []
    for clip in clips:
        if clip.label not in mapping:
            raise UserError(f"the label map lacks the class '{clip.label}'")
        if (label := mapping[clip.label]) is not None:
            result.append(replace(clip, label=label))
    return result


def labelled(clips: Iterable[Clip]) -> list[Clip]:
    """Leave out the clips of `NOTHING`."""
    return [clip for clip in clips if clip.label != NOTHING]


def read_label_map(path: str | Path) -> dict[str, str | None]:
    """Read a label map: a JSON object from class names to labels.

    A class mapped to null is left out. A class mapped to "nothing" serves as negatives.

    Raises:
        UserError: the file is missing, or is not such an object.
    """
    try:
        mapping = json.loads(Path(path).read_text())
    except (OSError, ValueError) as error:
        raise UserError(f"cannot read the label map {path}: {error}") from error
    if not isinstance(mapping, dict) or not all(
        value is None or isinstance(value, str) for value in mapping.values()
    ):
        raise UserError(f"{path}: a label map is a JSON object from class names to labels or null")
    return mapping


def hold_out(clips: list[Clip], splits: Iterable[str]) -> tuple[list[Clip], list[Clip]]:
    """Split training clips into a training and a validation part.

    The two parts have different people where possible. Of each file, the validation part takes the
    clips in `splits`. If there are none, it takes those of the last subject. If the file does not
    give subjects, it takes a fifth of every class, chosen by fingerprint and so always the same.

    Args:
        clips: all training clips.
        splits: splits to hold out.

    Returns:
        Training clips and validation clips.
    """
    splits = set(splits)
    held: set[str] = set()
    for file in sorted({clip.file for clip in clips}):
        here = [clip for clip in clips if clip.file == file]
        subjects = [clip.subject for clip in here if clip.subject is not None]
        if chosen := [clip.name for clip in here if clip.splits & splits]:
            held.update(chosen)
        elif len(subjects) == len(here):
            last = max(subjects)
            held.update(clip.name for clip in here if clip.subject == last)
        else:
            for label in sorted({clip.label for clip in here}):
                same = [clip for clip in here if clip.label == label]
                same.sort(key=lambda clip: clip.fingerprint)
                held.update(clip.name for clip in same[: round(len(same) / 5)])
    return [c for c in clips if c.name not in held], [c for c in clips if c.name in held]


def _clip(
    annotation: dict,
    path: Path,
    joints: tuple[str, ...],
    fps: float,
    classes: list[str],
    splits: frozenset[str],
) -> Clip:
    """Turn an annotation of the file at `path` into a clip.

    Raises:
        UserError: the keypoints have another shape than 2D keypoints of these joints.
    """
    xy = np.asarray(annotation["keypoint"], np.float32)
    if xy.ndim != 4:
        raise UserError(f"{path}: keypoints must be [people, frames, joints, 2], not {xy.shape}")
    if xy.shape[-1] != 2:
        raise UserError(f"{path} holds {xy.shape[-1]}D skeletons; use the 2D (HRNet) file instead")
    if xy.shape[2] != len(joints):
        raise UserError(
            f"{path} has {xy.shape[2]} joints but its layout has {len(joints)}; set --layout"
        )
    score = np.asarray(annotation.get("keypoint_score", np.ones(xy.shape[:-1])), np.float32)
    keypoints = to_coco(np.concatenate([xy, score[..., None]], axis=-1), joints)
    keypoints = keypoints[_most_visible(keypoints)]
    subject = annotation.get("subject")
    return Clip(
        name=f"{path.stem}/{annotation['frame_dir']}",
        label=classes[int(annotation["label"])],
        times=np.arange(keypoints.shape[1]) / fps,
        keypoints=keypoints,
        unit=_unit(keypoints),
        subject=None if subject is None else int(subject),
        splits=splits,
    )


def _most_visible(keypoints: np.ndarray) -> list[int]:
    """Choose the one or two most visible people, in the order of the file.

    A second one who is visible for less than `MIN_PRESENCE` of the first one's time is a passer-by,
    or a false track as pose trackers leave them in clips of one person.
    """
    seen = keypoints[..., 2].sum(axis=(1, 2))
    least = MIN_PRESENCE * seen.max()
    ranked = [person for person in np.argsort(-seen, kind="stable") if seen[person] > least]
    return sorted(ranked[:PEOPLE]) or [0]


def _unit(keypoints: np.ndarray) -> float:
    """Return the mean torso length of the people [P, F, 17, 3] in pixels; 1 if unknown."""
    visible = np.where(keypoints[..., 2:] > 0, keypoints[..., :2], np.nan)
    units = [unit for unit in (torso_length(person) for person in visible) if unit > 0]
    return float(np.mean(units)) if units else 1.0


class _Unpickler(pickle.Unpickler):
    """Rebuilds NumPy arrays and plain containers, and refuses everything else."""

    ALLOWED = frozenset(
        (f"numpy.{core}.multiarray", name)
        for core in ("core", "_core")
        for name in ("_reconstruct", "scalar")
    ) | {("numpy", "ndarray"), ("numpy", "dtype"), ("_codecs", "encode")}

    def find_class(self, module: str, name: str) -> object:
        """Look up what arrays are made of, and nothing else."""
        if (module, name) not in self.ALLOWED:
            raise pickle.UnpicklingError(f"it refers to {module}.{name}, which is not data")
        return super().find_class(module.replace("numpy._core", "numpy.core"), name)


def _unpickle(path: Path) -> dict:
    try:
        content = _Unpickler(io.BytesIO(path.read_bytes())).load()
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error
    except Exception as error:  # a damaged or hostile pickle may raise anything
        raise UserError(f"cannot read {path} as a pickle of arrays: {error}") from error
    if not isinstance(content, dict):
        raise UserError(
            f"{path} is not a PYSKL annotation file: it holds a {type(content).__name__}"
        )
    return content
