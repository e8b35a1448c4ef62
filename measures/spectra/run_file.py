"""Lanczos runs that are kept on disk, so that an interrupted estimate goes on where it was."""

from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from ..whole_file import replacing
from .lanczos import JacobiMatrix

#: A product that differs from the saved one by more, in square roots of the rounding unit, is another operator's.
_FORGIVEN = 10.0


class RunFile:
    """The finished runs of one estimate, each with the length of its start.

    Args:
        path: the file; None keeps nothing.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.runs: list[JacobiMatrix] = []
        self._saved: dict[str, Tensor] = {}
        if path is not None and path.exists():
            self._saved = load_file(path)
            self.runs = [self._run(i) for i in range(len(self._saved) // 3)]

    def add(self, run: JacobiMatrix) -> None:
        """Keep one more run; the file is replaced as a whole."""
        i = len(self.runs)
        self.runs.append(run)
        self._saved |= {
            f"{i}.diagonal": run.diagonal,
            f"{i}.offdiagonal": run.offdiagonal,
            f"{i}.remainder": torch.tensor([run.remainder], dtype=torch.float64),
        }
        if self.path is not None:
            with replacing(self.path) as draft:
                save_file(self._saved, draft)

    def require(self, steps: int, start: Tensor, image: Tensor) -> None:
        """Raise unless the first run is one of ``steps`` steps from ``start``, whose product is ``image``.

        Raises:
            ValueError: the runs of another operator, of other starts, or of other settings.
        """
        first = self.runs[0]
        rayleigh = float(torch.sum(start * image, dtype=torch.float64) / torch.sum(start * start, dtype=torch.float64))
        scale = float(first.nodes.abs().max())
        tolerance = _FORGIVEN * torch.finfo(start.dtype).eps ** 0.5 * scale
        if (
            first.steps > steps
            or (first.steps < steps and first.remainder)
            or abs(rayleigh - first.diagonal[0]) > tolerance
        ):
            raise ValueError(
                f"{self.path} holds runs of another operator, other starting vectors or other settings: give what they "
                "were made with to resume them, or remove the file"
            )

    def _run(self, i: int) -> JacobiMatrix:
        diagonal, offdiagonal, remainder = (
            self._saved[f"{i}.{part}"] for part in ("diagonal", "offdiagonal", "remainder")
        )
        return JacobiMatrix(diagonal, offdiagonal, float(remainder))
