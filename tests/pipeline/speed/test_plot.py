import pytest

from models.errors import UserError
from pipeline.speed.clips import WALKERS, read
from pipeline.speed.plot import crowd, plot, scaled


@pytest.mark.training
def test_as_many_people_as_asked_for(pipeline):
    walkers = read(WALKERS, 1.0, 0.5)
    for count in (1, 5):
        pipeline.reset()
        seen = [pipeline(frame) for frame in crowd(walkers, count)]
        assert len(seen[-1].people) == count
        assert seen[-1].frame.image.shape == (810, 1440, 3)


def test_scaled_pictures_keep_their_shape(frames):
    assert scaled(frames[:1], 221)[0].image.shape == (221, 640, 3)


def test_the_plot_is_a_picture(tmp_path):
    found = {"people": {1: 60.0, 2: 50.0}, "height": {360: 70.0, 720: 60.0}}
    plot(found, tmp_path / "plot.png")
    assert (tmp_path / "plot.png").read_bytes()[:4] == b"\x89PNG"
    with pytest.raises(UserError, match="cannot write"):
        plot(found, tmp_path / "none" / "plot.png")
