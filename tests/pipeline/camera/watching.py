"""Looking at live sources."""

SIZE = (64, 48)


def grey_of(frame):
    return round(frame.image[-4:, -4:].mean())


def until(frames, condition):
    """What came up to the first that meets a condition, that one last."""
    came = []
    for frame in frames:
        came.append(frame)
        if condition(frame):
            return came
    raise AssertionError(f"it ended after {len(came)}")


def next_frame(frames):
    return until(frames, lambda frame: frame is not None)[-1]
