"""The body as a graph: COCO-17 joints, bones and parts, and other layouts mapped onto them."""

from pathlib import Path

import numpy as np

from models.errors import UserError
from models.files import read_json

JOINTS = (
    "nose",
    "left eye",
    "right eye",
    "left ear",
    "right ear",
    "left shoulder",
    "right shoulder",
    "left elbow",
    "right elbow",
    "left wrist",
    "right wrist",
    "left hip",
    "right hip",
    "left knee",
    "right knee",
    "left ankle",
    "right ankle",
)
"""The 17 COCO keypoints, in the order of the COCO annotation files."""

BONES = (
    (0, 1),
    (0, 2),
    (1, 3),
    (2, 4),
    (0, 5),
    (0, 6),
    (5, 6),
    (5, 7),
    (7, 9),
    (6, 8),
    (8, 10),
    (5, 11),
    (6, 12),
    (11, 12),
    (11, 13),
    (13, 15),
    (12, 14),
    (14, 16),
)
"""Pairs of connected joints. The nose connects the head to both shoulders."""

PARTS = {
    "head": (0, 1, 2, 3, 4),
    "torso": (5, 6, 11, 12),
    "left arm": (7, 9),
    "right arm": (8, 10),
    "left leg": (13, 15),
    "right leg": (14, 16),
}
"""The six body parts that SkeletonMAE masks as a whole (paper, section 3.1)."""

FACE = (1, 2, 3, 4)
"""Eyes and ears. No training skeleton has them, so they are absent from every network input."""

BODY = (0, *range(5, len(JOINTS)))
"""The 13 joints that can be present in a network input."""

PARENTS = (
    (5, 0, 0, 1, 2, 11, 12, 5, 6, 7, 8, 12, 11, 11, 12, 13, 14),
    (6, 0, 0, 1, 2, 11, 12, 5, 6, 7, 8, 12, 11, 11, 12, 13, 14),
)
"""Two parents per joint. The bone that ends in joint j starts midway between joints `PARENTS[0][j]`
and `PARENTS[1][j]`."""

FLIP = (0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15)
"""The joint that each joint becomes in a mirror image."""


def _both(*names: str) -> tuple[str, ...]:
    """Each name with both sides, the left one first."""
    return tuple(f"{side} {name}" for name in names for side in ("left", "right"))


def _right_first(*names: str) -> tuple[str, ...]:
    """Each name with both sides, the right one first."""
    return tuple(f"{side} {name}" for name in names for side in ("right", "left"))


def _limb(side: str, *names: str) -> tuple[str, ...]:
    """The joints of one limb, named by its side."""
    return tuple(f"{side} {name}" for name in names)


_ARM, _LEG = ("shoulder", "elbow", "wrist", "hand"), ("hip", "knee", "ankle", "foot")

LAYOUTS: dict[str, tuple[str, ...]] = {
    "coco17": JOINTS,
    # NTU RGB+D and Kinect v2: Shahroudy et al., CVPR 2016, figure 4.
    "ntu25": (
        *("spine base", "spine middle", "neck", "head"),
        *_limb("left", *_ARM),
        *_limb("right", *_ARM),
        *_limb("left", *_LEG),
        *_limb("right", *_LEG),
        *("spine shoulder", "left hand tip", "left thumb", "right hand tip", "right thumb"),
    ),
    # OpenPose's COCO model: Cao et al., TPAMI 2019; also Kinetics-Skeleton.
    "openpose18": (
        *("nose", "neck"),
        *_limb("right", *_ARM[:3]),
        *_limb("left", *_ARM[:3]),
        *_limb("right", *_LEG[:3]),
        *_limb("left", *_LEG[:3]),
        *("right eye", "left eye", "right ear", "left ear"),
    ),
    # OpenPose's BODY_25, its default: doc/02_output.md of CMU-Perceptual-Computing-Lab/openpose.
    "openpose25": (
        *("nose", "neck"),
        *_limb("right", *_ARM[:3]),
        *_limb("left", *_ARM[:3]),
        "hip center",
        *_limb("right", *_LEG[:3]),
        *_limb("left", *_LEG[:3]),
        *("right eye", "left eye", "right ear", "left ear"),
        *_limb("left", "big toe", "small toe", "heel"),
        *_limb("right", "big toe", "small toe", "heel"),
    ),
    # MediaPipe's Pose Landmarker (BlazePose GHUM 3D): ai.google.dev/edge/mediapipe, "Pose landmark
    # detection guide".
    "mediapipe33": (
        "nose",
        *("left eye inner", "left eye", "left eye outer"),
        *("right eye inner", "right eye", "right eye outer"),
        *_both("ear", "mouth", "shoulder", "elbow", "wrist"),
        *_both("pinky", "index", "thumb"),
        *_both("hip", "knee", "ankle", "heel", "foot index"),
    ),
    # Kinect for Windows SDK 1.x, enumeration JointType.
    "kinect20": (
        *("hip center", "spine", "shoulder center", "head"),
        *_limb("left", *_ARM),
        *_limb("right", *_ARM),
        *_limb("left", *_LEG),
        *_limb("right", *_LEG),
    ),
    # JHMDB: Jhuang et al., ICCV 2013.
    "jhmdb15": (
        *("neck", "belly", "face"),
        *_right_first("shoulder", "hip", "elbow", "knee", "wrist", "ankle"),
    ),
    # Penn Action: Zhang et al., ICCV 2013. Its documentation names the left joint of each pair
    # first, but in the front views of its videos the right one is.
    "penn13": ("head", *_right_first("shoulder", "elbow", "wrist", "hip", "knee", "ankle")),
    # MSR Action3D: Li et al., CVPRW 2010.
    "msr20": (
        *_both("shoulder"),
        *("neck", "spine"),
        *_both("hip"),
        "hip center",
        *_both("elbow", "wrist", "hand", "knee", "ankle", "foot"),
        "head",
    ),
    # SBU Kinect Interaction: Yun et al., CVPRW 2012.
    "sbu15": (
        *("head", "neck", "torso"),
        *_limb("left", "shoulder", "elbow", "hand"),
        *_limb("right", "shoulder", "elbow", "hand"),
        *_limb("left", "hip", "knee", "foot"),
        *_limb("right", "hip", "knee", "foot"),
    ),
    # UTD-MHAD: Chen et al., ICIP 2015.
    "utd20": (
        *("head", "shoulder center", "spine", "hip center"),
        *_limb("left", *_ARM),
        *_limb("right", *_ARM),
        *_limb("left", *_LEG),
        *_limb("right", *_LEG),
    ),
    # KARD: Gaglio et al., IEEE Transactions on Human-Machine Systems, 2015.
    "kard15": (
        *("head", "neck"),
        *_limb("right", "shoulder", "elbow", "hand"),
        *_limb("left", "shoulder", "elbow", "hand"),
        "torso",
        *_limb("right", "hip", "knee", "foot"),
        *_limb("left", "hip", "knee", "foot"),
    ),
}
"""Joint names of each known layout, in the order of the layout. Left and right are the person's."""

_SUBSTITUTES = {"nose": ("head", "face"), "wrist": ("hand",), "ankle": ("foot",)}


def layout(name_or_path: str) -> tuple[str, ...]:
    """Return the joint names of a layout.

    Args:
        name_or_path: a key of `LAYOUTS`, or the path of a JSON file with a list of joint names.

    Returns:
        V joint names, such as "left shoulder". Names from a file are put in lower case, with spaces
        for underscores.

    Raises:
        UserError: the layout is unknown, or the file is not a list of joint names that has at least
            one COCO joint.
    """
    if name_or_path in LAYOUTS:
        return LAYOUTS[name_or_path]
    path = Path(name_or_path)
    if path.suffix != ".json":
        known = ", ".join(LAYOUTS)
        raise UserError(f"unknown layout '{name_or_path}': use one of {known}, or a .json file")
    names = read_json(path, "layout")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise UserError(f"{path}: a layout is a JSON list of joint names, one per joint")
    names = tuple(" ".join(name.lower().replace("_", " ").split()) for name in names)
    if all(source is None for source in joint_sources(names)):
        raise UserError(f"{path}: no joint name is known; use names like 'left shoulder'")
    return names


def to_coco(keypoints: np.ndarray, joints: tuple[str, ...]) -> np.ndarray:
    """Reorder the keypoints of another layout to COCO-17, by joint name.

    The head or face replaces a missing nose, a hand a missing wrist, and a foot a missing ankle.

    Args:
        keypoints: [..., V, C], with C = 3 for x, y and score.
        joints: the V joint names of the layout.

    Returns:
        [..., 17, C]. Joints that the layout lacks are zero in every channel, the score included.
    """
    coco = np.zeros((*keypoints.shape[:-2], len(JOINTS), keypoints.shape[-1]), keypoints.dtype)
    for joint, source in enumerate(joint_sources(joints)):
        if source is not None:
            coco[..., joint, :] = keypoints[..., source, :]
    return coco


def joint_sources(joints: tuple[str, ...]) -> list[int | None]:
    """Index in a layout of each COCO joint or its substitute; None if the layout has neither."""
    return [
        next((joints.index(name) for name in _candidates(joint) if name in joints), None)
        for joint in JOINTS
    ]


def _candidates(joint: str) -> list[str]:
    """Names that may give a COCO joint, the joint's own name first."""
    *side, kind = joint.split()
    return [" ".join([*side, name]) for name in (kind, *_SUBSTITUTES.get(kind, ()))]
