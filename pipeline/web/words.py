"""People and times as the page puts them."""


def who_is(ids: str) -> str:
    """Ids, such as "1" or "1+2", in words."""
    return f"people {ids.replace('+', ' and ')}" if "+" in ids else f"person {ids}"


def moment(seconds: float) -> str:
    """A time in a video, such as 1:02.5."""
    tenths = round(seconds * 10)
    return f"{tenths // 600}:{tenths % 600 / 10:04.1f}"
