from collections import Counter

import numpy as np
import pytest

from models.data.shares import NEGATIVES, Choice, Shares
from models.errors import UserError

LABELS = ["wave"] * 16 + ["walk"] * 4 + ["hug"] * 9
SOURCES = ["penn"] * 12 + ["kard"] * 8 + ["sbu"] * 9
PEOPLE = {"wave": 1, "walk": 1, "hug": 2}


def by_label(shares, acted=None):
    acted = np.zeros(len(LABELS), bool) if acted is None else acted
    weights = shares.weights(LABELS, SOURCES, PEOPLE, acted)
    assert weights.sum() == pytest.approx(1)
    return {label: weights[np.array(LABELS) == label].sum() for label in PEOPLE}, weights


@pytest.mark.parametrize(
    ("balance", "expected"), [(0.5, (4, 2, 3)), (1, (16, 4, 9)), (0, (1, 1, 1))]
)
def test_labels_are_balanced_by_a_power_of_their_number_of_clips(balance, expected):
    found, _ = by_label(Shares(0.2, 0.2, balance=balance))
    assert list(found.values()) == pytest.approx(np.array(expected) / sum(expected))


def test_pairs_have_a_share_of_their_own():
    found, _ = by_label(Shares(nothing=0.4, whole=0.1, pairs=0.3))
    assert found["hug"] == pytest.approx(0.5)  # of the samples that are not negatives
    assert found["wave"] == pytest.approx(2 * found["walk"])


def test_labels_and_data_sets_have_factors():
    found, weights = by_label(Shares(0.2, 0.2, labels={"walk": 3.0}, sources={"kard": 0.5}))
    assert found["walk"] / found["hug"] == pytest.approx(3 * (4 * 0.5) ** 0.5 / 3)
    assert weights[0] == pytest.approx(2 * weights[15])  # both wave
    _, without = by_label(Shares(0.2, 0.2, sources={"kard": 0.0}))
    assert without[12:20].sum() == 0
    with pytest.raises(UserError, match="jump"):
        by_label(Shares(0.2, 0.2, labels={"jump": 2.0}))


def test_puppets_take_their_share_of_a_label():
    acted = np.arange(len(LABELS)) < 4
    plain, _ = by_label(Shares(0.2, 0.2))
    found, weights = by_label(Shares(0.2, 0.2, puppets=0.25), acted)
    assert weights[:4].sum() == pytest.approx(found["wave"] / 4)
    assert found["walk"] / found["hug"] == pytest.approx(plain["walk"] / plain["hug"])


def test_negatives_are_drawn_by_their_shares():
    def draw(**shares):
        rng = np.random.default_rng(0)
        kinds = Counter(Shares(0.2, 0.2, **shares).draw_negative(rng) for _ in range(4000))
        return {kind: kinds[kind] / 4000 for kind in NEGATIVES}

    for kind, share in draw().items():
        assert share == pytest.approx(NEGATIVES[kind], abs=0.03)
    more = draw(negatives={"recorded": 0.9, "flail": 0.1})
    assert more["recorded"] == pytest.approx(0.9 / 1.7, abs=0.03)
    assert more["still"] == pytest.approx(0.2 / 1.7, abs=0.03)
    with pytest.raises(UserError, match=r"dance.*bystanders"):
        draw(negatives={"dance": 1.0})


def test_shares_that_exceed_1_are_the_users_error():
    with pytest.raises(UserError, match="exceed 1"):
        Shares(nothing=0.6, whole=0.6)
    with pytest.raises(UserError, match="exceed 1"):
        Shares(nothing=0.6, whole=0.1, pairs=0.5)


def test_a_choice_is_uniform_or_by_weight():
    rng = np.random.default_rng(0)
    plain = Choice(np.array([2, 5]), None)
    assert Counter(plain.draw(rng) for _ in range(400))[2] == pytest.approx(200, abs=40)
    heavy = Choice(np.array([0, 2, 3]), np.array([3.0, 9.0, 0.0, 1.0]))
    drawn = Counter(heavy.draw(rng) for _ in range(400))
    assert set(drawn) == {0, 3}
    assert drawn[0] == pytest.approx(300, abs=40)
    assert plain
    assert not Choice(np.array([1]), np.zeros(2))
