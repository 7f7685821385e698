"""Words of the vocabulary, and the want of one."""

from dataclasses import dataclass

NOTHING = "nothing"
"""The class of clips that show something else: what to tell the labels from, and no answer."""


@dataclass(frozen=True)
class Label:
    """A word of the vocabulary.

    Attributes:
        name: what a person would say.
        people: how many it takes: 1 or 2.
        held: it can be true of people who keep still.
    """

    name: str
    people: int
    held: bool = False
