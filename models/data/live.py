"""Training windows as the live program sees them.

They have a fixed span, begin anywhere in an action, and often show no action at all.
"""

from dataclasses import dataclass, field, replace

import numpy as np
from torch.utils.data import Dataset

from models.action.label import NOTHING
from models.data.augment import LEGS, Augmentation, mirrored
from models.data.camera import Camera, Cameras
from models.data.pyskl import Clip, labelled
from models.data.recording import THRESHOLD
from models.data.scene import (
    LONG,
    TORSO,
    Scene,
    all_bone_lengths,
    centre,
    film,
    flail,
    freeze,
    loop,
    pad,
    prepend,
    resample,
)
from models.data.shares import Choice, Shares
from models.data.windows import FIRST_ANSWER, Sample, Window
from models.sample import MAX_GAP, RATE, STEPS, clip_window, span_window

SPAN = STEPS / RATE
"""Seconds that a window spans."""

_ACTOR_MARGIN = 0.3
"""Torso lengths by which one of two people must reach further to count as the one who acts."""

_LIMB_ENDS = [9, 10, 15, 16]  # wrists and ankles

_MAX_LOOP = 6.0
"""Seconds to which a repetitive action is extended at most, when it is shown whole."""

_MIN_PAST = 0.3
"""Seconds of another scene before an action that are worth showing at least."""


@dataclass
class LiveWindows(Dataset[Sample]):
    """Training samples as the live program sees them: actions, and negatives of many kinds.

    The target is the index of a label in `people`, or `len(people)` for "none of these". A sample
    in which the augmentation leaves another number of people than its label takes is a negative.

    Args:
        clips: recorded clips; those of `NOTHING` are used as negatives.
        puppets: clips of puppets (see `models.data.puppet.clips`).
        people: number of people of each label.
        held: labels that also hold for people who keep still.
        cyclic: labels of repetitive motion, which may be repeated beyond the end of its clip.
        solo: labels of two people, each of whom alone shows no action: they are used as negatives.
        acting: labels of two people, one of whom acts. The value is the label of the actor alone,
            and the direction of the action: 1 towards the other, -1 away. The other one alone is
            used as a negative.
        augmentation: how the scenes are augmented.
        length: samples an epoch.
        shares: how often a sample shows what.
        legs: labels that take legs: a sample in which nobody's knees and ankles are seen is a
            negative, rather than a guess.
        past: probability that another scene comes before a sample, and not people who stand still.
        seed: seed of all random numbers.
        cameras: the cameras to film clips in space with, a new one each time that one is drawn.

    Attributes:
        scenes: recorded scenes, scenes of puppets, and actors of pairs taken alone.
        labels: the label of each scene.
        passive: people of pairs taken alone who show no action.
        unlabelled: scenes of the clips of `NOTHING`.
        bodies: bone lengths of every person, [K, 17], torso lengths.
    """

    clips: list[Clip]
    puppets: list[Clip]
    people: dict[str, int]
    held: frozenset[str]
    cyclic: frozenset[str]
    solo: frozenset[str]
    acting: dict[str, tuple[str, int]]
    augmentation: Augmentation
    length: int
    shares: Shares
    legs: frozenset[str] = frozenset()
    past: float = 0.0
    seed: int = 0
    cameras: Cameras = Cameras()  # noqa: RUF009 - it is frozen
    scenes: list[Scene] = field(init=False, default_factory=list)
    labels: list[str] = field(init=False, default_factory=list)
    passive: list[Scene] = field(init=False, default_factory=list)
    unlabelled: list[Scene] = field(init=False, default_factory=list)
    bodies: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        acted: list[bool] = []
        for clips in (self.clips, self.puppets):
            self._add(clips)
            acted += [clips is self.puppets] * (len(self.scenes) - len(acted))
        self.bodies = all_bone_lengths(self.scenes)
        names = list(self.people)
        self.targets = np.array([names.index(label) for label in self.labels])
        self.none = len(names)
        sources = [scene.source for scene in self.scenes]
        weights = self.shares.weights(self.labels, sources, self.people, np.array(acted))
        self.weight = np.cumsum(weights)
        self._prepare_choices()

    def _prepare_choices(self) -> None:
        """Prepare to draw scenes whose label does not matter."""
        pairs = np.array([len(scene.points) == 2 for scene in self.scenes], bool)
        held = np.array([label in self.held for label in self.labels], bool)
        factors, passive, unlabelled = (
            self.shares.factors([scene.source for scene in scenes])
            for scenes in (self.scenes, self.passive, self.unlabelled)
        )
        self.any_scene = Choice(np.arange(len(pairs)), factors)
        self.any_pair = Choice(np.flatnonzero(pairs), factors)
        self.any_moving_pair = Choice(np.flatnonzero(pairs & ~held), factors)
        self.any_passive = Choice(np.arange(len(self.passive)), passive)
        self.any_unlabelled = Choice(np.arange(len(self.unlabelled)), unlabelled)

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> Sample:
        rng = np.random.default_rng((self.seed, index))
        kind = rng.random()
        if kind < self.shares.nothing:
            scene, target = self._draw_negative(rng), self.none
            window, present = self._live_window(scene, False, rng)
        elif kind < self.shares.nothing + self.shares.whole:
            scene, target = self._draw_scene(rng)
            if list(self.people)[target] in self.cyclic and rng.random() < 0.5:
                scene = loop(scene, rng.uniform(SPAN, _MAX_LOOP))
            window, present = self._whole_window(scene, rng)
        else:
            scene, target = self._draw_action(rng)
            window, present = self._live_window(scene, True, rng)
        if target != self.none and not self._shows(present, list(self.people)[target]):
            target = self.none
        return window, present, target

    def _shows(self, present: np.ndarray, label: str) -> bool:
        """Whether a window [2, 64, 17] has the people and the joints that a label takes."""
        if present.any(axis=(1, 2)).sum() != self.people[label]:
            return False
        return label not in self.legs or bool(present[..., LEGS].any())

    def _draw_scene(self, rng: np.random.Generator) -> tuple[Scene, int]:
        """Draw a scene by weight, and its target."""
        index = min(int(np.searchsorted(self.weight, rng.random())), len(self.scenes) - 1)
        return self._film(self.scenes[index], rng), int(self.targets[index])

    def _film(self, scene: Scene, rng: np.random.Generator, camera: Camera | None = None) -> Scene:
        """Film a scene in space, by a random camera if none is given; return others as they are."""
        return film(scene, camera or self.cameras, self.augmentation, rng, self.bodies)

    def _draw_action(self, rng: np.random.Generator) -> tuple[Scene, int]:
        """Draw a scene and its target; some held actions are frozen, cyclic ones are extended."""
        scene, target = self._draw_scene(rng)
        label = list(self.people)[target]
        if label in self.held and rng.random() < 0.25:
            scene = freeze(scene.frames(slice(int(0.6 * len(scene.times)), None)), rng)
        elif label in self.cyclic:
            scene = loop(scene, 2 * SPAN)
        return scene, target

    def _draw_negative(self, rng: np.random.Generator) -> Scene:
        """Draw a scene that shows no action of the vocabulary."""
        kind = self.shares.draw_negative(rng)
        if kind == "still":
            scene = freeze(self._draw_person(rng), rng)
        elif kind == "still pair":
            scene = self._still_pair(rng)
        elif kind == "wander":
            scene = self._wander(rng)
        elif kind == "flail":
            scene = flail(self._draw_person(rng), rng)
        elif kind == "passive" and self.any_passive:
            scene = self._film(self.passive[self.any_passive.draw(rng)], rng)
        elif kind in ("passive", "recorded") and self.any_unlabelled:
            scene = self._film(self.unlabelled[self.any_unlabelled.draw(rng)], rng)
        else:
            scene = self._bystanders(rng)
        return scene

    def _add(self, clips: list[Clip]) -> None:
        """Add clips, and the people of each pair alone."""
        self.unlabelled += [Scene.of(clip) for clip in clips if clip.label == NOTHING]
        scenes = [(Scene.of(clip), clip.label) for clip in labelled(clips)]
        self.scenes += [scene for scene, _ in scenes]
        self.labels += [label for _, label in scenes]
        for scene, label in scenes:
            alone = [scene.person(index) for index in range(len(scene.points))]
            if label in self.solo:
                self.passive += alone
            elif label in self.acting:
                name, direction = self.acting[label]
                reach = _reach(scene.points, direction)
                if abs(reach[0] - reach[1]) > _ACTOR_MARGIN:
                    actor = int(reach[1] > reach[0])
                    self.scenes.append(alone[actor])
                    self.labels.append(name)
                    self.passive.append(alone[1 - actor])

    def _draw_person(
        self, rng: np.random.Generator, pairs: bool = False, camera: Camera | None = None
    ) -> Scene:
        """Draw one person of any scene, or with `pairs` of a scene of two people.

        Some are strangers, as `shares` says. A person in space is filmed by the camera if there is
        one, or else by a random one.
        """
        strangers = self.shares.strangers
        if strangers and self.any_unlabelled and rng.random() < strangers:
            scene = self.unlabelled[self.any_unlabelled.draw(rng)]
        else:
            any_scene = self.any_pair if pairs and self.any_pair else self.any_scene
            scene = self.scenes[any_scene.draw(rng)]
        return self._film(scene.person(rng.integers(len(scene.points))), rng, camera)

    def _still_pair(self, rng: np.random.Generator) -> Scene:
        """Draw two people who keep still, but not from an interaction that may be held."""
        if not self.any_moving_pair:
            return freeze(self._draw_person(rng), rng)
        return freeze(self._film(self.scenes[self.any_moving_pair.draw(rng)], rng), rng)

    def _wander(self, rng: np.random.Generator) -> Scene:
        """Move slowly through two to four random poses."""
        frames = LONG
        drawn = []
        camera = None
        for _ in range(rng.integers(2, 5)):
            scene = self._draw_person(rng, camera=camera)
            points, camera = scene.points[0], camera or scene.camera
            pose = points[rng.integers(len(points))]
            drawn.append(pose - np.array([*centre(pose), 0], np.float32))
        place = np.linspace(0, len(drawn) - 1.001, frames)
        weight = (place % 1)[:, None, None].astype(np.float32)
        weight = weight * weight * (3 - 2 * weight)
        poses = np.stack(drawn)
        left = place.astype(int)
        points = poses[left] * (1 - weight) + poses[left + 1] * weight
        return Scene(np.arange(frames) / RATE, points[None], camera=camera)

    def _bystanders(self, rng: np.random.Generator) -> Scene:
        """Put two unrelated people side by side.

        Half of them are from clips of two people, so that nothing in the look of such clips means
        an interaction.
        """
        pairs = rng.random() < 0.5
        one = self._draw_person(rng, pairs)
        camera = one.camera and replace(one.camera, yaw=self.cameras.draw(rng).yaw)
        other = self._draw_person(rng, pairs, camera)
        kind = rng.random()
        if kind < 0.5:
            other = one if kind < 0.15 else freeze(other, rng)
        times = np.arange(0, min(one.times[-1], other.times[-1]) + 1e-9, 1 / RATE)
        first, second = (resample(scene, times) for scene in (one, other))
        if rng.random() < 0.5:
            second = mirrored(second)
        shift = centre(first[0]) - centre(second[0])
        side = rng.choice((-1.0, 1.0)) * rng.uniform(0.9, 4.0)
        second[..., :2] += shift + np.array([side, rng.normal(0, 0.15)], np.float32)
        camera = one.camera and other.camera
        return Scene(times, np.stack([first, second]), camera=camera)

    def _draw_past(self, scene: Scene, rng: np.random.Generator) -> Scene:
        """Draw what the people of a scene did before it: any scene of as many people."""
        if len(scene.points) == 1:
            return self._draw_person(rng, camera=scene.camera)
        if not self.any_pair or rng.random() < 0.3:
            return self._bystanders(rng)
        return self._film(self.scenes[self.any_pair.draw(rng)], rng, scene.camera)

    def _whole_window(self, scene: Scene, rng: np.random.Generator) -> Window:
        """Stretch an augmented scene over the window, slightly cropped or padded."""
        if rng.random() < 0.5:
            scene = pad(scene, rng.uniform(0, 0.8), rng.uniform(0, 0.8), rng)
        frames = len(scene.times)
        start, stop = (round(frames * rng.uniform(0, 0.1)) for _ in range(2))
        kept = slice(start, max(frames - stop, start + 2))
        points = self._augment(scene, kept, rng)
        return clip_window(Scene(scene.times[kept], points).tracks, THRESHOLD)

    def _live_window(self, scene: Scene, acting: bool, rng: np.random.Generator) -> Window:
        """Cut a window of fixed span that ends at a random time from an augmented scene.

        Args:
            scene: what happens.
            acting: whether it shows an action, of which the window must contain enough.
            rng: source of the random choices.
        """
        times, points = scene.times / self.augmentation.draw_speed(rng), scene.points
        step = 2 if rng.random() < 0.4 and scene.fps > 20 else 1
        scene = Scene(times[::step], points[:, ::step], camera=scene.camera)
        # How much of the window is filled must not depend on the action, however short its clips.
        full = rng.random() < 0.6
        fill = SPAN + MAX_GAP if full else rng.uniform(FIRST_ANSWER, SPAN)
        end, last = _end_time(scene, acting, rng), scene.times[-1]
        after = rng.uniform(0, 0.4) if rng.random() < 0.3 else 0.0
        before = max(fill - end - after, 0.0) if rng.random() < 0.9 else 0.0
        longest = SPAN if acting else FIRST_ANSWER  # a longer past would be what the window shows
        if _MIN_PAST < before < longest and rng.random() < self.past:
            scene = prepend(scene, self._draw_past(scene, rng), before, rng)
            scene, end = pad(scene, 0.0, after, rng), end + scene.times[-1] - last + after
        else:
            scene, end = pad(scene, before, after, rng), end + before + after
        end = scene.times[scene.times <= end + 1e-6][-1]  # a live window ends with a frame
        kept = (scene.times <= end + 1e-6) & (scene.times >= end - fill - 1e-6)
        points = self._augment(scene, kept, rng)
        return span_window(Scene(scene.times[kept], points).tracks, end, THRESHOLD)

    def _augment(
        self, scene: Scene, kept: slice | np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        """Return the augmented points of the frames of a scene that are kept."""
        filmed = scene.camera is not None
        points = self.augmentation.transform(
            scene.points[:, kept], scene.fps, rng, self.bodies, filmed
        )
        return self.augmentation.corrupt(points, scene.fps, rng)


def _reach(points: np.ndarray, direction: int) -> np.ndarray:
    """Measure how far each of two people reaches towards the other with a hand or a foot.

    In the kicks, pushes, punches, approaches and departures of SBU, actors reach 1.4 to 2.9, the
    others rarely more than 1.

    Args:
        points: [2, F, 17, 3], torso lengths.
        direction: 1 is towards the other, -1 away.

    Returns:
        Torso lengths from the middle of the torso in the first frame, horizontally, [2].
    """
    middle = np.nanmean(points[:, 0][:, TORSO, 0], axis=1)
    towards = direction * np.sign(middle[::-1] - middle)
    limbs = points[:, :, _LIMB_ENDS, 0] - middle[:, None, None]
    return np.nanmax(towards[:, None, None] * limbs, axis=(1, 2))


def _end_time(scene: Scene, acting: bool, rng: np.random.Generator) -> float:
    """Draw when a window ends, seconds.

    Of six times, take the first one whose window contains at least 40 % of the motion of an action,
    or else the one whose window contains most.
    """
    times, last = scene.times, scene.times[-1]
    earliest = min(max(FIRST_ANSWER, 0.45 * last if acting else 0), last)
    moments = rng.uniform(earliest, last, 6)
    if not acting:
        return float(moments[0])
    motion = np.square(np.diff(scene.points[..., :2], axis=1))
    done = np.concatenate([[0], np.nansum(motion, axis=(0, 2, 3)).cumsum()])
    inside = np.interp(moments, times, done) - np.interp(moments - SPAN, times, done)
    enough = inside >= 0.4 * done[-1]
    return float(moments[enough.argmax() if enough.any() else inside.argmax()])
