import pytest

from models.errors import UserError
from pipeline.camera.sources import open_live
from tests.pipeline.videos import CLIPS


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("nowhere.mp4", "no such file"),
        (str(CLIPS / "README.md"), "not a video"),
        ("file:///etc/passwd", "file:// is not opened"),
        ("concat://a|b", "concat:// is not opened"),
        ("http://127.0.0.1:9/video", "cannot be opened"),
    ],
)
def test_what_cannot_be_opened(source, reason):
    with pytest.raises(UserError, match=reason):
        open_live(source)
