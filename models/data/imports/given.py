"""What files of other programs do not say, and how mistakes in them are reported."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.errors import UserError


@dataclass(frozen=True)
class Given:
    """What the user says of files that do not say it themselves.

    Attributes:
        fps: frames a second.
        size: width and height of the picture in pixels; if None, the smallest that holds all
            joints.
    """

    fps: float = 30.0
    size: tuple[int, int] | None = None


@contextmanager
def checked(path: Path, form: str) -> Iterator[None]:
    """Report whatever is wrong in a file as the user's error.

    Args:
        path: the file.
        form: what it should be, with an article.

    Raises:
        UserError: the file cannot be read, or has another form.
    """
    try:
        yield
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        raise UserError(f"{path} is not {form}, or damaged: {error}") from error
    except (OverflowError, RecursionError) as error:
        raise UserError(f"{path} is not {form}, or damaged: {type(error).__name__}") from error


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        UserError: it cannot be read, or is not JSON.
    """
    with checked(path, "a JSON file"):
        return json.loads(path.read_text(encoding="utf-8-sig"))
