"""The takes of one visitor's labels: skeletons, in memory alone, within limits."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace
from threading import Lock

from models.data.annotations import Example
from models.data.pyskl import Clip
from models.data.recording import Skeletons, extent, present_only
from models.errors import UserError
from models.text import printable
from pipeline.extract.people import shortcoming

MAX_LABELS = 12
MAX_TAKES = 40
"""Of one label."""
MAX_SECONDS = 10.0
"""Longest take."""
MAX_TOTAL = 600.0
"""Seconds of all takes together."""
MAX_NAME = 60
"""Characters of a label."""
MAX_RATE = 30.0
"""Frames a second that are kept of a take."""
LIMITS = (
    f"There may be {MAX_LABELS} actions with {MAX_TAKES} takes each. A take may last "
    f"{MAX_SECONDS:.0f} seconds, and all of them together {MAX_TOTAL / 60:.0f} minutes."
)


@dataclass(frozen=True)
class Take:
    """Somebody who does something, once.

    Attributes:
        id: names it.
        label: what they do.
        skeletons: of one or two people.
    """

    id: str
    label: str
    skeletons: Skeletons

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return duration(self.skeletons)


class Takes:
    """All takes of a visitor, by label, in the order in which they came."""

    def __init__(self) -> None:
        self._takes: dict[str, Take] = {}
        self._changing = Lock()

    def by_label(self) -> dict[str, list[Take]]:
        """The takes of each label."""
        found: dict[str, list[Take]] = {}
        for take in self.all():
            found.setdefault(take.label, []).append(take)
        return found

    def all(self) -> list[Take]:
        """Every take."""
        with self._changing:
            return list(self._takes.values())

    def find(self, name: str) -> Take:
        """The take of an id.

        Raises:
            UserError: there is none.
        """
        with self._changing:
            if name not in self._takes:
                raise UserError("that take is not here any more")
            return self._takes[name]

    def add(self, label: str, skeletons: Skeletons) -> Take:
        """Add a take.

        Raises:
            UserError: it shows nobody, or there is no room for it.
        """
        if reason := shortcoming(skeletons, people=1):
            raise UserError(f"the take was not kept: {reason}")
        take = Take(secrets.token_hex(8), read_label(label), thinned(skeletons))
        with self._changing:
            self._check_room(take.label, take.seconds)
            self._takes[take.id] = take
        return take

    def check_room(self, label: str) -> None:
        """Check that there is room for another take of a label.

        Raises:
            UserError: there is none.
        """
        with self._changing:
            self._check_room(read_label(label), 0.0)

    def _check_room(self, label: str, seconds: float) -> None:
        labels = [take.label for take in self._takes.values()]
        total = seconds + sum(take.seconds for take in self._takes.values())
        if label not in labels and len(set(labels)) >= MAX_LABELS:
            raise UserError(f"there are {MAX_LABELS} actions already: throw one away first")
        if labels.count(label) >= MAX_TAKES:
            raise UserError(f"{label} has {MAX_TAKES} takes already: throw some away first")
        if seconds > MAX_SECONDS + 0.5:  # a recording ends with a picture, and not at a moment
            raise UserError(f"a take may last {MAX_SECONDS:.0f} seconds: cut it into shorter ones")
        if total > MAX_TOTAL:
            raise UserError(
                f"all takes together may last {MAX_TOTAL / 60:.0f} minutes: throw some away first"
            )

    def remove(self, name: str) -> None:
        """Throw a take away, if it is there."""
        with self._changing:
            self._takes.pop(name, None)

    def remove_label(self, label: str) -> None:
        """Throw all takes of a label away."""
        with self._changing:
            self._takes = {n: take for n, take in self._takes.items() if take.label != label}

    def clear(self) -> None:
        """Throw everything away."""
        with self._changing:
            self._takes.clear()

    def examples(self) -> list[Example]:
        """The takes as clips of a data set, numbered by label."""
        return [
            Example(f"{label}/{number}", label, take.skeletons)
            for label, takes in self.by_label().items()
            for number, take in enumerate(takes, 1)
        ]


def read_label(text: str) -> str:
    """Read the name of an action, fit to be shown on one line.

    Raises:
        UserError: there is none, or it is too long.
    """
    label = printable(" ".join(text.split()))
    if not label:
        raise UserError("name the action first")
    if len(label) > MAX_NAME:
        raise UserError(f"the name of an action may have {MAX_NAME} characters: make it shorter")
    return label


def duration(skeletons: Skeletons) -> float:
    """Seconds from the first to the last frame."""
    return float(skeletons.times[-1] - skeletons.times[0])


def thinned(skeletons: Skeletons) -> Skeletons:
    """Leave frames out of a clip that has more than about `MAX_RATE` a second."""
    every = max(1, round(1 / (MAX_RATE * max(skeletons.step, 1e-6))))
    return replace(
        skeletons,
        times=skeletons.times[::every],
        keypoints=skeletons.keypoints[:, ::every],
        space=None,
    )


def from_clips(clips: Iterable[Clip]) -> list[tuple[str, Skeletons]]:
    """Labels and skeletons of the clips of a data set; two people are taken for a pair."""
    found = []
    for clip in clips:
        points = present_only(clip.keypoints)
        people = len(points)
        skeletons = Skeletons(
            *(clip.times, extent([points]), points, None), people, float(people > 1)
        )
        found.append((clip.label, skeletons))
    return found
