"""Pictures from local files, as the inputs of a network."""

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError
from torch import Tensor

#: Endings of files that count as pictures.
ENDINGS = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp"})

Triple = tuple[float, float, float]

Prepare = Callable[[Image.Image], Tensor]


@dataclass(frozen=True)
class Preparation:
    """The shorter side resized, the square in the middle cut out, every channel standardised.

    Args:
        size: of the square.
        resize: the shorter side before it is cut; by default ``size``.
        mean: subtracted from channels that lie between 0 and 1.
        std: divided by.
        interpolation: of the resizing.

    Raises:
        ValueError: a square that is larger than the side it is cut from.
    """

    size: int
    resize: int | None = None
    mean: Triple = (0.0, 0.0, 0.0)
    std: Triple = (1.0, 1.0, 1.0)
    interpolation: Literal["bilinear", "bicubic", "nearest", "lanczos"] = "bicubic"

    def __post_init__(self) -> None:
        if self.resize is not None and self.resize < self.size:
            raise ValueError(f"a square of side {self.size} cannot be cut from a side of {self.resize}")

    def __call__(self, picture: Image.Image) -> Tensor:
        """The input of a network, shape ``(3, size, size)``, float32."""
        picture = picture.convert("RGB")
        # The longer side is rounded down, as torchvision does, so that preparations agree to the pixel.
        width, height = (int((self.resize or self.size) * side / min(picture.size)) for side in picture.size)
        resized = picture.resize((width, height), Image.Resampling[self.interpolation.upper()])
        left, top = round((width - self.size) / 2), round((height - self.size) / 2)
        square = resized.crop((left, top, left + self.size, top + self.size))
        return self.standardised(torch.from_numpy(np.asarray(square).copy()).movedim(-1, 0))

    def standardised(self, pixels: Tensor) -> Tensor:
        """Bytes, shape ``(..., 3, side, side)``, as the input of a network, float32."""
        mean, std = (torch.tensor(triple).view(3, 1, 1) for triple in (self.mean, self.std))
        return (pixels / 255.0 - mean) / std


def picture_folder(folder: Path) -> tuple[list[Path], list[int]]:
    """The files below ``folder/CLASS/`` and their labels: the places of their classes in alphabetical order.

    Raises:
        ValueError: no folders with pictures in them.
    """
    classes = sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
    files = [
        (path, label)
        for label, place in enumerate(classes)
        for path in sorted(place.rglob("*"))
        if path.suffix.lower() in ENDINGS
    ]
    if not files:
        raise ValueError(f"expected a folder of pictures for each class in {folder}, found no picture there")
    return [path for path, _ in files], [label for _, label in files]


def opened(source: Path | bytes | Mapping[str, Any]) -> Image.Image:
    """A picture from a file, from the bytes of one, or from a row ``{"bytes": ..., "path": ...}`` of a data set.

    Raises:
        ValueError: no picture.
    """
    content = source["bytes"] if isinstance(source, Mapping) else source
    try:
        picture = Image.open(io.BytesIO(content) if isinstance(content, bytes) else content)
        picture.load()
        return picture
    except (UnidentifiedImageError, OSError) as error:
        where = content if isinstance(content, Path) else "a row of a table"
        raise ValueError(f"expected a picture in {where}: {error}; fetch it again") from error
