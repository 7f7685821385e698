"""Cameras of this machine."""

from collections.abc import Iterator
from fractions import Fraction

import cv2
import numpy as np

from pipeline.camera.devices import why_closed
from pipeline.camera.feed import ConnectionLost, Feed


class Camera(Feed):
    """A camera of this machine, by its number in OpenCV."""

    def __init__(self, number: int):
        cv2.setLogLevel(0)  # errors are reported by `why_closed`
        self._capture = cv2.VideoCapture(number)
        if not self._capture.isOpened():
            self._capture.release()
            raise ConnectionLost(why_closed(number))
        self._capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        declared = self._capture.get(cv2.CAP_PROP_FPS)
        if declared > 0:
            self.rate = Fraction(declared).limit_denominator(1001)

    def __iter__(self) -> Iterator[np.ndarray]:
        while True:
            given, image = self._capture.read()
            if not given:
                raise ConnectionLost("gives no more pictures")
            yield image

    def close(self) -> None:
        """Release the camera."""
        self._capture.release()
