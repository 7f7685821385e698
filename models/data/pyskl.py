"""PYSKL pickles to clips: any data set in that format, its classes, splits and people."""

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
"""Frames a second where a file does not say: published PYSKL files were made from 30 fps video."""

PASSING = 0.2
"""Part of the time that the person seen most is seen, from which a second one counts."""


@dataclass(frozen=True)
class Clip:
    """One labelled clip.

    Attributes:
        name: unique over data sets, "file/frame_dir".
        label: the class's name.
        times: float64 [F], seconds.
        keypoints: float32 [P, F, 17, 3], P = 1 or 2; x and y in pixels, score.
        unit: torso length in pixels; 1 where no bone is visible.
        subject: who acts, where the source says so.
        splits: the splits of its file that it is in.
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
        """The people, as `models.sample` takes them."""
        return [(self.times, person) for person in self.keypoints]

    @property
    def file(self) -> str:
        """The file it comes from."""
        return self.name.split("/")[0]

    @property
    def fingerprint(self) -> str:
        """What the clip shows, whatever it is called: 16 hexadecimal digits."""
        return hashlib.sha256(np.ascontiguousarray(self.keypoints).tobytes()).hexdigest()[:16]


@dataclass(frozen=True)
class DataSet:
    """A file's clips, its class names in the order of its label numbers, and its splits."""

    classes: list[str]
    clips: dict[str, Clip]
    splits: dict[str, list[str]]

    def split(self, names: Iterable[str]) -> list[Clip]:
        """Clips of these splits together, each once."""
        chosen = dict.fromkeys(clip for name in names for clip in self.splits[name])
        return [self.clips[name] for name in chosen if name in self.clips]


def read(path: str | Path, joints: str | None = None, classes: list[str] | None = None) -> DataSet:
    """Read a data set in PYSKL's annotation format, without running any code it may hold.

    Args:
        path: the pickle.
        joints: a layout (see `models.skeleton.layout`); else the file's `layout` key, else COCO-17.
        classes: names of the classes; else the file's `classes` key, else "class 0", ...

    Raises:
        UserError: no such file, not such a pickle, 3D coordinates, or joints that do not fit.
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
            raise UserError(f"{path} has {count} classes, but {len(classes)} names for them")
        member = defaultdict(set)
        for split, inside in splits.items():
            for name in inside:
                member[name].add(split)
        clips = {
            name: _clip(annotation, path, names, fps, classes, frozenset(member[name]))
            for annotation in annotations
            if (name := annotation["frame_dir"])
        }
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise UserError(f"{path} is no PYSKL annotation file: {error!r}") from error
    return DataSet(list(classes), clips, {name: list(split) for name, split in splits.items()})


def load_split(
    paths: Iterable[str | Path],
    splits: Iterable[str],
    joints: str | None = None,
    classes: list[str] | None = None,
) -> list[Clip]:
    """Clips of the named splits of several files; each file gives the splits that it has.

    Raises:
        UserError: as `read`; a file without any of the splits; a split that no file has.
    """
    splits, clips, found = list(splits), [], set()
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
    """Clips with their classes' names in another vocabulary; a class mapped to None is left out.

    Raises:
        UserError: a class that the mapping lacks.
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


def named(clips: Iterable[Clip]) -> list[Clip]:
    """The clips that show an action with a name."""
    return [clip for clip in clips if clip.label != NOTHING]


def read_label_map(path: str | Path) -> dict[str, str | None]:
    """A JSON object that maps class names to labels.

    Null leaves a class out; "nothing" makes its clips examples of what has no label.

    Raises:
        UserError: no such file, or something else in it.
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
    """Training and validation part of training clips, with other people in each where possible.

    Args:
        clips: all of the training clips.
        splits: splits to hold out, of the files that have them.

    Returns:
        The rest, and the held-out clips: those in `splits`; from other files the last subject,
        where clips name theirs, or else a fifth of every class (by fingerprint: the same clips
        each time).
    """
    splits = set(splits)
    held: set[str] = set()
    for file in sorted({clip.file for clip in clips}):
        here = [clip for clip in clips if clip.file == file]
        if named := [clip.name for clip in here if clip.splits & splits]:
            held.update(named)
        elif all(clip.subject is not None for clip in here):
            last = max(clip.subject for clip in here)
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
    splits: frozenset,
) -> Clip:
    xy = np.asarray(annotation["keypoint"], np.float32)
    if xy.ndim != 4:
        raise UserError(f"{path}: keypoints must be [people, frames, joints, 2], not {xy.shape}")
    if xy.shape[-1] != 2:
        raise UserError(f"{path} holds {xy.shape[-1]}D skeletons; use the 2D (HRNet) file instead")
    if xy.shape[2] != len(joints):
        raise UserError(
            f"{path} has {xy.shape[2]} joints, its layout {len(joints)}; say which with --layout"
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
    """The two people seen most, in the file's order, at least one.

    Nobody who is never seen, or for less than a fifth of the other's time: somebody who passes by,
    or no person at all, as trackers leave them in files of one person's actions.
    """
    seen = keypoints[..., 2].sum(axis=(1, 2))
    least = PASSING * seen.max()
    ranked = [person for person in np.argsort(-seen, kind="stable") if seen[person] > least]
    return sorted(ranked[:PEOPLE]) or [0]


def _unit(keypoints: np.ndarray) -> float:
    visible = np.where(keypoints[..., 2:] > 0, keypoints[..., :2], np.nan)
    units = [unit for unit in (torso_length(person) for person in visible) if unit > 0]
    return float(np.mean(units)) if units else 1.0


class _Unpickler(pickle.Unpickler):
    """Rebuilds NumPy arrays and plain containers; knows nothing else, so nothing else can run."""

    ALLOWED = frozenset(
        (f"numpy.{core}.multiarray", name)
        for core in ("core", "_core")
        for name in ("_reconstruct", "scalar")
    ) | {("numpy", "ndarray"), ("numpy", "dtype"), ("_codecs", "encode")}

    def find_class(self, module: str, name: str) -> object:
        """Only what arrays are made of."""
        if (module, name) not in self.ALLOWED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which is not data")
        return super().find_class(module.replace("numpy._core", "numpy.core"), name)


def _unpickle(path: Path) -> dict:
    try:
        content = _Unpickler(io.BytesIO(path.read_bytes())).load()
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error
    except Exception as error:  # whatever a damaged or hostile pickle provokes is about the file
        raise UserError(f"cannot read {path} as a pickle of arrays: {error}") from error
    if not isinstance(content, dict):
        raise UserError(f"{path} is no PYSKL annotation file: it holds a {type(content).__name__}")
    return content
