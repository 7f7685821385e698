"""Cameras for clips in space: the one that recorded a clip, and others placed around its people.

Points are x to the right, y down and z away from the recording camera, which is at the origin,
[P, F, 17, 3], NaN where a joint is missing. A camera projects them to x to the right and y down,
[P, F, 17, 2]. Focal lengths only scale the picture, and windows are measured in torso lengths, so
each camera has the one that suits. Roll and the picture's edge act in the picture, and are the same
for all clips: see `models.data.augment`.
"""

from dataclasses import dataclass

import numpy as np

NEAR = 0.3
"""Metres from the recording camera at which a joint is too near to be seen."""

PASSED = 0.6
"""Metres from the recording camera to which no Kinect saw the middle of a body come. Whoever comes
nearer was moved there by whoever made the file, and the camera has to step back."""

CLEARANCE = 1.0
"""Metres that the recording camera keeps from the nearest joint if it has to step back."""

AHEAD = 0.5
"""Radians around the people within which a camera counts as ahead of them."""


def level(space: np.ndarray, pitch: float) -> np.ndarray:
    """Rotate points so that y is vertical.

    Args:
        space: points [..., 3] of a camera that was tilted.
        pitch: how far it looked down, radians.
    """
    return _rotated(space, 0.0, -pitch)


def recorded_view(space: np.ndarray) -> np.ndarray:
    """Project points as the recording camera saw them: x / z and y / z.

    If people come so near that they would walk past the camera, it stands further back. A joint
    that is too near to the camera, or behind it, is absent.

    Args:
        space: points [P, F, 17, 3], metres.

    Returns:
        [P, F, 17, 2] at a focal length of 1, NaN where a joint is absent.
    """
    depth = space[..., 2]
    here = ~np.isnan(depth).all(axis=2)
    if here.any() and np.nanmedian(depth[here], axis=1).min() < PASSED:
        depth = depth + (CLEARANCE - np.nanmin(depth))
    depth = np.where(depth < NEAR, np.nan, depth)
    return space[..., :2] / depth[..., None]


@dataclass(frozen=True)
class Camera:
    """A camera that looks at the middle of what it films.

    Attributes:
        yaw: how far it has gone around the people from where the recording camera was, radians.
            From π / 2, it sees the left side of a person who faces the recording camera.
        pitch: how far it looks down, radians; it is above the people then.
        distance: from the middle of the people, in the unit of the points. The camera keeps half
            of it, in the viewing direction, from the nearest joint, and steps back to do so: nobody
            is beside or behind it.
    """

    yaw: float = 0.0
    pitch: float = 0.0
    distance: float = 4.0

    def project(self, space: np.ndarray) -> np.ndarray:
        """Project points [P, F, 17, 3].

        Returns:
            [P, F, 17, 2] in the unit of the points: what is as far away as the middle has its size.
        """
        known = space[~np.isnan(space[..., 0])]
        if not len(known):
            return space[..., :2]
        seen = _rotated(space - known.mean(axis=0), self.yaw, self.pitch)
        nearest = float(np.fmin.reduce(seen[..., 2], axis=None))  # ignores NaN
        distance = max(self.distance, self.distance / 2 - nearest)
        return seen[..., :2] * (distance / (seen[..., 2:] + distance))


@dataclass(frozen=True)
class Cameras:
    """The cameras to draw from.

    The unit of distances is the torso length, half a metre for an adult: they are 2 to 8 metres.

    Attributes:
        yaw: how far to go around the people at most, to either side, radians.
        ahead: share of the cameras that stay within `AHEAD` of where the recording camera was.
            People mostly face the camera that they act before.
        pitch: the lowest, the most frequent and the highest pitch, radians. The defaults are from a
            little below eye level to the corner of a ceiling.
        distance: the shortest and the longest distance.
    """

    yaw: float = np.pi
    ahead: float = 0.0
    pitch: tuple[float, float, float] = (-0.15, 0.05, 0.7)
    distance: tuple[float, float] = (4.0, 16.0)

    def draw(self, rng: np.random.Generator) -> Camera:
        """Draw a camera. Its pitch has a triangular distribution, the others are uniform."""
        yaw = AHEAD if self.ahead and rng.random() < self.ahead else self.yaw
        return Camera(
            rng.uniform(-yaw, yaw),
            rng.triangular(*self.pitch),
            rng.uniform(*self.distance),
        )


def cameras_around(count: int) -> list[Camera]:
    """Place cameras all around people, for evaluation: 4 metres away, and a little above.

    The first is where the recording camera was; the others follow at equal angles.
    """
    return [Camera(yaw=2 * np.pi * index / count, pitch=0.1) for index in range(count)]


def _rotated(points: np.ndarray, yaw: float, pitch: float) -> np.ndarray:
    """Rotate points [..., 3] into the axes of a camera that is turned by a yaw and a pitch."""
    (cos, sin), (up, down) = (np.cos(yaw), np.sin(yaw)), (np.cos(pitch), np.sin(pitch))
    matrix = [
        [cos, 0.0, sin],
        [down * sin, up, -down * cos],
        [-up * sin, down, up * cos],
    ]
    return (points.reshape(-1, 3) @ np.array(matrix, points.dtype).T).reshape(points.shape)
