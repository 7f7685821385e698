"""Cameras of this machine."""

from collections.abc import Iterator
from fractions import Fraction

import cv2
import numpy as np

from pipeline.camera.feed import ConnectionLost, Feed


class Camera(Feed):
    """A camera of this machine, by its number in OpenCV."""

    def __init__(self, number: int):
        cv2.setLogLevel(0)  # errors are reported below
        self._capture = cv2.VideoCapture(number)
        if not self._capture.isOpened():
            raise ConnectionLost(
                "cannot be opened: plug it in, end the program that uses it, or name another "
                "--source: a camera's number, a video, a folder of pictures, rtsp:// or http://"
            )
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
