"""What a camera gives: windows that end now, begin anywhere, and often mean nothing."""

from dataclasses import dataclass, field

import numpy as np
from torch.utils.data import Dataset

from models.action.label import NOTHING
from models.data.augment import Augmentation, mirrored
from models.data.pyskl import Clip, named
from models.data.scene import (
    LONG,
    TORSO,
    Scene,
    all_bone_lengths,
    flail,
    freeze,
    loop,
    middle,
    pad,
    precede,
    resample,
)
from models.data.windows import FIRST_ANSWER, THRESHOLD
from models.sample import MAX_GAP, RATE, STEPS, clip_window, span_window

SPAN = STEPS / RATE

CLEARLY = 0.3
"""Torso lengths by which an actor must reach further than the other to be told from them."""

LIMB_ENDS = [9, 10, 15, 16]

_LONGEST = 6.0
"""Seconds for which a clip of what people do over and over may last."""

_SHORTEST_PAST = 0.3
"""Seconds of something else before an action that are worth showing."""


@dataclass
class LiveWindows(Dataset):
    """What a camera gives: windows that end now, begin anywhere, and often mean nothing.

    Args:
        clips: labelled clips, and such of nothing.
        puppets: such clips that puppets act out (see `models.data.puppet.clips`).
        rehearsed: part of the actions that puppets act out, where there are any.
        people: how many people each label takes.
        held: labels that are also true of people who keep still.
        cyclic: labels of motions that go on, to and fro.
        solo: labels of two whose people, taken alone, do nothing that has a name.
        acting: labels of two in which one acts: what the actor, taken alone, does, and whether
            that is towards (1) or away from (-1) the other, who does nothing.
        augmentation: see `Augmentation`.
        length: samples an epoch.
        negatives: part of the samples that are "none of these".
        whole: part of the samples that are whole clips stretched over the window.
        past: chance that something else, and not standing, comes before what a window shows.
        seed: of the random numbers.
    """

    clips: list[Clip]
    puppets: list[Clip]
    rehearsed: float
    people: dict[str, int]
    held: frozenset[str]
    cyclic: frozenset[str]
    solo: frozenset[str]
    acting: dict[str, tuple[str, int]]
    augmentation: Augmentation
    length: int
    negatives: float
    whole: float
    past: float = 0.0
    seed: int = 0
    scenes: list[Scene] = field(init=False)
    bodies: np.ndarray = field(init=False)
    labels: list[str] = field(init=False)

    def __post_init__(self) -> None:
        self.scenes, self.labels, self.others = [], [], []
        self.passive: list[Scene] = []
        acted = []
        for clips in (self.clips, self.puppets):
            self._stage(clips)
            acted += [clips is self.puppets] * (len(self.scenes) - len(acted))
        self.bodies = all_bone_lengths(self.scenes)
        names = list(self.people)
        self.targets = np.array([names.index(label) for label in self.labels])
        self.none = len(names)
        self.weight = np.cumsum(self._weights(np.array(acted)))
        self.pairs = np.array([len(scene.points) == 2 for scene in self.scenes])

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray, int]:
        rng = np.random.default_rng((self.seed, index))
        kind = rng.random()
        if kind < self.negatives:
            scene, target = self._nothing(rng), self.none
            window, present = self._shoot(scene, False, rng)
        elif kind < self.negatives + self.whole:
            scene, target = self._draw(rng)
            if list(self.people)[target] in self.cyclic and rng.random() < 0.5:
                scene = loop(scene, rng.uniform(SPAN, _LONGEST))
            window, present = self._stretch(scene, rng)
        else:
            scene, target = self._action(rng)
            window, present = self._shoot(scene, True, rng)
        people = int(present.any(axis=(1, 2)).sum())
        if target != self.none and people != list(self.people.values())[target]:
            target = self.none
        return window, present, target

    def _draw(self, rng: np.random.Generator) -> tuple[Scene, int]:
        index = min(int(np.searchsorted(self.weight, rng.random())), len(self.scenes) - 1)
        return self.scenes[index], int(self.targets[index])

    def _action(self, rng: np.random.Generator) -> tuple[Scene, int]:
        scene, target = self._draw(rng)
        label = list(self.people)[target]
        if label in self.held and rng.random() < 0.25:
            late = Scene(scene.times, scene.points[:, int(0.6 * len(scene.times)) :])
            scene = freeze(late, rng)
        elif label in self.cyclic:
            scene = loop(scene, 2 * SPAN)
        return scene, target

    def _nothing(self, rng: np.random.Generator) -> Scene:
        kind = rng.random()
        if kind < 0.2:
            scene = freeze(self._any(rng), rng)
        elif kind < 0.3:
            scene = self._still_pair(rng)
        elif kind < 0.4:
            scene = self._wander(rng)
        elif kind < 0.6:
            scene = flail(self._any(rng), rng)
        elif kind < 0.7 and self.passive:
            scene = self.passive[rng.integers(len(self.passive))]
        elif kind < 0.8 and self.others:
            scene = self.others[rng.integers(len(self.others))]
        else:
            scene = self._bystanders(rng)
        return scene

    def _weights(self, acted: np.ndarray) -> np.ndarray:
        """How often each scene is drawn: rare labels more often than they occur.

        Puppets take their part of each label that they act out, and of no other.
        """
        labels = np.array(self.labels)
        weight = np.zeros(len(labels))
        for label in set(self.labels):
            real, puppets = (np.flatnonzero((labels == label) & kind) for kind in (~acted, acted))
            share = self.rehearsed if len(real) and len(puppets) else float(not len(real))
            often = (len(real) or len(puppets)) ** 0.5
            for these, part in ((real, 1 - share), (puppets, share)):
                weight[these] = often * part / max(len(these), 1)
        return weight / weight.sum()

    def _stage(self, clips: list[Clip]) -> None:
        """Take clips in, and the people of each pair alone: those who act, and the rest."""
        self.others += [Scene.of(clip) for clip in clips if clip.label == NOTHING]
        scenes = [(Scene.of(clip), clip.label) for clip in named(clips)]
        self.scenes += [scene for scene, _ in scenes]
        self.labels += [label for _, label in scenes]
        for scene, label in scenes:
            alone = [Scene(scene.times, person[None]) for person in scene.points]
            if label in self.solo:
                self.passive += alone
            elif label in self.acting:
                name, direction = self.acting[label]
                reach = _reach(scene.points, direction)
                if abs(reach[0] - reach[1]) > CLEARLY:
                    actor = int(reach[1] > reach[0])
                    self.scenes.append(alone[actor])
                    self.labels.append(name)
                    self.passive.append(alone[1 - actor])

    def _any(self, rng: np.random.Generator, pairs: bool = False) -> Scene:
        """One person of any clip, or of any of two people."""
        candidates = np.flatnonzero(self.pairs) if pairs and self.pairs.any() else len(self.scenes)
        scene = self.scenes[rng.choice(candidates)]
        return Scene(scene.times, scene.points[rng.integers(len(scene.points))][None])

    def _still_pair(self, rng: np.random.Generator) -> Scene:
        """Two people who keep still; those who could be in a held interaction are left out."""
        candidates = [i for i in np.flatnonzero(self.pairs) if self.labels[i] not in self.held]
        if not candidates:
            return freeze(self._any(rng), rng)
        return freeze(self.scenes[rng.choice(candidates)], rng)

    def _wander(self, rng: np.random.Generator) -> Scene:
        """Slowly from one pose to another, which no word describes."""
        frames = LONG
        poses = []
        for _ in range(rng.integers(2, 5)):
            points = self._any(rng).points[0]
            pose = points[rng.integers(len(points))]
            poses.append(pose - np.array([*middle(pose), 0], np.float32))
        place = np.linspace(0, len(poses) - 1.001, frames)
        weight = (place % 1)[:, None, None].astype(np.float32)
        weight = weight * weight * (3 - 2 * weight)
        poses = np.stack(poses)
        left = place.astype(int)
        points = poses[left] * (1 - weight) + poses[left + 1] * weight
        return Scene(np.arange(frames) / RATE, points[None])

    def _bystanders(self, rng: np.random.Generator) -> Scene:
        """Two who happen to be side by side, each with their own business.

        Half of them are from clips of two, so that the look of these says nothing.
        """
        pairs = rng.random() < 0.5
        one, other = self._any(rng, pairs), self._any(rng, pairs)
        kind = rng.random()
        if kind < 0.5:
            other = one if kind < 0.15 else freeze(other, rng)
        times = np.arange(0, min(one.times[-1], other.times[-1]) + 1e-9, 1 / RATE)
        first, second = (resample(scene, times) for scene in (one, other))
        if rng.random() < 0.5:
            second = mirrored(second)
        shift = middle(first[0]) - middle(second[0])
        side = rng.choice((-1.0, 1.0)) * rng.uniform(0.9, 4.0)
        second[..., :2] += shift + np.array([side, rng.normal(0, 0.15)], np.float32)
        return Scene(times, np.stack([first, second]))

    def _past(self, scene: Scene, rng: np.random.Generator) -> Scene:
        """What as many people may have done before: anything at all."""
        if len(scene.points) == 1:
            return self._any(rng)
        if not self.pairs.any() or rng.random() < 0.3:
            return self._bystanders(rng)
        return self.scenes[rng.choice(np.flatnonzero(self.pairs))]

    def _stretch(self, scene: Scene, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Film the scene and show all of it, with a little less or some standing at its ends."""
        if rng.random() < 0.5:
            scene = pad(scene, rng.uniform(0, 0.8), rng.uniform(0, 0.8), rng)
        frames = len(scene.times)
        start, stop = (round(frames * rng.uniform(0, 0.1)) for _ in range(2))
        kept = slice(start, max(frames - stop, start + 2))
        points = self.augmentation.scene(scene.points[:, kept], scene.fps, rng, self.bodies)
        points = self.augmentation.estimate(points, scene.fps, rng)
        return clip_window(Scene(scene.times[kept], points).tracks, THRESHOLD)

    def _shoot(
        self, scene: Scene, acting: bool, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Film the scene, estimate its poses, and cut the window that ends at some moment."""
        augmentation = self.augmentation
        times, points = scene.times / augmentation.pace(rng), scene.points
        step = 2 if rng.random() < 0.4 and scene.fps > 20 else 1
        scene = Scene(times[::step], points[:, ::step])
        # How much of a window is filled must say nothing about the action, however short its clips.
        full = rng.random() < 0.6
        fill = SPAN + MAX_GAP if full else rng.uniform(FIRST_ANSWER, SPAN)
        end, last = _moment(scene, acting, rng), scene.times[-1]
        after = rng.uniform(0, 0.4) if rng.random() < 0.3 else 0.0
        before = max(fill - end - after, 0.0) if rng.random() < 0.9 else 0.0
        longest = SPAN if acting else FIRST_ANSWER  # more would be what the window shows
        if _SHORTEST_PAST < before < longest and rng.random() < self.past:
            scene = precede(scene, self._past(scene, rng), before, rng)
            scene, end = pad(scene, 0.0, after, rng), end + scene.times[-1] - last + after
        else:
            scene, end = pad(scene, before, after, rng), end + before + after
        end = scene.times[scene.times <= end + 1e-6][-1]  # live, a window ends with a frame
        kept = (scene.times <= end + 1e-6) & (scene.times >= end - fill - 1e-6)
        points = augmentation.scene(scene.points[:, kept], scene.fps, rng, self.bodies)
        points = augmentation.estimate(points, scene.fps, rng)
        return span_window(Scene(scene.times[kept], points).tracks, end, THRESHOLD)


def _reach(points: np.ndarray, direction: int) -> np.ndarray:
    """How far each of two goes towards the other (or away: -1) with a hand or a foot, [2].

    In torso lengths, from where the middle of the body was at first. In SBU's kicks, pushes,
    punches, approaches and departures, actors reach 1.4 to 2.9, the others rarely more than 1.
    """
    middle = np.nanmean(points[:, 0][:, TORSO, 0], axis=1)
    towards = direction * np.sign(middle[::-1] - middle)
    limbs = points[:, :, LIMB_ENDS, 0] - middle[:, None, None]
    return np.nanmax(towards[:, None, None] * limbs, axis=(1, 2))


def _moment(scene: Scene, acting: bool, rng: np.random.Generator) -> float:
    """When the window ends: for an action, once a good part of its motion is in the window."""
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
