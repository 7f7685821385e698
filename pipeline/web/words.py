"""People and times in words."""


def name_people(ids: str) -> str:
    """Ids such as "1" or "1+2" as "person 1" or "people 1 and 2"."""
    return f"people {ids.replace('+', ' and ')}" if "+" in ids else f"person {ids}"


def format_time(seconds: float) -> str:
    """A time in a video, in seconds, as minutes and seconds: 1:02.5."""
    tenths = round(seconds * 10)
    return f"{tenths // 600}:{tenths % 600 / 10:04.1f}"
