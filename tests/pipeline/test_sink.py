import csv
import json
import os
import subprocess
import sys
from fractions import Fraction
from itertools import islice
from types import SimpleNamespace

import av
import numpy as np
import pytest

from models.errors import UserError
from pipeline.sink import EventsSink, JsonLinesSink, VideoSink
from pipeline.source import open_source
from tests.pipeline.bodies import body, box_of
from tests.pipeline.videos import CLIPS, make_video, picture

LABELS = ["walk", "wave"]


def copy_video(source_path, out, **options):
    """Every frame of a video, unchanged, through the sink; their times."""
    with open_source(source_path, **options) as source, VideoSink(out, source) as sink:
        times = []
        for frame in source:
            sink.write(frame.time, frame.image)
            times.append(frame.time)
    return times


def times_of(path):
    with av.open(str(path)) as container:
        return [frame.time for frame in container.decode(video=0)]


def sound_of(path):
    """Codec, and the first and the last moment of sound, in seconds."""
    with av.open(str(path)) as container:
        name = container.streams.audio[0].codec_context.name
        frames = list(container.decode(audio=0))
        return name, frames[0].time, frames[-1].time + frames[-1].samples / frames[-1].sample_rate


def tone_begins(path):
    """The first moment of audible sound, in seconds: an encoder puts a little silence before."""
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            loud = np.flatnonzero(np.abs(frame.to_ndarray()[0].astype(float)) > 0.05)
            if len(loud):
                return frame.time + loud[0] / frame.sample_rate


def test_real_clip_round_trip(tmp_path):
    out = tmp_path / "out.mp4"
    times = copy_video(CLIPS / "walk.mp4", out)
    assert times_of(out) == times and len(times) == 120
    assert sound_of(out) == sound_of(CLIPS / "walk.mp4")
    assert list(tmp_path.iterdir()) == [out]
    with av.open(str(out)) as container:
        video = container.streams.video[0]
        assert (video.codec_context.name, video.pix_fmt) == ("h264", "yuv420p")
        assert (video.width, video.height) == (1280, 442)
        assert float(video.duration * video.time_base) == pytest.approx(4, abs=1e-3)
        tags = (video.colorspace, video.color_primaries, video.color_trc, video.color_range)
        assert tags == (1, 1, 1, 1)
    data = out.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")  # plays before it is all there


def test_pictures_survive(tmp_path):
    out = tmp_path / "out.mp4"
    copy_video(CLIPS / "walk.mp4", out, max_seconds=0.5)
    with open_source(CLIPS / "walk.mp4") as before, open_source(out) as after:
        for old, new in zip(before, after, strict=False):
            error = np.abs(old.image.astype(int) - new.image)
            assert error.mean() < 5
            assert np.abs((old.image.astype(int) - new.image).mean((0, 1))).max() < 3  # no tint


def test_variable_frame_rate_and_late_start_are_kept(tmp_path):
    pts = np.cumsum([7, *[17, 33, 50, 400] * 4])
    path = make_video(
        tmp_path / "in.mkv", 17, pts=pts, time_base=Fraction(1, 1000), audio="libopus"
    )
    times = copy_video(path, tmp_path / "out.mp4")
    np.testing.assert_allclose(times, pts / 1000, atol=1e-9)
    np.testing.assert_allclose(times_of(tmp_path / "out.mp4"), times, atol=1e-9)
    with open_source(tmp_path / "out.mp4") as source:
        assert source.duration > 2


def test_stride_lowers_the_rate(tmp_path):
    path = make_video(tmp_path / "in.mp4", audio="aac")
    times = copy_video(path, tmp_path / "out.mp4", stride=4)
    np.testing.assert_allclose(times_of(tmp_path / "out.mp4"), times)
    np.testing.assert_allclose(np.diff(times), 4 / 25)
    with open_source(tmp_path / "out.mp4") as source:
        assert source.rate == Fraction(25, 4)
    assert sound_of(tmp_path / "out.mp4") == sound_of(path)


def test_rotated_video_comes_out_upright(tmp_path):
    path = make_video(tmp_path / "in.mp4", rotation=-90)
    copy_video(path, tmp_path / "out.mp4")
    with av.open(str(tmp_path / "out.mp4")) as container:
        frame = next(container.decode(video=0))
    image = frame.to_ndarray(format="bgr24")
    assert frame.rotation == 0 and image.shape == (64, 48, 3)
    assert image[8, 40].mean() > 200 > image[8, 8].mean()


def test_odd_sizes_are_padded(tmp_path):
    path = make_video(tmp_path / "in.mp4", size=(63, 47), pix_fmt="yuv444p")
    copy_video(path, tmp_path / "out.mp4")
    with open_source(tmp_path / "out.mp4") as source:
        assert (source.width, source.height) == (64, 48)
        assert len(list(source)) == 20


@pytest.mark.parametrize(
    ("name", "codec", "expected"),
    [
        ("a.mp4", "aac", "aac"),
        ("a.ts", "aac", "aac"),
        ("a.mp4", "libmp3lame", "mp3float"),
        ("a.mov", "pcm_s16le", "aac"),
        ("a.mkv", "libopus", "aac"),
        ("a.mkv", "flac", "aac"),
    ],
)
def test_sound_is_kept(tmp_path, name, codec, expected):
    path = make_video(tmp_path / name, audio=codec)
    copy_video(path, tmp_path / "out.mp4")
    got, start, end = sound_of(tmp_path / "out.mp4")
    assert got == expected
    assert start == pytest.approx(0, abs=0.03)
    assert end == pytest.approx(0.8, abs=0.06)


@pytest.mark.parametrize(("name", "codec"), [("a.ts", "aac"), ("a.mov", "pcm_s16le")])
def test_sound_that_begins_late_still_does(tmp_path, name, codec):
    path = make_video(tmp_path / name, frames=40, audio=codec, audio_start=0.4)
    times = copy_video(path, tmp_path / "out.mp4")
    assert times[0] == 0
    assert tone_begins(tmp_path / "out.mp4") == pytest.approx(0.4, abs=0.03)


def test_sound_ends_with_the_video_that_is_cut(tmp_path):
    path = make_video(tmp_path / "in.mp4", audio="aac")
    copy_video(path, tmp_path / "out.mp4", max_seconds=0.4)
    assert len(times_of(tmp_path / "out.mp4")) == 10
    assert sound_of(tmp_path / "out.mp4")[2] == pytest.approx(0.4, abs=0.03)


def test_sound_longer_than_the_pictures_is_kept(tmp_path):
    path = make_video(tmp_path / "in.mp4", frames=5, audio="aac")
    copy_video(path, tmp_path / "out.mp4")
    assert sound_of(tmp_path / "out.mp4")[2] == pytest.approx(0.8, abs=0.03)


def test_truncated_source_gives_a_playable_video(tmp_path):
    data = (CLIPS / "walk.mp4").read_bytes()
    (tmp_path / "cut.mp4").write_bytes(data[: len(data) // 2])
    times = copy_video(tmp_path / "cut.mp4", tmp_path / "out.mp4")
    assert times_of(tmp_path / "out.mp4") == times and len(times) > 20


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_what_was_interrupted_is_kept_playable_and_named_so(tmp_path, error):
    out = tmp_path / "out.mp4"
    out.write_text("an older result")
    with (
        pytest.raises(error),
        open_source(CLIPS / "walk.mp4") as source,
        VideoSink(out, source) as sink,
    ):
        for frame in source:
            if frame.index == 30:
                raise error
            sink.write(frame.time, frame.image)
    assert out.read_text() == "an older result"
    partial = tmp_path / "out.partial.mp4"
    assert sink.partial == partial
    assert len(times_of(partial)) == 30
    assert sound_of(partial)[2] == pytest.approx(1, abs=0.03)


def test_nothing_is_left_of_what_never_began(tmp_path):
    with (
        pytest.raises(RuntimeError),
        open_source(CLIPS / "walk.mp4") as source,
        VideoSink(tmp_path / "out.mp4", source),
    ):
        raise RuntimeError
    assert not list(tmp_path.iterdir())


def test_older_output_is_replaced_by_a_whole_one(tmp_path):
    out = tmp_path / "out.mp4"
    out.write_text("an older result")
    times = copy_video(CLIPS / "walk.mp4", out, max_seconds=0.2)
    assert times_of(out) == times
    assert list(tmp_path.iterdir()) == [out]


@pytest.mark.parametrize("whole", [True, False])
def test_a_part_that_was_kept_earlier_stays(tmp_path, whole):
    kept = tmp_path / "out.partial.mp4"
    kept.write_text("an older part")
    if whole:
        copy_video(CLIPS / "walk.mp4", tmp_path / "out.mp4", max_seconds=0.2)
    else:
        with (
            pytest.raises(RuntimeError),
            open_source(CLIPS / "walk.mp4") as source,
            VideoSink(tmp_path / "out.mp4", source),
        ):
            raise RuntimeError
    assert kept.read_text() == "an older part"
    assert {path.name for path in tmp_path.iterdir()} == {kept.name, *(["out.mp4"] * whole)}


def test_a_part_can_be_played_at_any_moment(tmp_path):
    with (
        open_source(CLIPS / "walk.mp4") as source,
        VideoSink(tmp_path / "out.mp4", source) as sink,
    ):
        for frame in source:
            sink.write(frame.time, frame.image)
            if frame.index == 90:  # as after `kill -9`
                (tmp_path / "killed.mp4").write_bytes(sink.partial.read_bytes())
    assert len(times_of(tmp_path / "killed.mp4")) >= 90 - 2 * 30
    assert sound_of(tmp_path / "killed.mp4")[2] > 1


def test_two_sinks_with_one_output_do_not_share_a_part(tmp_path):
    out = tmp_path / "out.mp4"
    with open_source(CLIPS / "walk.mp4") as source:
        first, second = VideoSink(out, source), VideoSink(out, source)
        for frame in islice(source, 20):
            first.write(frame.time, frame.image)
            if frame.index < 10:
                second.write(frame.time, frame.image)
    for sink, frames in ((second, 10), (first, 20)):
        sink.close()
        assert len(times_of(out)) == frames
    assert list(tmp_path.iterdir()) == [out]


def test_no_part_is_written_through_a_link(tmp_path):
    precious = tmp_path / "precious"
    precious.write_text("mine")
    (tmp_path / "out.partial.jsonl").symlink_to(precious)
    with JsonLinesSink(tmp_path / "out.jsonl", LABELS) as sink:
        sink.write(0, 0.0, [], [])
    assert precious.read_text() == "mine"
    assert json.loads((tmp_path / "out.jsonl").read_text())["frame"] == 0


def test_full_disk_is_one_clear_line(tmp_path):
    resource = pytest.importorskip("resource", reason="file size limits are Unix's")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
    try:
        with pytest.raises(UserError, match=r"cannot write .*out\.mp4"):
            copy_video(CLIPS / "two_people.mp4", tmp_path / "out.mp4")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not (tmp_path / "out.mp4").exists()


SINKS = {
    "video": lambda path, source: VideoSink(path, source),
    "lines": lambda path, source: JsonLinesSink(path, LABELS, source),
    "events": lambda path, source: EventsSink(path, source),
}
SUFFIXES = {"video": ".mp4", "lines": ".jsonl", "events": ".csv"}


@pytest.mark.parametrize("kind", SINKS)
def test_outputs_that_are_refused_before_any_work(tmp_path, kind):
    suffix = SUFFIXES[kind]
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / f"fifo{suffix}")
    with open_source(CLIPS / "walk.mp4") as source:
        for path, message in [
            (tmp_path / "folder", "is a folder"),
            (tmp_path / "out.xyz", "must end in"),
            (tmp_path / "missing" / f"out{suffix}", "cannot write"),
            (tmp_path / "file" / f"out{suffix}", "cannot write"),
            (tmp_path / f"fifo{suffix}", "is a device or a pipe"),
            (tmp_path / f"{'x' * 300}{suffix}", "name too long"),
            (tmp_path / f"nul\0{suffix}", r"nul\\x00.* has a NUL byte"),
            ("", "has no name"),
        ]:
            with pytest.raises(UserError, match=message):
                SINKS[kind](path, source)
    assert {path.name for path in tmp_path.iterdir()} == {"folder", "file", f"fifo{suffix}"}


def test_a_name_of_the_greatest_length_is_written(tmp_path):
    out = tmp_path / f"{'x' * 249}.jsonl"
    with JsonLinesSink(out, LABELS) as sink:
        sink.write(0, 0.0, [], [])
    assert list(tmp_path.iterdir()) == [out]


def test_the_input_is_never_the_output(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = make_video(tmp_path / "in.mp4", frames=2)
    (tmp_path / "link.mp4").symlink_to(path)
    (tmp_path / "hard.mp4").hardlink_to(path)
    before = path.read_bytes()
    with open_source(path) as source:
        for name in ("in.mp4", "./in.mp4", "link.mp4", "hard.mp4", tmp_path / "in.mp4"):
            with pytest.raises(UserError, match="is the input"):
                VideoSink(name, source)
    path.rename("out.partial.mp4")
    copy_video("out.partial.mp4", "out.mp4")
    assert (tmp_path / "out.partial.mp4").read_bytes() == before


def person(number, keypoints=None):
    keypoints = body(100) if keypoints is None else keypoints
    return SimpleNamespace(id=number, box=box_of(keypoints), keypoints=keypoints)


def action(people, label, score, scores=(0.25, 0.5)):
    return SimpleNamespace(people=people, label=label, score=score, scores=np.float32(scores))


def test_json_lines_round_trip(tmp_path):
    out = tmp_path / "out.jsonl"
    keypoints = body(100.26)
    keypoints[3] = np.nan, np.nan, 0
    with JsonLinesSink(out, LABELS) as sink:
        sink.write(0, 0.0, [], [])
        sink.write(
            np.int64(2),
            np.float64(2 / 30),
            [person(np.int64(7), keypoints)],
            [action((7,), "wave", np.float32(0.5)), action((7, 9), None, 0.25)],
        )
    first, second = [json.loads(line) for line in out.read_text().splitlines()]
    assert first == {"frame": 0, "time": 0.0, "people": [], "actions": []}
    assert (second["frame"], second["time"]) == (2, 0.066667)
    (someone,) = second["people"]
    assert someone["id"] == 7 and len(someone["box"]) == 5
    assert someone["keypoints"][3] == [None, None, 0.0]
    seen = [joint for joint in range(17) if joint != 3]
    np.testing.assert_allclose(
        np.array(someone["keypoints"], float)[seen], keypoints[seen], atol=0.051
    )
    assert second["actions"] == [
        {"people": [7], "label": "wave", "score": 0.5, "scores": {"walk": 0.25, "wave": 0.5}},
        {"people": [7, 9], "label": None, "score": 0.25, "scores": {"walk": 0.25, "wave": 0.5}},
    ]
    assert "NaN" not in out.read_text()


def test_scores_must_fit_the_labels(tmp_path):
    with (
        pytest.raises(ValueError, match="shorter"),
        JsonLinesSink(tmp_path / "o.jsonl", LABELS) as s,
    ):
        s.write(0, 0.0, [], [action((1,), None, 0.1, scores=(0.1,))])


def test_json_lines_on_standard_output(capsys):
    with JsonLinesSink("-", LABELS) as sink:
        sink.write(0, 0.0, [], [])
        assert json.loads(capsys.readouterr().out)["frame"] == 0


def test_reader_of_standard_output_that_leaves_is_one_clear_line():
    program = """
from models.errors import UserError
from pipeline.sink import JsonLinesSink
try:
    with JsonLinesSink("-", []) as sink:
        for index in range(100_000):
            sink.write(index, index / 30, [], [])
except UserError as error:
    raise SystemExit(f"error: {error}")
"""
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=CLIPS.parents[1],
    )
    assert json.loads(process.stdout.readline())["frame"] == 0
    process.stdout.close()
    assert process.stderr.read() == "error: cannot write standard output: Broken pipe\n"
    process.stderr.close()
    assert process.wait() == 1


def test_interrupted_json_lines_are_named_partial(tmp_path):
    with pytest.raises(KeyboardInterrupt), JsonLinesSink(tmp_path / "out.jsonl", LABELS) as sink:
        sink.write(0, 0.0, [], [])
        raise KeyboardInterrupt
    assert json.loads((tmp_path / "out.partial.jsonl").read_text())["frame"] == 0
    assert not (tmp_path / "out.jsonl").exists()


def write_events(path, frames, rate=10):
    """One list of actions a frame, through the sink."""
    with EventsSink(path) as sink:
        for index, actions in enumerate(frames):
            sink.write(index / rate, actions)


def rows_of(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_events_are_runs_of_one_label(tmp_path):
    walk, wave = action((1,), "walk", 0.8), action((1,), "wave", 0.6)
    none, hug = action((1,), None, 0.1), action((2, 1), "hug", 0.9)
    frames = [[walk], [walk], [wave], [none], [none, hug], [hug], []] + [[]] * 10
    write_events(tmp_path / "out.csv", frames)
    assert rows_of(tmp_path / "out.csv") == [
        {"start": "0.0", "end": "0.2", "who": "1", "label": "walk", "score": "0.8"},
        {"start": "0.2", "end": "0.3", "who": "1", "label": "wave", "score": "0.6"},
        {"start": "0.4", "end": "0.6", "who": "1+2", "label": "hug", "score": "0.9"},
    ]


def test_short_gaps_do_not_split_an_event_and_long_ones_do(tmp_path):
    walk, strong = action((1,), "walk", 0.5), action((1,), "walk", 0.8)
    write_events(tmp_path / "a.csv", [[walk], [], [], [], [], [strong]])
    assert rows_of(tmp_path / "a.csv") == [
        {"start": "0.0", "end": "0.6", "who": "1", "label": "walk", "score": "0.65"}
    ]
    write_events(tmp_path / "b.csv", [[walk], [], [], [], [], [], [], [strong]])
    assert [(row["start"], row["end"]) for row in rows_of(tmp_path / "b.csv")] == [
        ("0.0", "0.1"),
        ("0.7", "0.8"),
    ]


def test_events_as_json(tmp_path):
    write_events(tmp_path / "out.json", [[action((3,), "walk", np.float32(0.7))], []])
    assert json.loads((tmp_path / "out.json").read_text()) == [
        {"start": 0.0, "end": 0.1, "who": "3", "label": "walk", "score": 0.7}
    ]


def test_a_video_without_actions_has_a_table_without_rows(tmp_path):
    write_events(tmp_path / "out.csv", [[], []])
    assert (tmp_path / "out.csv").read_text().splitlines() == ["start,end,who,label,score"]


def test_interrupted_events_are_named_partial(tmp_path):
    with pytest.raises(KeyboardInterrupt), EventsSink(tmp_path / "out.csv") as sink:
        sink.write(0.0, [action((1,), "walk", 0.5)])
        raise KeyboardInterrupt
    assert len(rows_of(tmp_path / "out.partial.csv")) == 1
    assert not (tmp_path / "out.csv").exists()


def test_live_source_without_sound(tmp_path):
    camera = SimpleNamespace(
        path=None, width=64, height=48, rate=Fraction(30), time_base=Fraction(1, 90000),
        max_seconds=None, has_audio=False,
    )  # fmt: skip
    times = [0.0, 0.0331, 0.0702, 0.1]
    (tmp_path / "out.mp4").write_text("an older recording")
    with VideoSink(tmp_path / "out.mp4", camera) as sink:
        for index, time in enumerate(times):
            sink.write(time, picture(index, 64, 48))
    np.testing.assert_allclose(times_of(tmp_path / "out.mp4"), times, atol=1 / 90000)


@pytest.mark.parametrize("size", [(20_000, 100), (100, 20_000), (1, 1), (5, 3001)])
def test_pictures_of_any_shape_are_written(tmp_path, size):
    width, height = size
    camera = SimpleNamespace(
        path=None, width=width, height=height, rate=Fraction(30), time_base=Fraction(1, 90000),
        max_seconds=None, has_audio=False,
    )  # fmt: skip
    with VideoSink(tmp_path / "out.mp4", camera) as sink:
        for index in range(3):
            sink.write(index / 30, picture(index, width, height))
    with open_source(tmp_path / "out.mp4") as source:
        assert len(list(source)) == 3
        assert source.width / source.height == pytest.approx(width / height, rel=0.03, abs=1)


def joined(folder):
    """Two transport streams with sound, one after the other in a file."""
    parts = [make_video(folder / f"{i}.ts", 40, audio="aac").read_bytes() for i in range(2)]
    (folder / "joined.ts").write_bytes(b"".join(parts))
    return folder / "joined.ts"


def slow(folder):
    """A video with MP3 of 8 kHz, which MP4 cannot have."""
    path = folder / "slow.avi"
    with av.open(str(path), "w") as output:
        video = output.add_stream("mpeg4", rate=25)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        sound = output.add_stream("libmp3lame", rate=8000, layout="mono")
        for index in range(40):
            frame = av.VideoFrame.from_ndarray(picture(index, 64, 48), "bgr24")
            output.mux(video.encode(frame))
            piece = av.AudioFrame.from_ndarray(np.full((1, 320), 500, np.int16), "s16", "mono")
            piece.sample_rate, piece.pts = 8000, index * 320
            output.mux(sound.encode(piece))
        output.mux(video.encode(None))
        output.mux(sound.encode(None))
    return path


def damaged(folder):
    """A video whose sound is noise from the middle on."""
    path = make_video(folder / "a.mp4", 40, audio="aac")
    with av.open(str(path)) as container:
        packets = [(p.pos, p.size) for p in container.demux(audio=0) if p.size]
    data = bytearray(path.read_bytes())
    for pos, size in packets[len(packets) // 2 :]:
        data[pos : pos + size] = np.random.default_rng(pos).bytes(size)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("make", [joined, slow, damaged])
def test_sound_never_stops_the_picture(tmp_path, make):
    source_path = make(tmp_path)
    times = copy_video(source_path, tmp_path / "out.mp4")
    assert times_of(tmp_path / "out.mp4") == pytest.approx(times) and len(times) >= 40
    if make is not damaged:  # its noise is copied as it is
        assert sound_of(tmp_path / "out.mp4")[2] > 0.3


def test_sound_that_cannot_be_read_is_left_out_with_a_word(tmp_path, monkeypatch):
    path = make_video(tmp_path / "in.mp4", audio="aac")
    monkeypatch.setattr("pipeline.sink.AudioTrack", broken_track)
    with open_source(path) as source, VideoSink(tmp_path / "out.mp4", source) as sink:
        for frame in source:
            sink.write(frame.time, frame.image)
    assert "the sound was left out: it is broken" in sink.problem
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert not container.streams.audio


def broken_track(*_):
    raise IndexError("it is broken")
