import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from models.errors import UserError
from pipeline.camera.sources import open_live
from tests.pipeline.camera.streams import NetworkCamera, RtspCamera
from tests.pipeline.camera.watching import next_frame, until
from tests.pipeline.videos import CLIPS, make_video


@pytest.mark.slow
@pytest.mark.parametrize("kind", [NetworkCamera, RtspCamera])
def test_a_network_camera_is_cut_off_and_comes_back(kind):
    with kind(CLIPS / "two_walkers.mp4") as camera, open_live(camera.url) as source:
        assert (source.width, source.height) == (1440, 270)
        frames = iter(source)
        before = next_frame(frames)
        camera.unplug()
        until(frames, lambda frame: frame is None and source.problem)
        assert "trying again" in source.problem
        until(frames, lambda frame: camera.visitors >= 3)  # some tries are in vain
        camera.plug()
        after = next_frame(frames)
        assert after.index > before.index and after.time > before.time
        assert source.was_interrupted()


def test_a_video_on_a_web_server_is_played_in_real_time_and_ends(tmp_path):
    make_video(tmp_path / "a.mp4", frames=12, container_options={"movflags": "+faststart"})
    handler = partial(SimpleHTTPRequestHandler, directory=tmp_path)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with open_live(f"http://127.0.0.1:{server.server_port}/a.mp4") as source:
            seen = [frame for frame in source if frame is not None]
        server.shutdown()
    assert seen[-1].index == 11
    assert all(frame.time >= frame.index / 25 - 0.005 for frame in seen)


def test_a_password_is_never_shown():
    with pytest.raises(UserError) as error:
        open_live("http://admin:secret@127.0.0.1:9/video")
    assert "secret" not in str(error.value) and "127.0.0.1:9/video" in str(error.value)
