"""Make the moving picture of the README, docs/preview.webp, from a bundled clip."""

from contextlib import closing
from pathlib import Path

import cv2
from PIL import Image

from pipeline import Pipeline, draw, open_source

DOCS = Path(__file__).parent
CLIP = DOCS.parent / "tests" / "data" / "two_people.mp4"
START, END = 1.0, 4.7
"""Seconds of the clip that are shown: somebody walks in and is named."""
LEFT, RIGHT = 120, 1208
"""Columns of the clip that are shown: where its people are."""
SIZE = 816, 540
QUALITY = 55
"""WebP's, 0 to 100: a sharp picture in less than 3 MB."""


def make(path: Path, start: float = START, end: float = END) -> None:
    """Write the annotated clip between two times, in seconds, as an animated WebP."""
    pipeline, pictures = Pipeline(), []
    with (
        open_source(CLIP, max_seconds=end) as source,
        closing(pipeline.run(source)) as results,
    ):
        for result in results:
            if result.frame.time < start:
                continue
            image = draw(result.frame.image, result.people, result.actions, pipeline.pose.threshold)
            image = cv2.resize(image[:, LEFT:RIGHT], SIZE, interpolation=cv2.INTER_AREA)
            pictures.append(Image.fromarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB)))
        duration = round(1000 / source.rate)
    first, *rest = pictures
    first.save(
        path,
        save_all=True,
        append_images=rest,
        duration=duration,
        loop=0,
        quality=QUALITY,
        method=6,
    )


if __name__ == "__main__":
    make(DOCS / "preview.webp")
