"""Who acts in which clip, as far as names tell, and which clips are held out together."""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import PurePosixPath

SHARED = 0.8
"""Share of the clips whose word must occur under two labels for it to be a person's name."""
FOLDS = 3
"""Parts in which clips are held out, one after the other."""
ALWAYS = -1
"""The fold of a clip that is never held out, because its label has no other."""


def performers(names: Sequence[str], labels: Sequence[str]) -> list[str] | None:
    """Find who acts in each clip.

    People are folders, `<label>/<person>/x.mp4`, or the first or the last word of the file names,
    as in `anna_wave.mp4`, if it has a letter, is not the label, and recurs under several labels.

    Args:
        names: paths of the clips within their folder, with `/`.
        labels: their labels.

    Returns:
        The person in each clip; None if names do not tell.
    """
    clips = list(zip(names, labels, strict=True))
    folders = [PurePosixPath(name).parent.name for name in names]
    deep = all(len(PurePosixPath(name).parts) > 2 for name in names)
    if deep and _recur(folders, labels, SHARED):
        return folders
    words = [_words(name, label) for name, label in clips]
    for place in (0, -1):
        people = [word[place] if word else "" for word in words]
        lettered = [person if re.search(r"[^\W\d]", person) else "" for person in people]
        if _recur(lettered, labels, SHARED):
            return people
    return None


def folds(labels: Sequence[str], people: Sequence[str] | None, count: int = FOLDS) -> list[int]:
    """Divide clips into parts that are held out one after the other.

    People are held out whole if they are known. If a label would be left without a clip to learn
    from, or people are not known, each label's clips are divided on their own.

    Returns:
        The part of each clip; `ALWAYS` for the only clip of a label.
    """
    if people is not None:
        sizes = Counter(people).most_common()
        parts = min(count, len(sizes))
        load = [0] * parts
        part_of = {}
        for person, size in sizes:
            part_of[person] = load.index(min(load))
            load[part_of[person]] += size
        divided = [part_of[person] for person in people]
        if _learnable(labels, divided):
            return divided
    return _by_clip(labels, count)


def _by_clip(labels: Sequence[str], count: int) -> list[int]:
    total, seen = Counter(labels), Counter[str]()
    divided = []
    for label in labels:
        divided.append(ALWAYS if total[label] == 1 else seen[label] % count)
        seen[label] += 1
    return divided


def _learnable(labels: Sequence[str], divided: Sequence[int]) -> bool:
    """Whether every label has clips in two parts at least."""
    places = {(label, part) for label, part in zip(labels, divided, strict=True)}
    return min(Counter(label for label, _ in places).values()) > 1


def _words(name: str, label: str) -> list[str]:
    """The words of a file's name, without those of its label."""
    own = set(re.split(r"[\W_]+", label.lower()))
    words = re.split(r"[\W_]+", PurePosixPath(name).stem.lower())
    return [word for word in words if word and word not in own]


def _recur(people: Sequence[str], labels: Sequence[str], share: float) -> bool:
    """Whether names look like people: there are several, and most occur under several labels."""
    under: dict[str, set[str]] = {}
    for person, label in zip(people, labels, strict=True):
        under.setdefault(person, set()).add(label)
    good = sum(bool(person) and len(under[person]) > 1 for person in people)
    return len(under) > 1 and good >= share * len(people)
