import pytest

from pipeline.camera.layout import MIN_OPENING, MIN_PICTURE, arrange, opening_size

SOURCES = [(340, 256), (640, 480), (1280, 720), (1920, 1080), (720, 1280), (1280, 442), (64, 48)]
WINDOWS = [(1280, 560), (960, 720), (1920, 1080), (3840, 2160), (700, 900), (500, 300), (2, 1)]


@pytest.mark.parametrize("source", SOURCES)
def test_the_window_opens_large_enough_for_any_source_and_small_enough_for_a_laptop(source):
    width, height = opening_size(source)
    assert 960 <= width <= 1280 and MIN_OPENING[1] <= height <= 720
    layout = arrange((width, height), source, with_panel=True)
    assert layout.panel
    assert max(layout.picture_width / 980, layout.picture_height / 720) > 0.99


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("with_panel", [True, False])
def test_the_picture_is_whole_as_large_as_can_be_and_keeps_its_shape(source, window, with_panel):
    layout = arrange(window, source, with_panel)
    assert (layout.width, layout.height) == window
    assert layout.left >= 0 and layout.left + layout.picture_width <= layout.stage
    assert layout.top >= 0 and layout.top + layout.picture_height <= layout.height
    assert layout.picture_width == layout.stage or layout.picture_height == layout.height
    if min(layout.picture_width, layout.picture_height) > 100:
        shape = layout.picture_width / layout.picture_height
        assert shape == pytest.approx(source[0] / source[1], rel=0.01)
    assert not layout.panel or (with_panel and layout.stage >= MIN_PICTURE)


def test_the_panel_grows_with_the_window_and_leaves_small_ones_to_the_picture():
    panels = [arrange(size, (640, 480), True).panel for size in WINDOWS]
    assert panels == [300, 300, 450, 900, 300, 0, 0]
