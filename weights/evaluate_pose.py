"""Average precision of the pose stage on images with COCO keypoint annotations.

    python weights/evaluate_pose.py --images val2017 --annotations person_keypoints_val2017.json \
        --pose movenet-thunder --boxes detected --size 512

The metric is COCO's (cocodataset.org/#keypoints-eval). A person's score is their box's times the
mean of their joints', as in MMPose's own evaluation.
"""

import argparse
import contextlib
import io
import time
from pathlib import Path

import cv2
import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from pipeline.detect import Detector
from pipeline.pose import PoseEstimator


def find_people(image, annotations, detector, pose):
    """The people that the chosen stages see: boxes [P, 5] and keypoints [P, 17, 3].

    Args:
        image: uint8 [H, W, 3], BGR.
        annotations: COCO's of this image, whose boxes stand in for a detector's if there is none.
        detector: `Detector` or None.
        pose: `PoseEstimator`, or None for the detector's own keypoints.
    """
    if detector is None:
        boxes = np.array([[*a["bbox"], 1] for a in annotations], np.float32).reshape(-1, 5)
        boxes[:, 2:4] += boxes[:, :2]
        return boxes, pose(image, boxes)
    people = detector(image)
    return people.boxes, people.keypoints if pose is None else pose(image, people.boxes)


def as_results(image_id, boxes, keypoints):
    """People in the form of COCO's results file."""
    return [
        {
            "image_id": image_id,
            "category_id": 1,
            "keypoints": person.ravel().tolist(),
            "score": float(box[4] * person[:, 2].mean()),
        }
        for box, person in zip(boxes, keypoints, strict=True)
    ]


def evaluate(coco, results):
    """COCO's AP, AP at OKS 0.5, AR, and the mean over annotated people of their best OKS."""
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
    return (*evaluation.stats[[0, 1, 5]], np.concatenate(best).sum() / people)


def main():
    """Reads the arguments, runs the stages over the images, prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--annotations", type=Path, required=True)
    parser.add_argument("--pose", default="none", help="as of apps/video.py; none: the detector's")
    parser.add_argument("--boxes", choices=("annotated", "detected"), default="detected")
    parser.add_argument("--size", type=int, help="longer side of the detector's input")
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()

    detector, pose = None, None
    if arguments.boxes == "detected":
        detector = Detector(**({"size": arguments.size} if arguments.size else {}), threshold=0.05)
    if arguments.pose != "none":
        pose = PoseEstimator(arguments.pose, device=arguments.device)
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO(str(arguments.annotations))
    results, seconds = [], 0.0
    for image_id, entry in coco.imgs.items():
        image = cv2.imread(str(arguments.images / entry["file_name"]))
        started = time.perf_counter()
        people = find_people(image, coco.imgToAnns[image_id], detector, pose)
        seconds += time.perf_counter() - started
        results += as_results(image_id, *people)
    ap, ap50, ar, oks = evaluate(coco, results)
    print(f"AP {ap:.3f}  AP50 {ap50:.3f}  AR {ar:.3f}  mean OKS {oks:.3f}")
    per_image = 1e3 * seconds / len(coco.imgs)
    print(f"{len(results)} people in {len(coco.imgs)} images, {per_image:.0f} ms an image")


if __name__ == "__main__":
    main()
