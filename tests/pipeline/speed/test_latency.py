import time
from types import SimpleNamespace

from pipeline.engine import Result
from pipeline.speed.latency import latency


def test_live_frames_are_dropped_and_never_queued(frames):
    class Sleepy:
        pose = SimpleNamespace(threshold=0.3)

        def reset(self):
            self.seen = []

        def __call__(self, frame):
            time.sleep(0.3 if frame.index == 2 else 0)
            self.seen.append(frame.index)
            return Result(frame, [], [])

    sleepy = Sleepy()
    delays, dropped = latency(sleepy, frames[:20])
    assert len(delays) == len(sleepy.seen) and len(delays) + dropped == 20
    assert not {3, 4, 5, 6, 7, 8} & set(sleepy.seen)
    assert max(delays) >= 0.3
