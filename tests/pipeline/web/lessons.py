"""What the tests of lessons share: takes, and a camera that sees somebody."""

import numpy as np

from models.data.recording import Skeletons
from pipeline.engine import Result
from pipeline.person import Person
from pipeline.source import Frame
from tests.skeletons import act

WAVE, SQUAT = 0, 1


def keypoints(action=WAVE, seed=0, frames=45):
    """Somebody who waves or squats, float32 [F, 17, 3]."""
    points = act(action, frames, np.random.default_rng((seed, action)))
    return np.concatenate([points, np.ones((frames, 17, 1))], axis=-1).astype(np.float32)


def skeletons(action=WAVE, seed=0, frames=45, rate=15.0):
    """A take of it."""
    points = keypoints(action, seed, frames)
    return Skeletons(np.arange(frames) / rate, (640, 480), points[None], None, 1, 0.0)


def result(index, time, pose=None):
    """What the camera sees at a time: somebody, or nobody."""
    frame = Frame(index, time, np.zeros((48, 64, 3), np.uint8))
    people = [] if pose is None else [Person(1, np.array([0, 0, 9, 9, 1.0]), pose)]
    return Result(frame, people, [])
