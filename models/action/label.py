"""Labels of the action vocabulary, and the class of everything else."""

from dataclasses import dataclass

NOTHING = "nothing"
"""Background class: its clips show none of the labels, and a model should give them none."""


@dataclass(frozen=True)
class Label:
    """One label of the vocabulary.

    Attributes:
        name: the action in everyday words, such as "shake hands".
        people: how many people it takes, 1 or 2; 0 if either may be.
        held: whether people who keep still can be doing it.
    """

    name: str
    people: int
    held: bool = False
