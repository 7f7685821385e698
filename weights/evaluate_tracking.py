"""How well people are found and followed in clips, upright, turned, and cut to head and chest.

    python weights/evaluate_tracking.py clips/hug clips/kick --people 2
    python weights/evaluate_tracking.py walk.mp4 --turn 0 30 60 90 120 150 180
    python weights/evaluate_tracking.py walk.mp4 people.jpg --upper

Of every folder, or of all files together, the table gives the fraction of frames in which as many
people as `--people` says are reported, in all frames and from the third frame on, and in which as
many have visible joints; and how many clips have how many ids. With `--turn`, pictures are turned
clockwise, and the joints of the largest person in the picture as it is compared with those found in
the turned one, by object keypoint similarity (OKS). With `--upper`, pictures are cut to the head
and chest of the largest person. A still picture is shown for a second.
"""

import argparse
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from models.pose.oks import oks
from pipeline.engine import QUALITIES, Pipeline
from pipeline.person import HIPS, SHOULDERS, Person
from pipeline.pose import PoseEstimator
from pipeline.source import Frame, open_source
from pipeline.track import MIN_JOINTS, Tracker

PICTURES = (".jpg", ".jpeg", ".png")
UPPER_SIZE = (640, 480)
"""Width and height of a picture cut to head and chest: a webcam's."""
UPPER_HEIGHT, BELOW_SHOULDERS = 2.0, 0.7
"""Height of such a picture, and how much of it is below the shoulders, in torso lengths."""
SAME_PERSON = 0.3
"""OKS from which a person in a turned picture is taken to be the one in the picture as it is."""


@dataclass
class Figures:
    """Counts over the clips of a group; `ids` counts clips by their number of ids."""

    frames: int = 0
    reported: int = 0
    late_frames: int = 0
    late_reported: int = 0
    visible: int = 0
    ids: Counter[int] = field(default_factory=Counter)

    def __str__(self) -> str:
        shares = (
            self.reported / self.frames,
            self.late_reported / max(self.late_frames, 1),
            self.visible / self.frames,
        )
        return (
            "  ".join(f"{share:8.3f}" for share in shares) + f"   {dict(sorted(self.ids.items()))}"
        )


def read_frames(path: Path) -> list[Frame]:
    """All frames of a video, or a second of a still picture.

    Raises:
        UserError: it cannot be read.
    """
    if path.suffix.lower() in PICTURES:
        return [Frame(i, i / 30, cv2.imread(str(path))) for i in range(30)]
    with open_source(path) as source:
        return list(source)


def follow(pipeline: Pipeline, frames: Iterable[Frame]) -> Iterator[list[Person]]:
    """The people in each frame of one clip; ids count from 1."""
    pipeline.reset()
    pipeline.tracker = Tracker(pipeline.tracker.threshold, pipeline.tracker.max_tracks)
    for frame in frames:
        yield pipeline.track(pipeline.compare(frame)).people


def count(pipeline: Pipeline, frames: Iterable[Frame], people: int, figures: Figures) -> None:
    """Add a clip to the figures of its group."""
    ids = set()
    for number, found in enumerate(follow(pipeline, frames)):
        seen = [(p.keypoints[:, 2] >= pipeline.pose.threshold).sum() >= MIN_JOINTS for p in found]
        ids |= {person.id for person in found}
        figures.frames += 1
        figures.reported += len(found) >= people
        figures.visible += sum(seen) >= people
        if number >= 2:
            figures.late_frames += 1
            figures.late_reported += len(found) >= people
    figures.ids[len(ids)] += 1


def turned(frames: list[Frame], degrees: float) -> tuple[list[Frame], np.ndarray]:
    """Frames turned clockwise in a square that holds them, and the matrix [2, 3] that did it."""
    height, width = frames[0].image.shape[:2]
    side = int(np.hypot(width, height)) + 2
    matrix: np.ndarray = cv2.getRotationMatrix2D((width / 2, height / 2), -degrees, 1)
    matrix[:, 2] += np.array([side - width, side - height]) / 2
    images = (cv2.warpAffine(frame.image, matrix, (side, side)) for frame in frames)
    return [Frame(f.index, f.time, image) for f, image in zip(frames, images, strict=True)], matrix


def main_pose(people: list[Person]) -> np.ndarray | None:
    """The keypoints [17, 3] of the largest person, if there is one."""
    largest = max(people, key=lambda p: np.prod(p.box[2:4] - p.box[:2]), default=None)
    return None if largest is None else largest.keypoints


def compare_turned(pipeline: Pipeline, frames: list[Frame], degrees: float) -> tuple[float, float]:
    """Mean OKS of the largest person's joints with those of the same person in turned frames.

    Returns:
        The OKS, and the fraction of frames in which the person was followed; NaN and 0 if never.
    """
    upright = [main_pose(people) for people in follow(pipeline, frames)]
    images, matrix = turned(frames, degrees)
    back = cv2.invertAffineTransform(matrix)
    similarities, frames_seen = [], 0
    for pose, people in zip(upright, follow(pipeline, images), strict=True):
        if pose is None:
            continue
        visible = pose[pose[:, 2] >= pipeline.pose.threshold, :2]
        if len(visible) < MIN_JOINTS:
            continue
        frames_seen += 1
        if people:
            points = np.stack([person.keypoints for person in people])
            points[..., :2] = points[..., :2] @ back[:, :2].T + back[:, 2]
            area = float(np.prod(1.2 * np.ptp(visible, axis=0)))
            areas = np.full(len(points), area)
            nearest = oks(pose, points, area, areas, pipeline.pose.threshold).max()
            similarities += [nearest] * (nearest >= SAME_PERSON)
    similarity = float(np.mean(similarities)) if similarities else np.nan
    return similarity, len(similarities) / max(frames_seen, 1)


def upper_body(pipeline: Pipeline, frames: list[Frame]) -> list[Frame]:
    """Cut frames to the head and chest of the largest person, whom the cut follows."""
    joints = SHOULDERS + HIPS
    poses = [main_pose(people) for people in follow(pipeline, frames)]
    torsos = [
        pose[joints, :2]
        if pose is not None and (pose[joints, 2] >= pipeline.pose.threshold).all()
        else None
        for pose in poses
    ]
    known = [torso for torso in torsos if torso is not None]
    length = float(np.median([np.linalg.norm(t[2:].mean(0) - t[:2].mean(0)) for t in known]))
    scale = UPPER_SIZE[1] / (UPPER_HEIGHT * length)
    cut, torso = [], known[0]
    for frame, seen in zip(frames, torsos, strict=True):
        torso = torso if seen is None else seen
        middle = torso[:2].mean(0)
        corner = middle - (UPPER_SIZE[0] / 2 / scale, (UPPER_HEIGHT - BELOW_SHOULDERS) * length)
        matrix = np.column_stack([np.eye(2) * scale, -corner * scale])
        image = cv2.warpAffine(frame.image, matrix, UPPER_SIZE, borderMode=cv2.BORDER_REPLICATE)
        cut.append(Frame(frame.index, frame.time, image))
    return cut


def groups_of(paths: list[Path]) -> dict[str, list[Path]]:
    """Files by the folder that was named; files that were named themselves are one group."""
    groups: dict[str, list[Path]] = {}
    for path in paths:
        inside = (
            sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
        )
        groups.setdefault(path.name if path.is_dir() else "files", []).extend(inside)
    return groups


def main() -> None:
    """Run the pipeline over the clips, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clips", type=Path, nargs="+", help="videos, pictures, or folders of them")
    parser.add_argument("--people", type=int, default=1, help="how many there are to follow")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="every N-th clip only")
    parser.add_argument(
        "--turn", type=float, nargs="+", metavar="DEGREES", help="turn the pictures"
    )
    parser.add_argument("--upper", action="store_true", help="cut them to head and chest")
    parser.add_argument("--quality", choices=tuple(QUALITIES), default="fast")
    arguments = parser.parse_args()
    pipeline = Pipeline(pose=PoseEstimator(QUALITIES[arguments.quality]))
    if arguments.turn:
        for name, files in groups_of(arguments.clips).items():
            for degrees in arguments.turn:
                compared = [compare_turned(pipeline, read_frames(file), degrees) for file in files]
                similarity, followed = np.nanmean(compared, axis=0)
                print(f"{name:16} {degrees:4.0f}°  OKS {similarity:.3f}  followed {followed:.3f}")
        return
    print(f"{'':16}  {'reported':>8}  {'from 3rd':>8}  {'visible':>8}   clips by number of ids")
    for name, files in groups_of(arguments.clips).items():
        total = Figures()
        for file in tqdm(files[:: arguments.every], desc=name, leave=False):
            frames = read_frames(file)
            if arguments.upper:
                frames = upper_body(pipeline, frames)
            count(pipeline, frames, arguments.people, total)
        print(f"{name:16}  {total}")


if __name__ == "__main__":
    main()
