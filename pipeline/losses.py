"""Counting the frames of a damaged file that could not be read."""

from __future__ import annotations

from fractions import Fraction

import av

EXACT = Fraction(101, 100_000)
"""Seconds by which times of a constant rate may be rounded: Matroska has whole milliseconds."""
REGULAR = 0.9
"""Share of intervals of exactly one frame from which the rate of a file is constant."""
MIN_INTERVALS = 10
"""Fewest intervals from which that can be told."""

PACKED = ("flv", "nut", "mov,mp4,m4a,3gp,3g2,mj2")
"""FFmpeg's names of containers that hold packets and little else, but for an index of MP4 files."""
MAX_SKIPPED = 2048
"""Bytes between two packets, beside a tenth of the first one, from which something was skipped."""


class Losses:
    """What a container promises of its video, and what comes of it.

    Args:
        promised: number of frames, from `promised_frames`; None if the container does not say.
        step: seconds between two frames, as the file declares it.

    Attributes:
        errors: packets that could not be read or decoded.
        corrupt: frames that the decoder calls corrupt, or that could not be converted.
        since: time in seconds of the first damage; None without any.
        missing: frames that are missing at the end, by the duration that the file declares.
    """

    def __init__(self, promised: int | None, step: Fraction):
        self.promised = promised
        self.errors = self.corrupt = self.missing = 0
        self.since: Fraction | None = None
        self._step = step
        self._intervals = self._regular = self._in_gaps = 0
        self._last: Fraction | None = None

    def note(self, time: Fraction, errors: int = 0, corrupt: int = 0) -> None:
        """Count damage at a time, in seconds."""
        self.errors += errors
        self.corrupt += corrupt
        self.since = time if self.since is None else self.since

    def note_time(self, time: Fraction) -> None:
        """Note the time of a frame, in seconds, to find gaps."""
        if self._last is not None:
            interval = time - self._last
            self._intervals += 1
            self._regular += abs(interval - self._step) <= EXACT
            steps = round(interval / self._step)
            if abs(interval - steps * self._step) <= EXACT:
                self._in_gaps += max(0, steps - 1)
        self._last = time

    def lost(self, frames: int, whole: bool) -> int:
        """Number of frames that could not be read.

        Args:
            frames: number of those that could.
            whole: whether the file was read to its end.
        """
        if whole and self.promised is not None:
            return max(0, self.promised - frames)
        regular = self._intervals >= MIN_INTERVALS and self._regular >= REGULAR * self._intervals
        gaps = self._in_gaps if regular and self.promised is None else 0
        return max(self.errors, gaps + (self.missing if whole else 0))

    def describe(self, frames: int, whole: bool) -> str | None:
        """What was lost, in words that follow the name of the file; None without any damage.

        Arguments as those of `lost`.
        """
        lost = self.lost(frames, whole)
        total = frames + lost
        if lost:
            more = f"; {self.corrupt} more have errors in them" if self.corrupt else ""
            return f"is damaged: {lost} of {total} frames could not be read{more}"
        if self.corrupt:
            return f"is damaged: {self.corrupt} of {total} frames have errors in them"
        if self.since is not None:
            return (
                f"is damaged after {float(self.since):.1f} s; "
                f"the {frames} frames that can be read were processed"
            )
        return None


class Coverage:
    """Finds bytes of a file that its container has skipped, as it does where it is damaged.

    Args:
        container: whose packets are read in order.
        size: of the file, in bytes.
        indexed: whether the container has an index of all frames, which tells more.
    """

    def __init__(self, container: av.container.InputContainer, size: int, indexed: bool):
        self._known = container.format.name in PACKED and not indexed
        self._size = size
        self._end: int | None = None
        self._allowed = MAX_SKIPPED

    def skipped(self, packet: av.Packet | None) -> bool:
        """Whether something was skipped before a packet, or before the end if there is none."""
        if not self._known:
            return False
        if packet is None:
            return self._end is not None and self._size - self._end > self._allowed
        if packet.pos is None or not packet.size:
            return False
        skipped = self._end is not None and packet.pos - self._end > self._allowed
        self._end = max(self._end or 0, packet.pos + packet.size)
        self._allowed = MAX_SKIPPED + packet.size // 10
        return skipped


def is_whole_gif(data: bytes) -> bool:
    """Whether every block of a GIF file follows the one before (GIF89a), up to the trailer.

    FFmpeg searches the next picture where that is not so, and says nothing.
    """
    if len(data) < 13:
        return False
    place = 13 + _colours(data[10])
    while place < len(data):
        kind = data[place]
        if kind == 0x3B:  # the trailer
            return True
        if kind == 0x2C and place + 9 < len(data):  # a picture: table of colours, and code size
            place += 11 + _colours(data[place + 9])
        elif kind == 0x21:  # an extension
            place += 2
        else:
            return False
        while place < len(data) and data[place]:  # its pieces, each after its size
            place += 1 + data[place]
        place += 1
    return False


def _colours(flags: int) -> int:
    """Bytes of the table of colours that a GIF's flags announce."""
    return 3 * 2 ** (1 + (flags & 7)) if flags & 0x80 else 0


def promised_frames(video: av.VideoStream, format_name: str, size: int) -> int | None:
    """Number of frames that the container's index promises; None if it has none.

    Frames that an edit list leaves out are not promised.

    Args:
        video: its video stream.
        format_name: FFmpeg's name of the container.
        size: of the file, in bytes.
    """
    frames = video.frames
    if format_name == "gif" or not 0 < frames <= size:  # FFmpeg counts a GIF's frames itself
        return None
    entries = [entry for entry in video.index_entries if not entry.is_discard]
    if format_name == "avi":  # its count has chunks without a picture in it, of a byte at most
        shown = sum(entry.size > 1 for entry in entries)
        return shown if len(entries) > frames / 2 else frames
    if len(entries) == len(video.index_entries) == frames or not entries:
        return frames
    rate, duration = video.average_rate, video.duration
    if rate and duration and video.time_base and duration * video.time_base * rate > frames - 1.5:
        return frames  # nothing was cut off by an edit list: the index is damaged
    return len(entries)
