"""How often live training windows show what."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from models.errors import UserError

NEGATIVES: Mapping[str, float] = {
    "still": 0.2,
    "still pair": 0.1,
    "wander": 0.1,
    "flail": 0.2,
    "passive": 0.1,
    "recorded": 0.1,
    "bystanders": 0.2,
}
"""Kinds of negatives and their relative shares: a person or two people who keep still, a person who
moves slowly through poses of others or swings their limbs at random, a person of a pair who does
not act, a recorded clip of `NOTHING`, and two unrelated people side by side. If there are no
passive people, recorded clips take their place, and bystanders the place of recorded clips."""


@dataclass(frozen=True)
class Shares:
    """How often a live training window shows what. Fractions are of all samples.

    Attributes:
        nothing: fraction of negatives.
        whole: fraction of clips that are stretched over the window, instead of a cut from them.
        pairs: fraction of labels of two people; those of one person have the rest. Default: all
            labels compete by their weights.
        balance: a label is drawn in proportion to its number of clips to this power: 1 is as often
            as it occurs, and 0 all labels equally often.
        puppets: fraction of the samples of a label that show puppets, if it has recorded clips too.
        strangers: fraction of the people who are taken out of their clips, such as bystanders, that
            come from clips of `NOTHING`.
        labels: factor by which labels, by name, are drawn more often than `balance` says.
        sources: factor by which the clips of data sets, by name, are drawn more often than others
            of the same label, or others of `NOTHING`. 0 leaves them out.
        negatives: relative shares of kinds of negatives, where they differ from `NEGATIVES`.

    Raises:
        UserError: a kind of negatives is unknown, or the fractions do not fit into 1.
    """

    nothing: float
    whole: float
    pairs: float | None = None
    balance: float = 0.5
    puppets: float = 0.0
    strangers: float = 0.0
    labels: Mapping[str, float] = field(default_factory=dict)
    sources: Mapping[str, float] = field(default_factory=dict)
    negatives: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if unknown := self.negatives.keys() - NEGATIVES.keys():
            known = ", ".join(NEGATIVES)
            raise UserError(f"unknown negatives: {', '.join(unknown)}; use some of {known}")
        if self.nothing + self.whole > 1 or self.nothing + (self.pairs or 0) > 1:
            raise UserError("the shares of nothing and whole, or of nothing and pairs, exceed 1")

    def draw_negative(self, rng: np.random.Generator) -> str:
        """Draw a kind of negatives."""
        shares = {**NEGATIVES, **self.negatives}
        bounds = np.cumsum(list(shares.values()))
        place = np.searchsorted(bounds, rng.random() * bounds[-1], side="right")
        return list(shares)[min(place, len(shares) - 1)]

    def factors(self, sources: Sequence[str]) -> np.ndarray | None:
        """Return the factors [N] of clips by their data sets; None if they are all the same."""
        factors = np.array([self.sources.get(source, 1.0) for source in sources])
        return None if (factors == 1).all() else factors

    def weights(
        self,
        labels: Sequence[str],
        sources: Sequence[str],
        people: Mapping[str, int],
        acted: np.ndarray,
    ) -> np.ndarray:
        """Compute the probability [N] of drawing each of N scenes that show a label.

        Puppets do not change how often a label is drawn; they take their share of it.

        Args:
            labels: label of each scene.
            sources: data set of each scene.
            people: number of people of each label.
            acted: whether each scene shows puppets, bool [N].

        Raises:
            UserError: there is a factor for a label that does not exist.
        """
        if unknown := self.labels.keys() - people.keys():
            raise UserError(f"shares of unknown labels: {', '.join(sorted(unknown))}")
        names = np.array(labels)
        factor = self.factors(sources)
        factor = np.ones(len(names)) if factor is None else factor
        weight = np.zeros(len(names))
        for label in set(labels):
            real, puppets = (np.flatnonzero((names == label) & kind) for kind in (~acted, acted))
            count = factor[real].sum() or factor[puppets].sum()
            often = count**self.balance * self.labels.get(label, 1.0)
            share = self.puppets if len(real) and len(puppets) else float(not len(real))
            for these, part in ((real, 1 - share), (puppets, share)):
                weight[these] = often * part * factor[these] / (factor[these].sum() or 1)
        if self.pairs is not None:
            pair = np.array([people[label] == 2 for label in labels], bool)
            alone = 1 - self.nothing - self.pairs
            for group, part in ((pair, self.pairs), (~pair, alone)):
                weight[group] *= part / (weight[group].sum() or 1)
        return weight / weight.sum()


class Choice:
    """Draws one of some indices, uniformly or by weight. It is false if there is none.

    Args:
        indices: the indices, int [K].
        factors: weights of the places that the indices are of; None if they are the same.
    """

    def __init__(self, indices: np.ndarray, factors: np.ndarray | None):
        self.bounds: np.ndarray | None = None
        if factors is not None:
            indices = indices[factors[indices] > 0]
            self.bounds = np.cumsum(factors[indices])
        self.indices = indices

    def __bool__(self) -> bool:
        return len(self.indices) > 0

    def draw(self, rng: np.random.Generator) -> int:
        """Draw an index."""
        if self.bounds is None:
            return int(self.indices[rng.integers(len(self.indices))])
        place = np.searchsorted(self.bounds, rng.random() * self.bounds[-1], side="right")
        return int(self.indices[min(place, len(self.indices) - 1)])
