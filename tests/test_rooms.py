"""Who may import whom: files stand on their own room and on those before it, never in circles."""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = (
    *("models.text", "models.errors", "models.part", "models.files", "models.quiet"),
    *("models.skeleton", "models.sample", "models.assignment"),
    *("models.pose", "models.action", "models.runtime", "models.data", "models.training"),
    *(
        "pipeline",
        "pipeline.extract",
        "pipeline.teaching",
        "pipeline.camera",
        "pipeline.web",
        "pipeline.speed",
        "pipeline.batch",
    ),
    "apps",
)
"""Every room, and every file without one, in the order in which they stand on each other."""
FRONTS = {"models", "pipeline"}
"""Packages that offer what is in their rooms, or prepare what every room needs."""


def modules() -> dict[str, Path]:
    """Our modules by their dotted names; configs are read by MMEngine, and imported by nobody."""
    files = [file for top in ("apps", "models", "pipeline") for file in (ROOT / top).rglob("*.py")]
    names = {file: file.relative_to(ROOT).with_suffix("").parts for file in files}
    return {
        ".".join(parts[:-1] if parts[-1] == "__init__" else parts): file
        for file, parts in names.items()
        if parts[:2] != ("models", "configs")
    }


def imports(file: Path, known: dict[str, Path]) -> set[str]:
    """Our modules that a file imports: at its top, in a function, or for a type."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            submodules = {f"{node.module}.{alias.name}" for alias in node.names} & known.keys()
            found |= submodules or {node.module}
    return found & known.keys()


def room(module: str) -> int:
    """The number of the innermost room that a module is in."""
    inside = [r for r in ROOMS if f"{module}.".startswith(f"{r}.")]
    return ROOMS.index(max(inside, key=len))


KNOWN = modules()
GRAPH = {name: imports(file, KNOWN) for name, file in KNOWN.items()}
PACKAGES = {name for name, file in KNOWN.items() if file.name == "__init__.py"}


@pytest.mark.parametrize("module", sorted(KNOWN.keys() - FRONTS))
def test_nothing_is_imported_from_a_later_room(module):
    later = {other for other in GRAPH[module] - FRONTS if room(other) > room(module)}
    assert not later, f"{module} imports {', '.join(sorted(later))}"


def test_no_files_import_each_other_in_a_circle():
    files = {name: found - PACKAGES for name, found in GRAPH.items() if name not in PACKAGES}
    try:
        TopologicalSorter(files).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_a_circle_and_a_later_room_would_be_seen():
    assert room("pipeline.sink") < room("pipeline.camera.feed") < room("apps.webcam")
    assert "pipeline.source" in GRAPH["pipeline.sink"], "imports are read"
    assert "pipeline.engine" in GRAPH["pipeline.annotate"], "those for types too"
    assert "pipeline.engine" in GRAPH["apps.cli"], "those in functions too"
