"""Small files in the formats of other programs, of people who wave their left hand."""

import csv
import json

import numpy as np

from models.skeleton import JOINTS, LAYOUTS
from tests.skeletons import act, space_act

FRAMES = 24


def waving(layout="coco17", frames=FRAMES, x=0.0, seed=0):
    """Pixels [F, V, 2] of somebody who waves."""
    points = act(0, frames, np.random.default_rng(seed), LAYOUTS[layout])
    return points + np.float32((x, 0))


def ntu(path, people=1, frames=FRAMES, state=2):
    """Write a .skeleton file of NTU RGB+D: people side by side, 3 m away."""
    joints = LAYOUTS["ntu25"]
    bodies = [space_act(0, frames, joints, (0.9 * p, 0.0, 3.0)) for p in range(people)]
    lines = [f"{frames}"]
    for frame in range(frames):
        lines.append(f"{people}")
        for number, points in enumerate(bodies):
            lines += [f"7205759403792{number} 0 1 1 1 1 0 0.02 0.1 2", "25"]
            for x, y, z in points[frame].tolist():
                colour = 960 + 1000 * x / z, 540 + 1000 * y / z
                numbers = (-x, -y, z, 250, 200, *colour, 0.1, 0.2, 0.3, 0.4)
                lines.append(" ".join(f"{number:.6f}" for number in numbers) + f" {state}")
    path.write_text("\n".join(lines) + "\n")
    return bodies


def openpose(folder, layout="openpose25", people=1, frames=FRAMES, name="video"):
    """Write a folder of OpenPose's frames."""
    folder.mkdir(parents=True, exist_ok=True)
    bodies = [waving(layout, frames, 300 * p) for p in range(people)]
    for frame in range(frames):
        found = []
        for points in bodies:
            scored = np.column_stack([points[frame], np.full(len(points[frame]), 0.8)])
            found.append({"person_id": [-1], "pose_keypoints_2d": scored.ravel().tolist()})
        content = {"version": 1.3, "people": found[:: 1 if frame % 2 else -1]}
        (folder / f"{name}_{frame:012d}_keypoints.json").write_text(json.dumps(content))
    return bodies


def mmpose(path, layout="coco17", people=1, frames=FRAMES, meta=None, tracked=False):
    """Write MMPose's predictions of a video."""
    bodies = [waving(layout, frames, 300 * p) for p in range(people)]
    listed = []
    for frame in range(frames):
        instances = [
            {
                "keypoints": points[frame].tolist(),
                "keypoint_scores": [0.9] * len(points[frame]),
                "bbox": [[0, 0, 9, 9]],
                **({"track_id": number} if tracked else {}),
            }
            for number, points in enumerate(bodies)
        ]
        listed.append({"frame_id": frame, "instances": instances})
    content = listed if meta is None else {"meta_info": meta, "instance_info": listed}
    path.write_text(json.dumps(content))
    return bodies


def mediapipe(path, form="tasks", size=(1000, 500), frames=FRAMES, **about):
    """Write MediaPipe's landmarks of a video, as its Pose Landmarker or its older solution."""
    points = waving("mediapipe33", frames)
    listed = []
    for frame in range(frames):
        marks = [
            {"x": x / size[0], "y": y / size[1], "z": 0.0, "visibility": 0.9}
            for x, y in points[frame].tolist()
        ]
        listed.append(
            {
                "tasks": {"landmarks": [marks], "worldLandmarks": [marks]},
                "python": {"pose_landmarks": [marks]},
                "solution": {"pose_landmarks": {"landmark": marks}},
                "people": [marks],
                "person": marks,
            }[form]
        )
    path.write_text(json.dumps({"frames": listed, **about} if about else listed))
    return points


def table(path, people=1, frames=FRAMES, clock="time", score=True):
    """Write a CSV of skeletons, at 20 frames a second."""
    bodies = [waving("coco17", frames, 300 * p) for p in range(people)]
    names = [name.replace(" ", "_") for name in JOINTS]
    parts = ("x", "y", "score") if score else ("x", "y")
    header = [clock, "person", *(f"{name}_{part}" for name in names for part in parts), "remark"]
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        for frame in range(frames):
            for person, points in enumerate(bodies):
                scores = np.full((17, 1), 0.7)[:, : int(score)]
                cells = np.hstack([points[frame], scores]).ravel().tolist()
                moment = frame / 20 if clock == "time" else frame
                writer.writerow([moment, f"p{person}", *cells, "x"])
    return bodies
