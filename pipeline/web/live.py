"""A visitor's camera: one picture after the other, with tracks and windows of its own."""

import time
from threading import BoundedSemaphore, Lock

import numpy as np

from models.errors import UserError
from pipeline.classify import ActionNetwork
from pipeline.engine import Pipeline, Result
from pipeline.panel import Observer, Panel
from pipeline.source import Frame
from pipeline.web.networks import Networks, Settings
from pipeline.web.page import read_picture

MAX_SILENCE = 2.0
"""Seconds without a picture after which a live view is reset."""


class LiveView:
    """The state of a visitor's camera.

    Args:
        networks: shared with other visitors.
        settings: chosen by the visitor.
        actions: as of `Networks.pipeline`.

    Attributes:
        last: when the last picture came, in seconds as `time.monotonic`.
    """

    def __init__(
        self, networks: Networks, settings: Settings, actions: ActionNetwork | None = None
    ):
        self.settings = settings
        self.actions = actions
        self._networks = networks
        self._pipeline: Pipeline | None = None
        self._observer: Observer | None = None
        # The page sends one picture at a time; another may come from a connection that broke.
        self._places = BoundedSemaphore(2)
        self._turn = Lock()
        self._index = -1
        self._began = self.last = time.monotonic()

    def process(self, url: str) -> tuple[Result, Panel, float]:
        """Process the newest picture. Its time is when its turn comes.

        Args:
            url: as `read_picture`.

        Returns:
            The result, what is known at this moment, and the pose model's threshold. Rate and age
            of pictures are measured where they are shown, in the browser.

        Raises:
            UserError: the picture cannot be read, two others are still being processed, or a
                network cannot be compiled.
        """
        if not self._places.acquire(blocking=False):
            raise UserError("one picture at a time: others are still being processed")
        try:
            image = read_picture(url)
            with self._turn:
                return self._process(image)
        finally:
            self._places.release()

    def _process(self, image: np.ndarray) -> tuple[Result, Panel, float]:
        if self._pipeline is None or self._observer is None:
            self._pipeline = self._networks.pipeline(self.settings, self.actions)
            self._observer = Observer(self._pipeline.labels, self._pipeline.pose.threshold)
        now = time.monotonic()
        if now - self.last > MAX_SILENCE:
            self._pipeline.reset()
            self._observer.reset()
        self.last = now
        self._index += 1
        frame = Frame(self._index, now - self._began, image)
        result = self._networks.run(self._pipeline, frame)
        return result, self._observer.update(result), self._pipeline.pose.threshold
