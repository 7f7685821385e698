from collections import Counter
from dataclasses import replace

import numpy as np

from models.action.label import NOTHING
from models.data.augment import Augmentation
from models.data.camera import Cameras
from models.data.live import LiveWindows
from models.data.puppet.clips import perform
from models.data.scene import Scene
from models.data.shares import Shares
from models.sample import RATE

ROUGH = Augmentation(turn=0.5, roll=0.2, speed=0.3, jitter=0.03, dropout=0.1, parts=0.3, cut=0.3)


def live(clips, shares=None, **settings):
    people = {"class 0": 1, "class 1": 1, "hug": 2, "push": 2}
    settings = {
        "puppets": [],
        "solo": frozenset({"push"}),
        "acting": {},
        "augmentation": ROUGH,
        "length": 60,
        "past": 0.3,
    } | settings
    return LiveWindows(
        clips=clips,
        people=people,
        held=frozenset({"hug"}),
        cyclic=frozenset({"class 0"}),
        shares=Shares(**{"nothing": 0.4, "whole": 0.1} | (shares or {})),
        **settings,
    )


def test_a_sample_is_a_function_of_its_seed_and_index(clips):
    def make(seed):
        return live(clips, seed=seed)

    for index in (0, 7, 1000):
        one, two, other = make(0)[index], make(0)[index], make(1)[index]
        assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))
        assert not np.array_equal(one[0], other[0])


def test_without_legs_in_view_nobody_is_said_to_use_them(clips):
    legless = Augmentation(legs=1.0)
    windows = live(clips, {"nothing": 0.0}, augmentation=legless, legs=frozenset({"class 0"}))
    samples = [windows[index] for index in range(100)]
    assert not any(present[..., 13:].any() for _, present, _ in samples)
    assert {target for _, _, target in samples} == {1, 2, 3, 4}
    windows = live(clips, {"nothing": 0.0}, augmentation=ROUGH, legs=frozenset({"class 0"}))
    shown = [windows[index] for index in range(100)]
    shown = [present[..., 13:].any() for _, present, target in shown if target == 0]
    assert len(shown) > 10 and all(shown)


def test_live_windows_fit_what_their_labels_say(clips):
    windows, kinds = live(clips, length=400), Counter()
    for index in range(400):
        window, present, target = windows[index]
        people = present.any(axis=(1, 2)).sum()
        kinds[target] += 1
        assert np.isfinite(window).all()
        assert not present[:, :, 1:5].any()
        if target < 4:
            assert people == list(windows.people.values())[target]
    assert all(kinds[target] > 20 for target in range(4))
    assert 120 < kinds[4] < 220


def test_puppets_take_their_share_of_the_labels_they_know(clips):
    puppets = [perform("hug", number) for number in range(3)]
    windows = live(clips, shares={"puppets": 0.8}, puppets=puppets)
    rng = np.random.default_rng(0)
    drawn = [windows._draw_scene(rng) for _ in range(2000)]
    kinds = Counter(target for _, target in drawn)
    assert max(kinds.values()) < 1.2 * min(kinds.values())  # as many as without puppets
    real = windows.scenes[: len(clips)]
    acted = [scene for scene, target in drawn if not any(scene is other for other in real)]
    assert 0.75 < len(acted) / kinds[2] < 0.85
    only = live([], {"puppets": 0.3, "nothing": 0.0}, puppets=puppets, length=20)
    assert {only[index][2] for index in range(20)} <= {2, 4}


def test_bystanders_are_often_from_clips_of_pairs(clips):
    windows = live(clips, augmentation=Augmentation())
    rng = np.random.default_rng(0)
    people = [p for scene in windows.scenes for p in scene.points if len(scene.points) == 2]
    for _ in range(20):
        someone = windows._draw_person(rng, pairs=True).points[0]
        assert any(someone is p or np.array_equal(someone, p, equal_nan=True) for p in people)
    assert all(len(windows._bystanders(rng).points) == 2 for _ in range(20))


def test_negatives_come_alone_and_in_pairs_still_and_moving(clips):
    windows = live(clips, {"nothing": 1.0, "whole": 0.0}, augmentation=Augmentation())
    alone, together, still, moving = 0, 0, 0, 0
    for index in range(120):
        window, present, target = windows[index]
        assert target == 4
        pair = present[1].any()
        alone, together = alone + (not pair), together + pair
        both = present[0, 1:] & present[0, :-1]
        speed = np.abs(np.diff(window[0], axis=0))[both].mean() * RATE
        still, moving = still + (speed < 0.1), moving + (speed > 0.2)
    assert min(alone, together, still, moving) > 15


def test_clips_of_nothing_are_negatives_and_no_label(clips):
    labels = [clip.label for clip in clips]
    spared = [replace(clip, label=NOTHING) if clip.label == "class 1" else clip for clip in clips]
    windows = live(spared, {"nothing": 1.0, "whole": 0.0}, augmentation=Augmentation())
    assert len(windows.unlabelled) == labels.count("class 1")
    drawn = [windows._draw_negative(np.random.default_rng(seed)) for seed in range(200)]
    assert any(scene is other for scene in drawn for other in windows.unlabelled)
    none = live(spared, {"nothing": 0.0, "whole": 0.5}, length=300)
    assert "class 1" not in none.labels
    assert all(none[index][2] != 1 for index in range(300))


def test_a_held_interaction_may_be_still(clips):
    windows = live(clips, {"nothing": 0.0, "whole": 0.0}, augmentation=Augmentation(), length=300)
    slow = Counter()
    for index in range(300):
        window, present, target = windows[index]
        both = present[:, 1:] & present[:, :-1]
        slow[target] += np.abs(np.diff(window, axis=1))[both].mean() * RATE < 0.1
    assert slow[2] > 5
    assert slow[0] == slow[1] == 0


def test_the_people_of_a_pair_taken_alone(clips):
    pushing = [clip for clip in clips if clip.label == "push"]
    for clip in pushing:  # the left one steps towards the right one
        clip.keypoints[0, :, :, 0] += np.linspace(0, 3 * clip.unit, len(clip.times))[:, None]
    windows = live(pushing, solo=frozenset(), acting={"push": ("class 1", 1)})
    assert windows.labels == ["push"] * len(pushing) + ["class 1"] * len(pushing)
    for clip, scene, other in zip(
        pushing, windows.scenes[len(pushing) :], windows.passive, strict=True
    ):
        actor, passive = Scene.of(clip).points
        assert np.array_equal(scene.points[0], actor)
        assert np.array_equal(other.points[0], passive)


def test_whole_clips_are_among_the_samples(clips):
    windows = live(clips, {"nothing": 0.0, "whole": 1.0}, augmentation=Augmentation())
    assert all(windows[index][1][0, :, 5].all() for index in range(20))


def test_the_past_of_a_pair_has_two_people(clips):
    scenes = [Scene.of(clip) for clip in clips if clip.label in ("hug", "push")]
    rng = np.random.default_rng(0)
    windows = live(clips, past=1.0, augmentation=Augmentation())
    assert all(len(windows._draw_past(scene, rng).points) == 2 for scene in scenes)


def test_a_sample_in_space_is_a_function_of_its_seed_and_index(clips, space_clips):
    def make(seed):
        return live(clips + space_clips, seed=seed)

    for index in range(12):
        one, two, other = make(0)[index], make(0)[index], make(1)[index]
        assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))
        assert not np.array_equal(one[0], other[0])


def test_windows_in_space_fit_what_their_labels_say(space_clips):
    windows, kinds = live(space_clips, length=300), Counter()
    for index in range(300):
        window, present, target = windows[index]
        kinds[target] += 1
        assert np.isfinite(window).all()
        assert np.abs(window).max() < 30
        if target < 4:
            assert present.any(axis=(1, 2)).sum() == list(windows.people.values())[target]
        standing = present[0][:, [5, 15]].all(axis=1)
        if target == 1 and standing.any():
            assert (window[0, standing, 15, 1] > window[0, standing, 5, 1]).all()
    assert all(kinds[target] > 10 for target in range(5))


def test_each_time_a_clip_in_space_is_drawn_it_has_another_camera(space_clips):
    windows = live(space_clips, augmentation=Augmentation())
    cameras = {windows._draw_scene(np.random.default_rng(seed))[0].camera for seed in range(50)}
    assert None not in cameras
    assert len(cameras) == 50
    behind = live(space_clips, cameras=Cameras(yaw=0.3), augmentation=Augmentation())
    for seed in range(50):  # everybody faces the recorder, and is seen from the front
        points = behind._draw_scene(np.random.default_rng(seed))[0].points
        assert (points[:, :, 5, 0] > points[:, :, 6, 0]).all()


def test_people_who_are_put_together_are_filmed_by_cameras_of_one_height(space_clips):
    windows = live(space_clips, augmentation=Augmentation())
    scene = windows._bystanders(np.random.default_rng(0))
    assert scene.camera is not None
    person = windows._draw_person(np.random.default_rng(0), camera=scene.camera)
    assert person.camera == scene.camera
    past = windows._draw_past(scene, np.random.default_rng(1))
    assert past.camera is not None


def test_turning_by_foreshortening_is_for_clips_in_the_plane(clips, space_clips):
    turn = Augmentation(turn=0.9)
    for some, changed in ((clips, True), (space_clips, False)):
        windows = [live(some, augmentation=way) for way in (Augmentation(), turn)]
        scene, _ = windows[0]._draw_scene(np.random.default_rng(0))
        points = [w._augment(scene, slice(None), np.random.default_rng(1)) for w in windows]
        assert (not np.allclose(*(np.nansum(np.abs(p)) for p in points))) == changed


def test_data_sets_and_strangers_have_their_shares(clips):
    spared = [replace(clip, label=NOTHING) if clip.label == "class 1" else clip for clip in clips]
    rng, plain = np.random.default_rng(0), Augmentation()
    unlabelled = live(spared, augmentation=plain).unlabelled

    def strange(shares):
        windows = live(spared, shares, augmentation=plain)
        people = [person.tobytes() for scene in windows.unlabelled for person in scene.points]
        drawn = [windows._draw_person(rng).points[0].tobytes() for _ in range(200)]
        return sum(person in people for person in drawn)

    assert unlabelled
    assert strange({}) == 0
    assert 60 < strange({"strangers": 0.5}) < 140
    alone = live(clips, {"sources": {"pair": 0.0}}, augmentation=plain)
    drawn = {alone._draw_scene(rng)[1] for _ in range(200)}
    assert drawn == {0, 1}
    assert not alone.any_pair
