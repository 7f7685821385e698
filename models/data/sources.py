"""What was found in data sets that their files do not say: one entry for each that needs it.

All of it was found by reading, measuring and drawing clips. Other oddities need no entry. A joint
that is missing has a score of 0, and is absent. The clips of MSR Action3D with empty frames, all of
them of `bend` and `pick up and throw`, have gaps then.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Source:
    """How to read the clips of a data set.

    Attributes:
        fps: frames a second, if those of the file are wrong.
        classes: names of the classes, if those of the file are wrong.
        pitch: how far the camera looked down, degrees. People would lean without it in the views of
            other cameras.
        lowering: longest time in seconds that people take to lower their arms from a T pose at the
            start of a clip. Frames before they have done so are left out.
        corner: joints that are nearer to the origin of the picture are missing, in pixels.
    """

    fps: float | None = None
    classes: tuple[str, ...] | None = None
    pitch: float = 0.0
    lowering: float = 0.0
    corner: float = 0.0


SOURCES: dict[str, Source] = {
    # Joints that were not annotated are at (1, 1) of the original pictures, in 88 clips.
    "penn_action": Source(corner=2.2),
    # A fifth of the clips begin with arms that come down. In the others, a jump, a kick or a
    # throw may begin with the first frame.
    "kinder_gator": Source(lowering=1.5),
    # The names of the classes are in another order than the movements; these describe what the
    # clips show. At 30 frames a second, people would squat and stand up 1.8 times a second, wave
    # 3.7 times, and sit down and stand up once.
    "gtu": Source(
        fps=12.0,
        pitch=14.0,
        classes=(
            "raise both arms sideways",
            "wave the right hand",
            "step forward and back",
            "squat",
            "sit down and stand up",
            "sit and clap",
            "circle the waist",
            "step to the sides",
            "bend the neck",
            "wave the left hand",
            "bend to the sides",
            "walk",
            "swing the right leg",
            "swing the left leg",
        ),
    ),
    # Where people stand upright, the line from their ankles to their shoulders leans towards the
    # camera by as much as the camera looks down: medians over the clips. In all other data sets,
    # it is less than 5 degrees.
    "nw_ucla": Source(pitch=15.0),
    "sbu_interaction": Source(pitch=-8.0),
}
"""Data sets by their names (see `models.data.pyskl.dataset_name`)."""
