from fractions import Fraction
from itertools import count
from pathlib import Path

import av
import numpy as np
import pytest

from models.errors import UserError
from pipeline.source import VideoFile, open_container, open_source
from tests.pipeline.videos import CLIPS, grey, make_video, picture


def read(path, **options):
    """All frames, and the source they came from."""
    with open_source(path, **options) as source:
        return list(source), source


def greys(frames):
    """The grey of each frame, from its bottom right corner."""
    return [frame.image[-4:, -4:].mean() for frame in frames]


def expect_frames(frames, indices):
    assert [frame.index for frame in frames] == list(indices)
    np.testing.assert_allclose(greys(frames), [grey(i) for i in indices], atol=5)


def test_real_clip():
    frames, source = read(CLIPS / "walk.mp4")
    assert (source.width, source.height, source.rate) == (1280, 442, 30)
    assert source.has_audio and source.problem is None
    assert len(frames) == source.frames == 120
    np.testing.assert_allclose([f.time for f in frames], np.arange(120) / 30, atol=1e-9)
    assert source.duration == pytest.approx(4)
    image = frames[0].image
    assert image.shape == (442, 1280, 3) and image.dtype == np.uint8
    assert image.flags.c_contiguous and image.flags.writeable


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("plain.mp4", {}),
        ("ten_bit.mp4", {"pix_fmt": "yuv420p10le"}),
        ("ten_bit_hevc.mp4", {"codec": "libx265", "pix_fmt": "yuv420p10le"}),
        ("prores.mov", {"codec": "prores_ks", "pix_fmt": "yuv422p10le", "audio": "pcm_s16le"}),
        ("full_range.mp4", {"pix_fmt": "yuvj420p"}),
        ("odd.mp4", {"pix_fmt": "yuv444p", "size": (63, 47)}),
        ("motion_jpeg.avi", {"codec": "mjpeg", "pix_fmt": "yuvj420p", "audio": "pcm_s16le"}),
        ("vp9.webm", {"codec": "libvpx-vp9", "audio": "libopus"}),
        ("matroska.mkv", {"audio": "flac"}),
        ("transport.ts", {"audio": "mp2"}),
        ("bare.h264", {}),
        ("fifty.mp4", {"rate": 50}),
    ],
)
def test_formats(tmp_path, name, options):
    frames, source = read(make_video(tmp_path / name, **options))
    expect_frames(frames, range(20))
    size = options.get("size", (64, 48))
    assert (source.width, source.height) == size == frames[0].image.shape[1::-1]
    assert source.rate == options.get("rate", 25)
    assert source.has_audio == ("audio" in options)
    assert source.problem is None
    steps = np.diff([frame.time for frame in frames])
    np.testing.assert_allclose(steps, float(1 / source.rate), atol=1.1e-3)


def test_gif(tmp_path):
    frames, _ = read(make_video(tmp_path / "a.gif", codec="gif", pix_fmt="rgb8"))
    assert len(frames) == 20
    assert frames[-1].time == pytest.approx(19 / 25)


# Where the bright top left quarter of the stored picture belongs, as a list of upright pictures'
# corners: top left, top right, bottom left, bottom right.
CORNERS = ["top left", "top right", "bottom left", "bottom right"]


@pytest.mark.parametrize(
    ("rotation", "mirrored", "corner"),
    [
        (0, False, "top left"),
        (90, False, "bottom left"),
        (180, False, "bottom right"),
        (-90, False, "top right"),
        (0, True, "top right"),
        (180, True, "bottom left"),
    ],
)
def test_rotation_and_mirror_flags(tmp_path, rotation, mirrored, corner):
    path = make_video(tmp_path / "a.mp4", frames=3, rotation=rotation, mirrored=mirrored)
    frames, source = read(path)
    size = (48, 64) if abs(rotation) == 90 else (64, 48)
    image = frames[0].image
    assert (source.width, source.height) == size == image.shape[1::-1]
    assert image.flags.c_contiguous
    half_h, half_w = image.shape[0] // 2, image.shape[1] // 2
    means = [
        quarter.mean()
        for rows in (image[:half_h], image[half_h:])
        for quarter in (rows[:, :half_w], rows[:, half_w:])
    ]
    assert CORNERS[int(np.argmax(means))] == corner


def test_pixels_are_made_square(tmp_path):
    path = make_video(tmp_path / "a.mp4", frames=2, aspect=Fraction(3, 2))
    frames, source = read(path)
    assert (source.width, source.height) == (96, 48) == frames[0].image.shape[1::-1]


def test_variable_frame_rate_keeps_every_time(tmp_path):
    pts = np.cumsum([0, *[17, 33, 50, 400] * 4])
    path = make_video(tmp_path / "a.mkv", frames=17, pts=pts, time_base=Fraction(1, 1000))
    frames, _ = read(path)
    np.testing.assert_allclose([frame.time for frame in frames], pts / 1000, atol=1e-9)


def test_time_counts_from_the_start_of_the_file(tmp_path):
    path = make_video(tmp_path / "a.ts", frames=5, pts=range(100, 105))
    frames, source = read(path)
    assert source.start > 1
    assert frames[0].time == 0
    assert frames[-1].time == pytest.approx(4 / 25)


def test_times_always_increase(tmp_path):
    path = tmp_path / "a.h264"  # a bare stream has no timestamps
    frames, source = read(make_video(path, frames=8))
    assert source.duration is None and source.frames is None
    np.testing.assert_allclose([frame.time for frame in frames], np.arange(8) / 25)


def test_stride_and_max_seconds(tmp_path):
    path = make_video(tmp_path / "a.mp4")
    frames, source = read(path, stride=3)
    expect_frames(frames, range(0, 20, 3))
    assert source.rate == Fraction(25, 3) and source.frames == 7
    frames, source = read(path, max_seconds=0.3)
    expect_frames(frames, range(8))
    assert source.frames == 8 and source.duration == pytest.approx(0.3)
    assert source.problem is None


@pytest.mark.parametrize("options", [{"stride": 0}, {"max_seconds": 0}, {"max_seconds": -1}])
def test_options_out_of_range(options):
    with pytest.raises(UserError, match="not possible"):
        open_source(CLIPS / "walk.mp4", **options)


def test_colours_follow_the_tag(tmp_path):
    """The same stored numbers mean different colours in BT.601 and BT.709."""
    images = []
    for space in (1, 6):
        path = tmp_path / f"{space}.mp4"
        with av.open(str(path), "w") as output:
            video = output.add_stream("libx264", rate=25, options={"qp": "1"})
            video.width, video.height, video.pix_fmt = 32, 32, "yuv420p"
            video.colorspace, video.color_range = space, 1
            frame = av.VideoFrame(32, 32, "yuv420p")
            for plane, value in zip(frame.planes, (81, 90, 240), strict=True):
                plane.update(bytes([value]) * plane.buffer_size)
            output.mux(video.encode(frame))
            output.mux(video.encode(None))
        images.append(read(path)[0][0].image[16, 16].astype(int))
    bt709, bt601 = images
    np.testing.assert_allclose(bt601, [0, 0, 255], atol=4)
    np.testing.assert_allclose(bt709, [0, 24, 255], atol=4)


def cut(path: Path, part: float) -> Path:
    data = path.read_bytes()
    shorter = path.with_stem("cut")
    shorter.write_bytes(data[: int(part * len(data))])
    return shorter


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_truncated_file_gives_what_is_left_and_says_so(tmp_path, suffix):
    whole = tmp_path / f"whole{suffix}"
    options = {"movflags": "+faststart"} if suffix == ".mp4" else {}
    with av.open(str(CLIPS / "walk.mp4")) as clip, av.open(str(whole), "w", options=options) as out:
        stream = out.add_stream_from_template(clip.streams.video[0])
        for packet in clip.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                out.mux(packet)
    assert read(whole)[1].problem is None
    frames, source = read(cut(whole, 0.6))
    assert 40 < len(frames) < 110
    assert source.lost == 120 - len(frames)
    assert f"is damaged: {source.lost} of 120 frames could not be read" in source.problem


def test_damage_in_the_middle_is_survived(tmp_path):
    path = tmp_path / "a.mp4"
    data = bytearray((CLIPS / "two_people.mp4").read_bytes())
    middle = len(data) // 2
    data[middle : middle + 3000] = bytes(3000)
    path.write_bytes(data)
    frames, source = read(path)
    assert len(frames) > 100
    assert f"is damaged: {170 - len(frames)} of 170 frames could not be read" in source.problem


def test_stopping_early_is_no_damage():
    with open_source(CLIPS / "walk.mp4") as source:
        next(iter(source))
    assert source.problem is None


def not_a_video(tmp_path, name):
    path = tmp_path / name
    if name == "folder":
        path.mkdir()
    elif name == "empty.mp4":
        path.touch()
    elif name == "text.txt":  # FFmpeg would show it as a film of a terminal
        path.write_text("Not a video, but a story.\n" * 100)
    elif name == "list.m3u8":  # a playlist opens other files
        path.write_text(f"#EXTM3U\n#EXTINF:4,\n{CLIPS / 'walk.mp4'}\n#EXT-X-ENDLIST\n")
    elif name == "picture.png":
        av.VideoFrame.from_ndarray(picture(0, 64, 48), "bgr24").save(path)
    elif name == "sound.mp4":
        make_sound(path)
    elif name == "headless.mp4":  # a recording that was cut off: its index was never written
        data = make_video(tmp_path / "whole.mp4").read_bytes()
        path.write_bytes(data[: data.index(b"moov") - 4])
    elif name == "no_frames.mp4":
        data = make_video(tmp_path / "whole.mp4", container_options={"movflags": "+faststart"})
        path.write_bytes(data.read_bytes()[: data.read_bytes().index(b"mdat") + 4])
    return path


def make_sound(path):
    with av.open(str(path), "w") as output:
        stream = output.add_stream("aac", rate=48000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 4800), np.float32), "fltp", "mono")
        frame.sample_rate = 48000
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("missing.mp4", "no such file"),
        ("folder", "is a folder"),
        ("empty.mp4", "cannot be read"),
        ("text.txt", "cannot be read"),
        ("list.m3u8", "cannot be read"),
        ("picture.png", "cannot be read"),
        ("sound.mp4", "has no video"),
        ("headless.mp4", "cannot be read"),
        ("no_frames.mp4", "no frame"),
    ],
)
def test_bad_input_is_one_clear_line(tmp_path, name, message):
    with pytest.raises(UserError, match=message) as raised:
        open_source(not_a_video(tmp_path, name))
    assert name in str(raised.value) and "\n" not in str(raised.value)


def test_unreadable_file(monkeypatch):
    def refuse(*_, **__):
        raise av.error.PermissionError(13, "Permission denied")

    monkeypatch.setattr(av, "open", refuse)
    with pytest.raises(UserError, match="may not be read"):
        open_source(CLIPS / "walk.mp4")


def test_a_name_that_looks_like_a_protocol(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make_video(tmp_path / "a.mp4", frames=2).rename(tmp_path / "http:a.mp4")
    assert len(read("http:a.mp4")[0]) == 2


def drop(monkeypatch, fails):
    """Let the decoder raise where `fails` says so, by the number of the packet."""
    original, number = VideoFile._decode_packet, count()

    class Decoder:
        def __init__(self, stream):
            self._stream = stream

        def decode(self, packet):
            if fails(next(number)):
                raise IndexError("list index out of range")
            return self._stream.decode(packet)

    def decode_packet(self, packet):
        video, self._video = self._video, Decoder(self._video)
        try:
            return original(self, packet)
        finally:
            self._video = video

    monkeypatch.setattr(VideoFile, "_decode_packet", decode_packet)


def test_whatever_the_decoder_raises_is_a_damaged_file(tmp_path, monkeypatch):
    drop(monkeypatch, lambda number: number % 5 == 4)
    frames, source = read(make_video(tmp_path / "a.avi", codec="mjpeg", pix_fmt="yuvj420p"))
    assert len(frames) == 16 and source.lost == 4
    assert source.problem.endswith("a.avi is damaged: 4 of 20 frames could not be read")


class Stumbling:
    """A container that raises twice before it goes on."""

    def __init__(self, container):
        self._container, self._left = container, 2

    def __getattr__(self, name):
        return getattr(self._container, name)

    def demux(self, *streams):
        for packet in self._container.demux(*streams):
            if packet.pts is not None and packet.pts >= 5 and self._left:
                self._left -= 1
                raise IndexError("list index out of range")
            yield packet


def test_whatever_the_container_raises_is_a_damaged_file_and_is_read_on(tmp_path, monkeypatch):
    path = make_video(tmp_path / "a.avi", codec="mjpeg", pix_fmt="yuvj420p")
    monkeypatch.setattr(
        "pipeline.source.open_container", lambda path: Stumbling(open_container(path))
    )
    frames, source = read(path)
    assert len(frames) == 18 and "damaged: 2 of 20 frames could not be read" in source.problem


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".avi"])
def test_lost_frames_are_counted_against_what_the_container_promises(tmp_path, suffix):
    whole = make_video(tmp_path / f"a{suffix}", 60, codec="mjpeg", pix_fmt="yuvj420p")
    with av.open(str(whole)) as container:
        packets = [(p.pos, p.size) for p in container.demux(video=0) if p.size]
    data = bytearray(whole.read_bytes())
    for pos, size in packets[20:23]:
        data[pos : pos + size] = bytes(size)
    damaged = tmp_path / f"b{suffix}"
    damaged.write_bytes(data)
    frames, source = read(damaged)
    # Matroska counts no frames, but has a rate, which tells how many are missing in between.
    assert source.lost == 60 - len(frames) >= 3 and len(frames) > 40
    assert f"damaged: {source.lost} of 60 frames could not be read" in source.problem


def test_a_wrong_time_does_not_move_all_others(tmp_path):
    pts = [0, 40, 80, 10_000_000, 160, 200, 240]
    path = make_video(
        tmp_path / "a.avi", 7, codec="mjpeg", pix_fmt="yuvj420p", time_base=Fraction(1, 25)
    )
    with open_source(path) as source:
        stamps = iter(pts)
        inner = source._all_decoded

        def decoded():
            for frame in inner():
                frame.pts, frame.time_base = next(stamps), Fraction(1, 1000)
                yield frame

        source._all_decoded = decoded
        times = [frame.time for frame in source]
    np.testing.assert_allclose(times, np.arange(7) / 25)


def test_pictures_of_a_size_that_nobody_can_show_are_refused(tmp_path):
    path = make_video(tmp_path / "a.avi", 2, (33_000, 16), "ffv1", "yuv420p")
    with pytest.raises(UserError, match="too large: 33000x16"):
        open_source(path)


def test_a_gif_that_is_cut_says_so(tmp_path):
    path = make_video(tmp_path / "a.gif", codec="gif", pix_fmt="rgb8")
    assert read(path)[1].problem is None
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert "is damaged" in read(path)[1].problem
