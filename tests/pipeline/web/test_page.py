import re

from pipeline.events import Event
from pipeline.panel import Panel, Row
from pipeline.web.page import live_panel


def text(html):
    """The words of a page, as a reader sees them."""
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def panel(rows=(), events=()):
    return Panel(time=90.0, rows=rows, events=events, hint=None, rate=0.0, age=0.0)


def test_everybody_in_view_is_said_with_what_they_do():
    rows = (
        Row((1,), "walk", 0.9),
        Row((2, 4), "hug", 0.75),
        Row((3,), None, 0.0, (("wave", 0.4), ("clap", 0.06))),
        Row((5,)),
    )
    html = live_panel(panel(rows))
    assert text(html) == (
        "1 walk 90% 2 4 hug 75% 3 no known action wave 40% clap 6% 5 no known action"
    )
    first, pair, unnamed, new = html.split('<div class="person ')[1:]
    assert first.startswith("named") and unnamed.startswith("unnamed")
    assert "width: 90%" in first and "width" not in new
    # Person 1's colour on the picture, as red, green, blue.
    assert "rgb(0 158 115)" in first and pair.count("rgb(") == 2
    assert 'aria-label="people 2 and 4"' in pair


def test_the_last_actions_are_said_with_their_times():
    events = (
        Event((1, 2), "shake hands", 65.0),
        Event((1,), "walk", 1.0, end=80.5),
        Event((1,), "jump", 0.0, end=1.5),
    )
    assert text(live_panel(panel((), events))) == (
        "Nobody is in view. Last actions 1 2 shake hands now 1 walk 9 s ago 1 jump 1 min ago"
    )


def test_labels_are_text():
    html = live_panel(panel((Row((1,), "<b>jump</b>", 0.9),), (Event((1,), "<i>", 0.0),)))
    assert "<b>" not in html and "<i>" not in html
