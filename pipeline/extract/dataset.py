"""From a folder of labelled clips to the annotations of a data set."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.action.label import NOTHING
from models.data.annotations import Example, annotation
from models.data.imports import files
from models.data.recording import Skeletons
from models.errors import UserError
from pipeline.extract.clips import LabelledClip, Remark, clause, find_clips, printable
from pipeline.extract.people import is_pair, people_of_label, places, shortcoming

if TYPE_CHECKING:
    from pipeline.extract.store import Store
    from pipeline.extract.workers import Outcome

POORLY_FOLLOWED = 0.5
"""Share of a clip's frames below which a followed person is worth a note."""
CROWD = 5
"""People in a clip from which it is worth a note who of them was taken."""


class Plan:
    """The clips to extract, and what is known of them.

    Args:
        source: a folder with a folder for each label, or a list (see `find_clips`).
        store: what is done already.
        ignored: files and folders in the folder that are the program's own.

    Attributes:
        clips: by their keys in the store, each content once.
        sizes: bytes of each clip, by key.
        found: number of files that were found, clips or not.
        paths: of the clips that were found, by name.
        left_out: files that are not used.
        skeletons: those that are known, by key.

    Raises:
        UserError: as `find_clips`.
    """

    def __init__(self, source: Path, store: Store, ignored: Sequence[Path] = ()):
        found, self.left_out = find_clips(source, (store.folder, *ignored))
        self.found = len(found) + len(self.left_out)
        self.paths = {clip.name: clip.path for clip in found}
        self.clips: dict[str, LabelledClip] = {}
        self.sizes: dict[str, int] = {}
        self._contradicting: dict[str, LabelledClip] = {}
        for clip in found:
            try:
                self._add(clip, store.key(clip.path))
            except UserError as error:
                self._leave_out(clip, clause(error, clip.path))
        for key, other in self._contradicting.items():
            clip = self.clips.pop(key)
            del self.sizes[key]
            self._leave_out(clip, f"it is {other.name}, with the label {other.label}")
        known = {key: store.get(key) for key in self.clips}
        self.skeletons = {key: value for key, value in known.items() if value is not None}

    @property
    def missing(self) -> dict[str, Path]:
        """Paths of the clips that are still to be extracted, by key."""
        return {k: clip.path for k, clip in self.clips.items() if k not in self.skeletons}

    def add(self, key: str, outcome: Outcome) -> None:
        """Take the outcome of a clip."""
        if isinstance(outcome, Skeletons):
            self.skeletons[key] = outcome
        else:
            self._leave_out(self.clips.pop(key), outcome)

    def examples(self) -> list[Example]:
        """The clips whose skeletons are known."""
        return [
            Example(clip.name, clip.label, self.skeletons[key], clip.split)
            for key, clip in self.clips.items()
            if key in self.skeletons
        ]

    def _add(self, clip: LabelledClip, key: str) -> None:
        """Add a clip, unless the same one is there: data sets are split by clips."""
        same = self.clips.setdefault(key, clip)
        if same is clip:
            self.sizes[key] = sum(part.stat().st_size for part in files.parts(clip.path))
            return
        if same.label != clip.label:
            self._contradicting.setdefault(key, clip)
            self._leave_out(clip, f"it is {same.name}, with the label {same.label}")
        else:
            self._leave_out(clip, f"it is {same.name} again")

    def _leave_out(self, clip: LabelledClip, reason: str) -> None:
        self.left_out.append(Remark(clip.name, reason))


@dataclass
class LabelSummary:
    """What was extracted of a label.

    Attributes:
        label: its name.
        people: how many people it is about; None for `NOTHING`, whose clips may show one or two.
        clips: number of clips.
        seconds: their length together.
    """

    label: str
    people: int | None
    clips: int = 0
    seconds: float = 0.0

    def __str__(self) -> str:
        clips = f"{self.clips} clip{'' if self.clips == 1 else 's'}"
        people = {None: "one person or two", 1: "one person", 2: "two people"}[self.people]
        return f"{printable(self.label)}: {clips} of {people}, {self.seconds:.1f} s"


@dataclass
class DataSet:
    """A data set to write.

    Attributes:
        annotations: of all clips that can be used.
        classes: their labels, in the order of the label numbers.
        splits: names of the clips in each split.
        labels: a summary of each class.
        left_out: clips that cannot be used.
        notes: what is odd about others.
    """

    annotations: list[dict[str, Any]]
    classes: list[str]
    splits: dict[str, list[str]]
    labels: list[LabelSummary]
    left_out: list[Remark]
    notes: list[Remark]


def assemble(
    examples: Iterable[Example], people: int | None = None, spatial: bool = False
) -> DataSet:
    """Make a data set of clips: whom each label is about, and what can be used.

    Args:
        examples: the clips, with two people where there are two.
        people: how many people every label is about. If None, two if most of its clips look so (see
            `pipeline.extract.people.is_pair`). In clips of `NOTHING`, each clip decides for itself.
        spatial: whether to make it in space.
    """
    by_label: dict[str, list[Example]] = {}
    for example in examples:
        by_label.setdefault(example.label, []).append(example)
    result = DataSet([], [], {}, [], [], [])
    for label, clips in sorted(by_label.items()):
        about = people or people_of_label(clip.skeletons for clip in clips)
        varied = people is None and label == NOTHING
        summary = LabelSummary(label, None if varied else about)
        for clip in clips:
            taken = 1 + is_pair(clip.skeletons) if varied else about
            try:
                made = _annotate(clip, len(result.classes), taken, spatial)
            except UserError as error:
                result.left_out.append(Remark(clip.name, str(error)))
                continue
            result.annotations.append(made)
            result.notes += [Remark(clip.name, note) for note in _notes(clip.skeletons, taken)]
            if clip.split is not None:
                result.splits.setdefault(clip.split, []).append(clip.name)
            summary.clips += 1
            summary.seconds += made["total_frames"] / made["fps"]
        if summary.clips:
            result.classes.append(label)
            result.labels.append(summary)
    return result


def _annotate(clip: Example, label: int, people: int, spatial: bool) -> dict[str, Any]:
    """Make the annotation of a clip.

    Raises:
        UserError: it cannot be used; the reason is a clause.
    """
    if reason := shortcoming(clip.skeletons, people):
        raise UserError(reason)
    return annotation(replace(clip, skeletons=clip.skeletons.take(people)), label, spatial)


def _notes(skeletons: Skeletons, people: int) -> list[str]:
    notes = [skeletons.problem] if skeletons.problem else []
    share = float(skeletons.followed[0])
    if share < POORLY_FOLLOWED:
        seconds = len(skeletons.times) * skeletons.step
        notes.append(f"somebody was seen in {share * seconds:.1f} of {seconds:.1f} s")
    if skeletons.found >= CROWD:
        who = " and ".join(f"one {place}" for place in places(skeletons)[:people])
        notes.append(f"of {skeletons.found} people, the largest who move were taken: {who}")
    return notes
