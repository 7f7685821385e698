"""Measure the average precision of the pose stage on images with COCO keypoint annotations.

    python weights/evaluate_pose.py --images val2017 --annotations person_keypoints_val2017.json \
        --pose movenet-thunder --boxes detected --size 512

The metric is COCO's (cocodataset.org/#keypoints-eval). A person's score is the score of the box
times the mean score of the joints, as in MMPose's own evaluation.
"""

import argparse
import contextlib
import io
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from pipeline.detect import Detector
from pipeline.pose import PoseEstimator
from pipeline.search import all_views, whole


def find_people(
    image: np.ndarray,
    annotations: list[dict[str, Any]],
    detector: Detector | None,
    pose: PoseEstimator | None,
    size: int | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Find people with the chosen stages.

    Args:
        image: uint8 [H, W, 3], BGR.
        annotations: COCO's annotations of this image. Without a detector, their boxes are used.
        detector: the detector, if any.
        pose: the pose stage. If None, the detector's own keypoints are used.
        size: longer side of the detector's input. If None, it looks as it does at a new scene.

    Returns:
        Boxes [P, 5], x1, y1, x2, y2 in pixels and score, and keypoints [P, 17, 3].

    Raises:
        ValueError: there is neither a detector nor a pose stage.
    """
    if detector is None:
        if pose is None:
            raise ValueError("annotated boxes need a pose stage")
        boxes = np.array([[*a["bbox"], 1] for a in annotations], np.float32).reshape(-1, 5)
        boxes[:, 2:4] += boxes[:, :2]
        return boxes, pose(image, boxes)
    views = all_views(image.shape) if size is None else [whole(image.shape, size)]
    people = detector(image, views)
    return people.boxes, people.keypoints if pose is None else pose(image, people.boxes)


def as_results(image_id: int, boxes: np.ndarray, keypoints: np.ndarray) -> list[dict[str, Any]]:
    """Convert boxes [P, 5] and keypoints [P, 17, 3] to the entries of a COCO results file."""
    return [
        {
            "image_id": image_id,
            "category_id": 1,
            "keypoints": person.ravel().tolist(),
            "score": float(box[4] * person[:, 2].mean()),
        }
        for box, person in zip(boxes, keypoints, strict=True)
    ]


def evaluate(coco: COCO, results: list[dict[str, Any]]) -> tuple[float, float, float, float]:
    """Compute COCO's AP, AP at OKS 0.5, AR, and the mean of every annotated person's best OKS."""
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation = COCOeval(coco, coco.loadRes(results), "keypoints")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    best = [
        similarity.max(0)[[g["num_keypoints"] > 0 for g in evaluation._gts[key]]]
        for key, similarity in evaluation.ious.items()
        if len(similarity)
    ]
    people = sum(a["num_keypoints"] > 0 for a in coco.anns.values())
    ap, ap50, ar = evaluation.stats[[0, 1, 5]]
    return ap, ap50, ar, np.concatenate(best).sum() / people


def main() -> None:
    """Run the stages over the images, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--annotations", type=Path, required=True)
    parser.add_argument("--pose", default="none", help="as of apps/video.py; none: the detector's")
    parser.add_argument("--boxes", choices=("annotated", "detected"), default="detected")
    parser.add_argument(
        "--size", type=int, help="longer side of the detector's input (default: several)"
    )
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    if arguments.boxes == "annotated" and arguments.pose == "none":
        parser.error("--boxes annotated needs a pose model: choose one with --pose")

    detector, pose = None, None
    if arguments.boxes == "detected":
        detector = Detector(threshold=0.05)
    if arguments.pose != "none":
        pose = PoseEstimator(arguments.pose, device=arguments.device)
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO(str(arguments.annotations))
    results, seconds = [], 0.0
    for image_id, entry in coco.imgs.items():
        image = cv2.imread(str(arguments.images / entry["file_name"]))
        started = time.perf_counter()
        people = find_people(image, coco.imgToAnns[image_id], detector, pose, arguments.size)
        seconds += time.perf_counter() - started
        results += as_results(image_id, *people)
    ap, ap50, ar, oks = evaluate(coco, results)
    print(f"AP {ap:.3f}  AP50 {ap50:.3f}  AR {ar:.3f}  mean OKS {oks:.3f}")
    per_image = 1e3 * seconds / len(coco.imgs)
    print(f"{len(results)} people in {len(coco.imgs)} images, {per_image:.0f} ms an image")


if __name__ == "__main__":
    main()
