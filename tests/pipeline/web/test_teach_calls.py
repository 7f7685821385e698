"""The calls of the teach tab, as anybody may send them."""

import pytest

from pipeline.web.quotas import Quotas
from pipeline.web.teach_calls import teach_calls
from pipeline.web.visitors import Visitors
from tests.pipeline.web.lessons import SQUAT, skeletons
from tests.pipeline.web.test_visitors import jpeg, url


class Networks:
    """There are none."""

    weights = "base.safetensors"


@pytest.fixture
def visitors(tmp_path):
    made = Visitors(Networks(), tmp_path, quotas=Quotas(spare=0))
    made.enter("anna")
    made.enter("ben")
    return made


@pytest.fixture
def calls(visitors):
    return {call.__name__: call for call in teach_calls(visitors)}


@pytest.mark.parametrize(
    "sent",
    [None, 7, "anna", [], ["anna"] * 9, [7], [["anna"]], {"session": "anna"}, [None, None, None]],
)
def test_whatever_is_sent_gets_a_line(calls, sent):
    for name, call in calls.items():
        if sent == [7] or not isinstance(sent, list) or len(sent) != 1:
            assert "load the page again" in call(sent)["error"], name


def test_nobody_is_answered_for_a_session_that_is_not_there(calls):
    assert "this visit has ended" in calls["tell_state"](["eve"])["error"]
    assert "this visit has ended" in calls["look_on"](["eve", url(jpeg()), None])["error"]


@pytest.mark.parametrize("path", ["/etc/passwd", "a\0b", "\ud800", "x" * 5000, "", 7, "."])
def test_only_ones_own_uploads_are_taken(calls, path):
    for call in (
        calls["take_clips"](["anna", "wave", [path]]),
        calls["load_file"](["anna", path]),
    ):
        assert "upload it again" in call["error"] or "load the page again" in call["error"]


def test_what_one_visitor_has_another_has_not(calls, visitors):
    anna = visitors.find("anna").lesson.takes
    take = anna.add("wave", skeletons())
    anna.add("<b>squat</b>", skeletons(SQUAT))
    assert calls["tell_state"](["anna"])["labels"] == [
        {"name": "wave", "takes": [take.id], "seconds": pytest.approx(44 / 15)},
        {"name": "<b>squat</b>", "takes": [anna.all()[1].id], "seconds": pytest.approx(44 / 15)},
    ]
    assert calls["draw_take"](["anna", take.id])["drawing"].startswith("<svg")
    assert calls["tell_state"](["ben"])["labels"] == []
    assert "not here" in calls["draw_take"](["ben", take.id])["error"]
    assert calls["drop_take"](["ben", take.id]) == {} and len(anna.all()) == 2
    calls["drop_take"](["anna", take.id])
    calls["drop_label"](["anna", "<b>squat</b>"])
    assert calls["tell_state"](["anna"])["labels"] == []


def test_takes_are_saved_where_only_their_visitor_knows(calls, visitors, tmp_path):
    assert "no take can be used" in calls["save_takes"](["anna"])["error"]
    visitors.find("anna").lesson.takes.add("wave", skeletons())
    address = calls["save_takes"](["anna"])["file"]
    assert address.startswith("gradio_api/file=") and address.endswith("/my_actions.pkl")
    assert len(list(tmp_path.rglob("my_actions.pkl"))) == 1
    visitors.leave("anna")
    assert not list(tmp_path.rglob("my_actions.pkl"))


def test_an_upload_that_is_not_taken_is_deleted(calls, visitors):
    path = visitors.uploads.new_folder() / "abc" / "notes.mp4"
    path.parent.mkdir(parents=True)
    path.write_text("no video")
    assert "name the action" in calls["take_clips"](["anna", " ", [str(path)]])["error"]
    assert not path.exists()
