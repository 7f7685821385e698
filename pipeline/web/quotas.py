"""How much one visitor, and all of them together, may take of the machine."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Quotas:
    """Limits on visitors, beside those on a single file in `pipeline/web/limits.py`.

    Attributes:
        visitors: who are here at the same time.
        live: visitors whose camera is watched at the same time.
        jobs: videos of one visitor that are being processed, or wait.
        waiting: videos that wait, over all.
        stored: bytes of uploads and results of one visitor.
        stored_over_all: bytes of all visitors.
        spare: bytes of the disk that stay free.
        silence: seconds without a sign of a visitor after which they have left.
        live_silence: seconds without a picture after which a camera is no longer watched.
    """

    visitors: int = 100
    live: int = 24
    jobs: int = 2
    waiting: int = 8
    stored: int = 600_000_000
    stored_over_all: int = 4_000_000_000
    spare: int = 300_000_000
    silence: float = 60.0
    live_silence: float = 30.0
