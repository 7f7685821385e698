"""What the header of a checkpoint may say, with bounds. Nothing is built before it is checked."""

from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter, ValidationError, with_config
from typing_extensions import TypedDict

from models.action.label import LONGEST
from models.text import printable

Width = Annotated[int, Field(ge=1, le=4096)]
Depth = Annotated[int, Field(ge=1, le=32)]
Step = Annotated[int, Field(ge=1, le=64)]
Scale = Annotated[int, Field(ge=0, le=64)]
Probability = Annotated[float, Field(ge=0, le=1)]
Name = Annotated[str, Field(min_length=1, max_length=LONGEST), AfterValidator(printable)]
Clip = Annotated[list[Annotated[str, Field(max_length=1000)]], Field(min_length=2, max_length=2)]

STRICT = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)


@with_config(STRICT)
class SkeletonMAEArguments(TypedDict, total=False):
    """Arguments of `SkeletonMAE`; one that an older file lacks has its default."""

    width: Width
    hidden: Width
    depth: Depth
    masked_parts: Annotated[list[Annotated[int, Field(ge=0, le=6)]], Field(max_length=2)]
    beta: Annotated[float, Field(gt=0, le=100)]
    identity: bool
    normalised: bool
    part_masking: bool
    mean_loss: bool
    face: bool


@with_config(STRICT)
class SkeletonMAEHeader(TypedDict):
    """The header of a SkeletonMAE checkpoint."""

    kind: Literal["skeleton_mae"]
    clips: list[Clip]
    hyperparameters: SkeletonMAEArguments


@with_config(STRICT)
class BackboneArguments(TypedDict, total=False):
    """Arguments of `Backbone`; one that an older file lacks has its default."""

    width: Width
    depth: Depth
    stem_stride: Step
    strides: Annotated[list[Step], Field(min_length=1, max_length=32)]
    identity: bool
    normalised: bool
    face: bool
    concatenate: bool
    exchange: bool
    temporal: bool
    geometry: bool
    bones: bool
    distances: bool
    contact: bool
    scales: Annotated[list[Scale], Field(min_length=1, max_length=32)]
    by_parts: bool


@with_config(STRICT)
class BackboneHeader(TypedDict):
    """The header of the checkpoint of a backbone."""

    kind: Literal["strl_backbone"]
    clips: list[Clip]
    hyperparameters: BackboneArguments


@with_config(STRICT)
class STRLArguments(BackboneArguments, total=False):
    """Arguments of `STRL` without its labels; one that an older file lacks has its default."""

    by_people: bool
    hidden: Annotated[int, Field(ge=1, le=65_536)]
    dropout: Annotated[float, Field(ge=0, lt=1)]


@with_config(STRICT)
class _NamedLabel(TypedDict):
    name: Name
    people: Annotated[int, Field(ge=0, le=2)]


@with_config(STRICT)
class LabelArguments(_NamedLabel, total=False):
    """Arguments of `models.action.label.Label`."""

    held: bool
    threshold: Probability | None


Labels = Annotated[list[LabelArguments], Field(min_length=1, max_length=10_000)]
Thresholds = dict[Literal["1", "2"], Probability]


@with_config(STRICT)
class STRLHeader(TypedDict):
    """The header of an STRL checkpoint."""

    kind: Literal["strl"]
    clips: list[Clip]
    hyperparameters: STRLArguments
    labels: Labels
    thresholds: Thresholds
    temperature: Annotated[float, Field(ge=1e-3, le=1e3)]


@with_config(ConfigDict(strict=True, extra="ignore", allow_inf_nan=False))
class Answers(TypedDict):
    """What the graph of an STRL says of its answers, among other settings."""

    labels: Labels
    thresholds: Thresholds


HEADERS: dict[str, TypeAdapter] = {
    "skeleton_mae": TypeAdapter(SkeletonMAEHeader),
    "strl_backbone": TypeAdapter(BackboneHeader),
    "strl": TypeAdapter(STRLHeader),
}
"""How the header of each kind of checkpoint is checked."""
ANSWERS = TypeAdapter(Answers)
"""How the settings of a graph are checked."""


def check_header(kind: str, header: object) -> dict:
    """Check the header of a kind of checkpoint.

    Returns:
        The header, with names of labels made printable.

    Raises:
        ValueError: something in it is missing, unknown, of a wrong type or out of bounds; the
            message is one line.
    """
    return _checked(HEADERS[kind], header)


def check_answers(settings: object) -> dict:
    """Check the settings of the graph of an STRL.

    Returns:
        Its `Answers`, with names of labels made printable.

    Raises:
        ValueError: as `check_header`.
    """
    return _checked(ANSWERS, settings)


def _checked(adapter: TypeAdapter, value: object) -> dict:
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(step) for step in first["loc"])
        raise ValueError(f"{place}: {first['msg']}") from error
