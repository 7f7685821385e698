"""Write the ONNX graph beside weights, so that they run without PyTorch.

python weights/export.py                     # of all bundled networks
python weights/export.py mine.safetensors    # of one that you taught: mine.onnx
"""

from pathlib import Path

from apps.cli import Parser, run
from models.files import WEIGHTS
from models.text import tell


def bundled() -> list[Path]:
    """The bundled weights that the live programs run."""
    return [*sorted(WEIGHTS.glob("movenet_*.pth")), WEIGHTS / "strl.safetensors"]


def main() -> None:
    """Run the program."""
    command = Parser(prog="export.py", description="Write the ONNX graph beside weights.")
    command.add_argument(
        "weights", nargs="*", type=Path, help="STRL checkpoints (default: all that is bundled)"
    )
    options = command.parse_args()
    from models.runtime.export import write_beside  # it takes seconds

    for weights in options.weights or bundled():
        tell(f"wrote {write_beside(weights)}")


if __name__ == "__main__":
    run(main)
