"""Where the parts of a data set lie in its folder."""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from .rows import ENDINGS, rows

#: What people call the part that was trained on, and those that were held out, the preferred name first.
TRAIN = ("train",)
HELD_OUT = ("test", "validation", "val", "dev")


def part_rows(folder: Path, names: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    """The rows of the first part that is there: ``NAME.ENDING``, or ``NAME-*.ENDING`` in the order of their names.

    Args:
        folder: of the data set, or one with a folder ``data`` in it.
        names: of the part.

    Raises:
        ValueError: none of them is there.
    """
    files = part_files(folder, names)
    if not files:
        wanted = " or ".join(names)
        raise ValueError(f"expected a table {wanted} that ends in one of {', '.join(ENDINGS)} in {folder}, found none")
    return chain.from_iterable(rows(path) for path in files)


def part_files(folder: Path, names: tuple[str, ...]) -> list[Path]:
    """The tables of the first part that is there; none where no part is."""
    for place in (folder, folder / "data"):
        for name in names:
            for ending in ENDINGS:
                files = [place / f"{name}{ending}"] if (place / f"{name}{ending}").is_file() else []
                files = files or sorted(place.glob(f"{name}-*{ending}"))
                if files:
                    return files
    return []


def part_folder(folder: Path, names: tuple[str, ...]) -> Path:
    """The folder of the first part that is there.

    Raises:
        ValueError: none of them is there.
    """
    there = [folder / name for name in names if (folder / name).is_dir()]
    if not there:
        raise ValueError(f"expected a folder {' or '.join(names)} in {folder}, found none")
    return there[0]
