"""Runs neura-fall-detection 0.1.0 over frames, for `pipeline/speed/peer.py` to compare with.

Run by the Python of the environment that the peer is installed in; needs nothing of this project.
Processes all frames once for each line of its input. Answers with the seconds that it took, and the
mean number of people found in a frame.
"""

import os
import sys
import time

import numpy as np

# Installed in the peer's own environment only.
from neura_fall_detection.engine import NFDModel  # type: ignore[import-not-found]


def main(path: str, rate: float) -> None:
    """Answer until the input ends.

    Args:
        path: file of the frames, uint8 [N, H, W, 3], BGR.
        rate: frames/s.
    """
    frames = [np.array(frame) for frame in np.load(path, mmap_mode="r")]
    model = NFDModel(pose_threads=os.cpu_count() or 1)
    moment = 0.0
    for _ in sys.stdin:
        people = 0
        began = time.perf_counter()
        for frame in frames:
            people += len(model.process(frame, moment).people)
            moment += 1 / rate
        print(time.perf_counter() - began, people / len(frames), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
