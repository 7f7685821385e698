"""Read data sets in PYSKL's annotation format (Duan et al., ACM MM 2022), in 2D and 3D."""

import hashlib
import io
import pickle
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from models.action.label import NOTHING
from models.data.camera import Camera, level, recorded_view
from models.data.sources import SOURCES, Source
from models.errors import UserError
from models.files import check_input, read_json
from models.sample import PEOPLE, Track, torso_length
from models.skeleton import layout, to_coco
from models.text import printable

FPS = 30.0
"""Default frames a second: published PYSKL files were made from 30 fps video."""

MAX_FPS = 1000.0
MAX_CLASSES = 10_000
MAX_COORDINATE = 1e6
"""Bounds of what a file may say, far beyond any real one. Coordinates are in pixels or metres."""

MIN_PRESENCE = 0.2
"""Minimum visibility of a second person, as a fraction of the first one's."""

KINECT_AXES = "left up away"
"""Directions of x, y and z in published 3D files: NTU RGB+D is in the camera space of Kinect v2."""

_DIRECTIONS = {"right": (0, 1), "left": (0, -1), "down": (1, 1), "up": (1, -1)}
_DIRECTIONS |= {"away": (2, 1), "towards": (2, -1)}


@dataclass(frozen=True)
class Clip:
    """A labelled clip of one or two people.

    Attributes:
        name: "data set/frame_dir", the identity of the clip: the same in a 2D and in a 3D file.
        label: name of the class; `NOTHING` for a clip of none of the actions.
        times: time of each frame, float64 [F], seconds.
        keypoints: x and y in pixels and score, float32 [P, F, 17, 3], P = 1 or 2. Of a 3D clip, as
            its own camera saw it, at a focal length of 1.
        unit: torso length in pixels; 1 if no bone is visible.
        subject: number of the person who acts, if the file gives it.
        splits: splits of the file that contain the clip.
        space: of a 3D clip, x to the right, y down (vertical, even if the camera was tilted) and z
            away, in metres, NaN where a joint is missing, float32 [P, F, 17, 3].
    """

    name: str
    label: str
    times: np.ndarray
    keypoints: np.ndarray
    unit: float
    subject: int | None = None
    splits: frozenset[str] = frozenset()
    space: np.ndarray | None = None

    @property
    def tracks(self) -> list[Track]:
        """One track a person, as `models.sample` takes them."""
        return [(self.times, person) for person in self.keypoints]

    @property
    def source(self) -> str:
        """Name of the data set."""
        return self.name.split("/")[0]

    @property
    def fingerprint(self) -> str:
        """Hash of the keypoints, 16 hexadecimal digits: the same for a renamed clip."""
        return hashlib.sha256(np.ascontiguousarray(self.keypoints).tobytes()).hexdigest()[:16]

    def person(self, index: int) -> "Clip":
        """Return the clip with one of its people alone."""
        one, space = slice(index, index + 1), self.space
        return replace(
            self, keypoints=self.keypoints[one], space=None if space is None else space[one]
        )

    def view(self, camera: Camera) -> "Clip":
        """Return the clip as another camera sees it.

        Raises:
            UserError: the clip is not in space.
        """
        if self.space is None:
            raise UserError(f"the clip {self.name} is in 2D: it has one view")
        keypoints = _keypoints(camera.project(self.space))
        return replace(self, keypoints=keypoints, unit=unit_of(keypoints))


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

    The pickle cannot run code: only arrays and plain containers are rebuilt. `models.data.sources`
    says what is done with clips of some data sets. Clips without any joint are left out.

    The optional keys of a file are `layout`, `fps`, `classes`, `dataset` (its name, see
    `dataset_name`), and `axes` for 3D: the directions of x, y and z as three words, such as "right
    down away", out of right, left, up, down, away from the camera, and towards it. An annotation
    with an `fps` of its own has another frame rate than the file.

    Args:
        path: the pickle. 3D coordinates are in metres, and the camera is at the origin.
        joints: layout of the joints (see `models.skeleton.layout`). Default: the file's `layout`
            key, or else what PYSKL publishes: COCO-17 in 2D, ntu25 in 3D.
        classes: class names. Default: the file's `classes` key, or else "class 0", "class 1", ...

    Raises:
        UserError: the file is missing, or is not in this format; or its joints do not fit the
            layout.
    """
    path = Path(path)
    content = _unpickle(path)
    try:
        annotations, splits = content["annotations"], content["split"]
        spatial = np.shape(annotations[0]["keypoint"])[-1] == 3
        names = layout(joints or content.get("layout", "ntu25" if spatial else "coco17"))
        axes = _axes(content.get("axes", KINECT_AXES), path) if spatial else None
        dataset = content.get("dataset") or dataset_name(path.stem)
        source = SOURCES.get(dataset, Source())
        file_fps = content.get("fps", FPS)
        numbers = [int(annotation["label"]) for annotation in annotations]
        if min(numbers) < 0 or max(numbers) >= MAX_CLASSES:
            raise UserError(f"{path}: the label of a clip must be in 0..{MAX_CLASSES - 1}")
        count = 1 + max(numbers)
        known = classes or source.classes or content.get("classes")
        classes = [_text(name) for name in known or (f"class {i}" for i in range(count))]
        if count > len(classes):
            raise UserError(f"{path} has {count} classes but {len(classes)} class names")
        splits = {_text(name): [str(clip) for clip in inside] for name, inside in splits.items()}
        member: defaultdict[str, set[str]] = defaultdict(set)
        for split, inside in splits.items():
            for name in inside:
                member[name].add(split)
        clips = {}
        for annotation in annotations:
            points = _points(annotation, path, names, axes, source)
            if not points[..., -1].any():
                continue
            fps = _frame_rate(source.fps or annotation.get("fps", file_fps), path)
            space = None
            if axes is not None:
                space = np.where(points[..., 3:] > 0, points[..., :3], np.nan) @ axes.T
                space = space[:, _lowered_arms(space, round(source.lowering * fps)) :]
                points = _keypoints(recorded_view(space))
                space = level(space, np.radians(source.pitch))
            name, subject = str(annotation["frame_dir"]), annotation.get("subject")
            clips[name] = Clip(
                name=f"{dataset}/{name}",
                label=classes[int(annotation["label"])],
                times=np.arange(points.shape[1]) / fps,
                keypoints=points,
                unit=unit_of(points),
                subject=None if subject is None else int(subject),
                splits=frozenset(member[name]),
                space=space,
            )
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise UserError(f"{path} is not a PYSKL annotation file: {error!r}") from error
    if not clips:
        raise UserError(f"{path} has no clip with a frame and a joint in it")
    return DataSet(classes, clips, splits)


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
        UserError: as in `read`; or a file has none of the splits, or a split is in no file, or no
            clip is in them.
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
    if not clips:
        raise UserError(f"the split {', '.join(splits)} has no clip in it")
    return clips


def _frame_rate(value: float, path: Path) -> float:
    """Frames a second, which must be possible ones."""
    fps = float(value)
    if not 0 < fps <= MAX_FPS:
        raise UserError(f"{path} has {fps} frames a second, not more than 0 up to {MAX_FPS}")
    return fps


def relabel(clips: Iterable[Clip], mapping: dict[str, str | None] | None) -> list[Clip]:
    """Rename the classes of clips.

    Args:
        clips: the clips.
        mapping: new name of each class; None leaves its clips out. A key "data set/class" is for
            the clips of that data set, and goes before the class alone. Without a mapping, nothing
            changes.

    Raises:
        UserError: a class is not in the mapping, or no clip is left.
    """
    if mapping is None:
        return list(clips)
    result = []
    for clip in clips:
        key = f"{clip.source}/{clip.label}"
        key = key if key in mapping else clip.label
        if key not in mapping:
            raise UserError(f"the label map lacks the class '{clip.label}' of {clip.source}")
        if (label := mapping[key]) is not None:
            result.append(replace(clip, label=label))
    if not result:
        raise UserError("the label map leaves no clip: it maps every class to null")
    return result


def labelled(clips: Iterable[Clip]) -> list[Clip]:
    """Leave out the clips of `NOTHING`."""
    return [clip for clip in clips if clip.label != NOTHING]


def read_label_map(path: str | Path) -> dict[str, str | None]:
    """Read a label map: a JSON object from class names to labels, see `relabel`.

    A class mapped to null is left out, and so is one mapped to an object `{"left out": "why"}`. A
    class mapped to "nothing" serves as negatives.

    Raises:
        UserError: the file is missing, or is not such an object.
    """
    mapping = read_json(path, "label map")
    if not isinstance(mapping, dict) or not all(
        value is None or isinstance(value, str) or _is_reason(value) for value in mapping.values()
    ):
        raise UserError(
            f"{path}: a label map is a JSON object from class names to labels, null, or an object "
            'like {"left out": "why"}'
        )
    return {
        name: printable(value) if isinstance(value, str) else None
        for name, value in mapping.items()
    }


def _is_reason(value: object) -> bool:
    """Whether a value of a label map says why a class is left out."""
    return isinstance(value, dict) and list(value) == ["left out"] and bool(value["left out"])


def hold_out(clips: list[Clip], splits: Iterable[str]) -> tuple[list[Clip], list[Clip]]:
    """Split training clips into a training and a validation part.

    The two parts have different people where possible. Of each data set, the validation part takes
    the clips in `splits`. If there are none, it takes those of the last subject. If there are no
    subjects, it takes a fifth of every class, chosen by fingerprint and so always the same. A clip
    in 2D and the same in 3D go into the same part.

    Args:
        clips: all training clips.
        splits: splits to hold out.

    Returns:
        Training clips and validation clips.
    """
    splits = set(splits)
    held: set[str] = set()
    for source in sorted({clip.source for clip in clips}):
        here = [clip for clip in clips if clip.source == source]
        subjects = [clip.subject for clip in here if clip.subject is not None]
        if chosen := [clip.name for clip in here if clip.splits & splits]:
            held.update(chosen)
        elif len(subjects) == len(here):
            last = max(subjects)
            held.update(clip.name for clip in here if clip.subject == last)
        else:
            for label in sorted({clip.label for clip in here}):
                same = list({clip.name: clip for clip in here if clip.label == label}.values())
                same.sort(key=lambda clip: clip.fingerprint)
                held.update(clip.name for clip in same[: round(len(same) / 5)])
    return [c for c in clips if c.name not in held], [c for c in clips if c.name in held]


def dataset_name(stem: str) -> str:
    """Name a data set after the stem of its file, without the suffix that tells its form.

    So the clips of msr_action3d_2d.pkl and msr_action3d_3d.pkl, or of ntu60_hrnet.pkl and
    ntu60_3danno.pkl, have the same names. A file with a `dataset` key names itself.
    """
    return re.sub(r"_(2d|3d|hrnet|3danno)$", "", stem)


def clip_identity(name: str) -> str:
    """Return the name of a clip as it is now: older checkpoints have names of files in it."""
    file, _, clip = name.partition("/")
    return f"{dataset_name(file)}/{clip}"


def _text(name: object) -> str:
    """A name from a file, fit to be shown.

    Raises:
        TypeError: it is not a text.
    """
    if not isinstance(name, str):
        raise TypeError(f"a name is a {type(name).__name__}, not a text")
    return printable(name)


def _axes(text: str, path: Path) -> np.ndarray:
    """Return the matrix [3, 3] from axes with these directions to right, down and away.

    Raises:
        UserError: they are not three known directions at right angles.
    """
    found = [_DIRECTIONS.get(word, (3, 0)) for word in text.split()]
    if sorted(axis for axis, _ in found) != [0, 1, 2]:
        raise UserError(f"{path}: axes are three directions like 'right down away', not '{text}'")
    matrix = np.zeros((3, 3), np.float32)
    for column, (axis, sign) in enumerate(found):
        matrix[axis, column] = sign
    return matrix


def _points(
    annotation: dict, path: Path, joints: tuple[str, ...], axes: np.ndarray | None, source: Source
) -> np.ndarray:
    """Read the people of an annotation of the file at `path`.

    Args:
        annotation: the annotation.
        path: the file.
        joints: names of its joints.
        axes: of 3D coordinates, see `_axes`; None if they are 2D.
        source: what is known of the data set.

    Returns:
        The coordinates of the file and the score, float32 [P, F, 17, 2 or 3 + 1].

    Raises:
        UserError: the keypoints have another shape than those of these joints, or are not finite.
    """
    points = np.asarray(annotation["keypoint"], np.float32)
    channels = 2 if axes is None else 3
    if points.ndim != 4 or points.shape[-1] != channels:
        wanted = f"[people, frames, joints, {channels}]"
        raise UserError(f"{path}: keypoints must be {wanted}, not {points.shape}")
    if points.shape[2] != len(joints):
        raise UserError(
            f"{path} has {points.shape[2]} joints but its layout has {len(joints)}; set --layout"
        )
    # Published 3D files have no scores, and zeros for missing joints.
    known = np.ones(points.shape[:-1]) if axes is None else points.any(axis=-1)
    score = np.asarray(annotation.get("keypoint_score", known), np.float32)
    if source.corner:
        score = np.where((points < source.corner).all(axis=-1), 0, score)
    if not (np.abs(points) < MAX_COORDINATE).all() or not np.isfinite(score).all():
        name = annotation["frame_dir"]
        raise UserError(f"{path}: the clip {name} has coordinates or scores that are not possible")
    points = to_coco(np.concatenate([points, score[..., None]], axis=-1), joints)
    return points[_most_visible(points)]


def _lowered_arms(space: np.ndarray, frames: int) -> int:
    """Find the first frame in which both arms hang, in points [P, F, 17, 3] of a 3D clip.

    Returns:
        The frame, or 0 unless both arms are raised in the first frame and hang within so many.
    """
    arms = space[0, :frames, 9:11] - space[0, :frames, 5:7]
    angle = np.arccos(arms[..., 1] / np.linalg.norm(arms, axis=-1))  # from hanging, [frames, 2]
    hanging = (angle < np.radians(30)).all(axis=1)
    raised = (angle[:1] > np.radians(40)).all() and hanging.any()
    return int(hanging.argmax()) if raised else 0


def _keypoints(view: np.ndarray) -> np.ndarray:
    """Turn a view [P, F, 17, 2], NaN where a joint is absent, into keypoints [P, F, 17, 3]."""
    seen = ~np.isnan(view[..., :1])
    return np.concatenate([np.where(seen, view, 0), seen], axis=-1, dtype=np.float32)


def _most_visible(points: np.ndarray) -> list[int]:
    """Choose the one or two most visible people of points [P, F, 17, C], in the file's order.

    The last channel is the score.

    A second one who is visible for less than `MIN_PRESENCE` of the first one's time is a passer-by,
    or a false track as pose trackers leave them in clips of one person.
    """
    seen = points[..., -1].sum(axis=(1, 2))
    least = MIN_PRESENCE * seen.max()
    ranked = [person for person in np.argsort(-seen, kind="stable") if seen[person] > least]
    return sorted(ranked[:PEOPLE]) or [0]


def unit_of(keypoints: np.ndarray) -> float:
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
    check_input(path)
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
