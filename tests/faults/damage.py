"""Damaged files, each made from a good one by a number that repeats it."""

import random
from collections.abc import Callable

Data = bytearray
Random = random.Random


def _place(data: Data, rng: Random, size: int) -> int:
    """Where a piece of a size begins, beyond the very beginning more often than not."""
    first = 0 if rng.random() < 0.2 else min(2048, len(data) // 8)
    return rng.randrange(first, max(first + 1, len(data) - size))


def _size(data: Data, rng: Random) -> int:
    """A size between a few bytes and a fifth of the file."""
    return min(len(data), max(4, int(len(data) * 0.2 * rng.random() ** 3)))


def cut(data: Data, rng: Random) -> None:
    """End the file early."""
    del data[int(len(data) * rng.uniform(0.02, 0.98)) :]


def zero(data: Data, rng: Random) -> None:
    """Overwrite a piece with zeros, as a failing disk does."""
    size = _size(data, rng)
    begin = _place(data, rng, size)
    data[begin : begin + size] = bytes(size)


def noise(data: Data, rng: Random) -> None:
    """Overwrite a piece with random bytes."""
    size = _size(data, rng)
    begin = _place(data, rng, size)
    data[begin : begin + size] = rng.randbytes(size)


def flips(data: Data, rng: Random) -> None:
    """Change single bits all over the file."""
    for _ in range(rng.choice((1, 10, 100, 1000))):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def header_flips(data: Data, rng: Random) -> None:
    """Change single bytes at the beginning, where most headers are."""
    for _ in range(rng.choice((1, 4, 16))):
        data[rng.randrange(min(len(data), 4096))] = rng.randrange(256)


def index_flips(data: Data, rng: Random) -> None:
    """Change single bytes of an index, wherever it is."""
    marks = [b"moov", b"stts", b"stsz", b"stco", b"ctts", b"mvhd", b"tkhd", b"elst", b"trun"]
    marks += [b"tfdt", b"idx1", b"avih", b"strh", b"\x1c\x53\xbb\x6b", b"onMetaData"]
    found = [place for mark in marks if (place := data.find(mark)) >= 0] or [0]
    begin = rng.choice(found)
    for _ in range(rng.choice((1, 3, 10))):
        place = begin + rng.randrange(4, 64)
        if place < len(data):
            data[place] = rng.choice((0, 1, 127, 128, 255, rng.randrange(256)))


def hole(data: Data, rng: Random) -> None:
    """Take a piece out."""
    size = _size(data, rng)
    begin = _place(data, rng, size)
    del data[begin : begin + size]


def insertion(data: Data, rng: Random) -> None:
    """Put random bytes in between."""
    begin = _place(data, rng, 0)
    data[begin:begin] = rng.randbytes(_size(data, rng))


def repetition(data: Data, rng: Random) -> None:
    """Put a piece in twice."""
    size = _size(data, rng)
    begin = _place(data, rng, size)
    data[begin:begin] = data[begin : begin + size]


def swap(data: Data, rng: Random) -> None:
    """Exchange two pieces."""
    size = _size(data, rng) // 2
    first, second = sorted((_place(data, rng, size), _place(data, rng, size)))
    if first + size <= second:
        piece = data[first : first + size]
        data[first : first + size] = data[second : second + size]
        data[second : second + size] = piece


def sector(data: Data, rng: Random) -> None:
    """Overwrite whole sectors with another file's, as a damaged file system does."""
    for _ in range(rng.choice((1, 3, 8))):
        begin = rng.randrange(max(1, len(data) // 512)) * 512
        data[begin : begin + 512] = rng.randbytes(len(data[begin : begin + 512]))


DAMAGES: tuple[Callable[[Data, Random], None], ...] = (
    *(cut, zero, noise, flips, header_flips, index_flips),
    *(hole, insertion, repetition, swap, sector),
)


def damage(data: bytes, seed: int) -> tuple[str, bytes]:
    """Damage a file.

    Args:
        data: of the good file.
        seed: chooses the damage and its places.

    Returns:
        Name of the damage, and the damaged file.
    """
    rng = random.Random(seed)
    chosen = DAMAGES[seed % len(DAMAGES)]
    damaged = bytearray(data)
    chosen(damaged, rng)
    return chosen.__name__, bytes(damaged)
