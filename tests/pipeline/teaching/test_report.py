"""What was learnt, in figures, in words, and as a page."""

import numpy as np
import pytest

from models.action.label import NOTHING
from models.data.pyskl import Clip
from models.training.teaching.judge import Answer, Taught
from pipeline.extract.clips import Remark
from pipeline.extract.dataset import LabelSummary
from pipeline.teaching.page import page
from pipeline.teaching.report import Report, from_side, wilson
from tests.pipeline.extract.cut import CLIPS
from tests.skeletons import act


def clip(label, number, narrow=False):
    points = act(0, 20, np.random.default_rng(number))
    if narrow:
        points[..., 0] = 100 + (points[..., 0] - 100) / 20
    keypoints = np.concatenate([points, np.ones((20, 17, 1))], axis=-1).astype(np.float32)
    unit = float(np.ptp(points[..., 1])) / 3
    return Clip(f"own/{label}/{number}.mp4", label, np.arange(20) / 30, keypoints[None], unit)


def answers(label, found, count, narrow=False):
    return [Answer(clip(label, n, narrow), found, 0.5 + n / 100, n > 0) for n in range(count)]


def report(answers, left_out=(), notes=(), by_person=True):
    labels = sorted({a.clip.label for a in answers})
    counts = [sum(a.clip.label == label for a in answers) for label in labels]
    summaries = [
        LabelSummary(label, None if label == NOTHING else 1, count, 2.0 * count)
        for label, count in zip(labels, counts, strict=True)
    ]
    taught = Taught(None, answers, accuracies={"head": 0.7, "trained": 0.8}, trained=True)
    return Report(taught, summaries, list(left_out), list(notes), by_person, 12.0)


MIXED = [
    *answers("serve", "serve", 6),
    *answers("serve", "smash", 4, narrow=True),
    *answers("smash", "smash", 10),
    *answers(NOTHING, "serve", 3),
]


@pytest.mark.parametrize(
    ("right", "total", "interval"),
    [(0, 0, (0, 1)), (10, 10, (0.722, 1)), (8, 10, (0.490, 0.943)), (0, 5, (0, 0.434))],
)
def test_the_interval_is_wilsons(right, total, interval):
    assert wilson(right, total) == pytest.approx(interval, abs=1e-3)


def test_figures():
    made = report(MIXED)
    names, counts = made.confusion
    assert names == ["serve", "smash"] and counts.tolist() == [[6, 4], [0, 10]]
    assert made.accuracy == 0.8 and made.interval == wilson(16, 20)
    assert made.false_alarms == (2, 3)
    assert "80% of the clips are recognised (16 of 20; of many more, probably 58% to 92%)" in (
        made.summary()
    )
    assert [a.probability for a in made.wrong] == [0.53, 0.52, 0.51, 0.5]
    text = made.text()
    assert "serve   6   4" in text and "2 of 3 clips of nothing get a label" in text
    assert "the trained network was kept" in text


def test_advice_says_what_is_mixed_up_and_from_where_to_record():
    assert report(MIXED).advice() == [
        "serve is taken for smash in 4 of 10 clips: 5 more clips of serve from the side would help",
        "7 more clips of nothing would help",
    ]
    assert from_side(clip("a", 0, narrow=True)) and not from_side(clip("a", 0))
    assert "names do not say who acts" in report(MIXED, by_person=False).advice()[-1]


def test_a_guess_is_called_one():
    half = [a for pair in zip(*(iter(MIXED[:10]),) * 2, strict=True) for a in pair]
    guessed = [*half, *answers("smash", "serve", 5), *answers("smash", "smash", 5)]
    assert "hardly better than always giving the same label" in report(guessed).advice()[0]


def test_the_page_needs_nothing_else_and_escapes_names():
    odd = [*MIXED, *answers("<b>\n", "serve", 2)]
    left_out = [Remark("walk.mp4", "nobody was found in it"), Remark("gone.mp4", "it is no video")]
    paths = {"walk.mp4": CLIPS / "walk.mp4", "gone.mp4": CLIPS / "gone.mp4"}
    text = page(report(odd, left_out, [Remark("x.csv", "odd")]), "mine <i>.safetensors", paths)
    assert "<b>" not in text and "<i>" not in text and "&lt;b&gt;\\n" in text
    assert "://" not in text and "<script" not in text
    assert text.count("<svg") == 6 and text.count('class="left"') > 6
    assert text.count('src="data:image/jpeg') == 1
    assert "walk.mp4: nobody was found in it" in text and "gone.mp4" in text and "x.csv" in text
