"""Small data sets in PYSKL's format, of people who wave, squat, walk or push each other."""

import pickle

import numpy as np

from models.skeleton import JOINTS, LAYOUTS

STANDING = {
    **{"head": (0, -3.0), "face": (0, -3.0), "nose": (0, -3.0)},
    **{"shoulder": (0.9, -2.2), "elbow": (1.2, -1.2), "wrist": (1.3, -0.3), "hand": (1.3, -0.2)},
    **{"hip": (0.5, 0.0), "knee": (0.55, 1.8), "ankle": (0.6, 3.6), "foot": (0.6, 3.7)},
}
CLASSES = ("wave", "squat")


def body(joints=JOINTS):
    """A standing person in some layout, [V, 2]; the person's left is on the right."""
    points = np.zeros((len(joints), 2), np.float32)
    for index, name in enumerate(joints):
        side, _, kind = name.rpartition(" ")
        x, y = STANDING.get(kind, (0, -1))
        points[index] = (x if side == "left" else -x if side else 0, y)
    return points


def act(action, frames, rng, joints=JOINTS):
    """A person who waves (0) or squats (1), pixels [F, V, 2]."""
    names = [name.rpartition(" ") for name in joints]
    points = np.repeat(body(joints)[None], frames, axis=0)
    swing = np.sin(np.linspace(0, rng.uniform(8, 12), frames))
    for index, (side, _, kind) in enumerate(names):
        if action == 0 and side == "left" and kind in ("wrist", "hand"):
            points[:, index] += np.stack([0.7 * swing, np.full(frames, -2.5)], axis=1)
        if action == 1 and kind not in ("knee", "ankle", "foot"):
            points[:, index, 1] += 0.8 + 0.8 * swing
    points += rng.normal(0, 0.03, points.shape)
    return (points * rng.uniform(20, 60) + rng.uniform(100, 300, 2)).astype(np.float32)


def dataset(path, clips=12, layout=None, people=1, dtype=np.float32, seed=0, **extra):
    """Write a data set with the splits "train" and "test", two thirds and one third.

    Without a layout the file is like a published PYSKL file: COCO-17, and nothing that says so.
    """
    rng = np.random.default_rng(seed)
    joints = LAYOUTS[layout or "coco17"]
    annotations = []
    for index in range(clips):
        frames = int(rng.integers(20, 60))
        points = np.stack([act(index % 2, frames, rng, joints) for _ in range(people)])
        points += 150 * np.arange(people, dtype=np.float32)[:, None, None, None]
        annotations.append(
            {
                "frame_dir": f"clip{index:02d}",
                "label": index % 2,
                "total_frames": frames,
                "img_shape": (480, 640),
                "original_shape": (480, 640),
                "keypoint": points.astype(dtype),
                "keypoint_score": np.ones(points.shape[:-1], dtype),
            }
        )
    names = [annotation["frame_dir"] for annotation in annotations]
    content = {
        "split": {"train": names[: 2 * clips // 3], "test": names[2 * clips // 3 :]},
        "annotations": annotations,
    }
    if layout:
        content |= {"layout": layout, "fps": 15, "classes": list(CLASSES)}
    path.write_bytes(pickle.dumps({**content, **extra}))
    return path


def space_body(frames, joints=JOINTS, place=(0.0, 0.0, 3.0)):
    """A person who stands and faces the camera: right, down and away in metres, [F, V, 3]."""
    flat = 0.23 * body(joints)
    return np.repeat(np.insert(flat, 2, 0, axis=1)[None], frames, axis=0) + np.float32(place)


def space_act(action, frames, joints=JOINTS, place=(0.0, 0.0, 3.0)):
    """A person who raises the left hand and waves (0) or walks 2 m to the picture's right (1)."""
    points = space_body(frames, joints, place)
    swing = np.sin(np.linspace(0, 10, frames))
    for index, name in enumerate(joints):
        side, _, kind = name.rpartition(" ")
        if action == 0 and side == "left" and kind in ("wrist", "hand"):
            points[:, index] += np.stack([0.15 * swing, 0 * swing - 0.6, 0 * swing], axis=1)
        if action == 1 and kind in ("knee", "ankle", "foot"):
            points[:, index, 0] += (0.25 if side == "left" else -0.25) * swing
    if action == 1:
        points[..., 0] += np.linspace(0, 2, frames)[:, None]
    return points.astype(np.float32)


def space_dataset(
    path, clips=6, layout="kinect20", axes="right down away", people=1, score=True, **extra
):
    """Write a data set in space, in half precision, with the splits "train" and "test".

    Without a layout, axes and scores it is like a published file of NTU RGB+D.
    """
    joints = LAYOUTS[layout or "ntu25"]
    annotations = []
    for index in range(clips):
        places = [(0.8 * person, 0.0, 3.0 + 0.1 * index) for person in range(people)]
        points = np.stack([space_act(index % 2, 40 + index, joints, place) for place in places])
        if axes != "right down away":
            points = points * np.float32((-1, -1, 1))
        annotations.append(
            {
                "frame_dir": f"clip{index:02d}",
                "label": index % 2,
                "total_frames": points.shape[1],
                "keypoint": points.astype(np.float16),
            }
        )
        if score:
            annotations[-1]["keypoint_score"] = np.ones(points.shape[:-1], np.float16)
    names = [annotation["frame_dir"] for annotation in annotations]
    content = {
        "split": {"train": names[: 2 * clips // 3], "test": names[2 * clips // 3 :]},
        "annotations": annotations,
    }
    if layout:
        content |= {"layout": layout, "fps": 30, "classes": ["wave", "walk"], "axes": axes}
    path.write_bytes(pickle.dumps({**content, **extra}))
    return path
