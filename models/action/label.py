"""Labels of the action vocabulary, and the class of everything else."""

from collections.abc import Mapping
from dataclasses import dataclass

from models.errors import UserError
from models.text import printable

NOTHING = "nothing"
"""Background class: its clips show none of the labels, and a model should give them none."""
LONGEST = 200
"""Most characters of a label, as a checkpoint takes them."""


@dataclass(frozen=True)
class Label:
    """One label of the vocabulary.

    Attributes:
        name: the action in everyday words, such as "shake hands".
        people: how many people it takes, 1 or 2; 0 if either may be.
        held: whether people who keep still can be doing it.
        threshold: probability from which it is shown; None for that of all labels of its number of
            people.
    """

    name: str
    people: int
    held: bool = False
    threshold: float | None = None

    def least(self, thresholds: Mapping[int, float], people: int) -> float:
        """Return the probability from which it is shown of so many people."""
        return thresholds[people] if self.threshold is None else self.threshold


def label_name(text: str) -> str:
    """Make a text the name of a label, which any screen can show.

    Raises:
        UserError: it is too long.
    """
    name = printable(text)
    if len(name) > LONGEST:
        raise UserError(f"the label {name[:40]}… has over {LONGEST} characters: give it fewer")
    return name
