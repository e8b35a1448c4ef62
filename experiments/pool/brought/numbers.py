"""Numbers that people write down of their models."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...local.rows import rows
from ..evaluation import with_gaps
from .record import Record

#: Targets of a pool, by their names in words.
TARGETS = tuple(f"{part} {kind}" for part in ("train", "test", "shifted") for kind in ("loss", "error")) + (
    "loss gap",
    "error gap",
)

#: Columns that name the model, the first that is there.
NAMES = ("model", "name", "model_name", "id")


#: What people call hyperparameters, and what the pools of this project call them.
HYPERPARAMETERS = {
    "lr": "learning rate",
    "lr max": "learning rate",
    "wd": "weight decay",
    "l2 reg": "weight decay",
    "bs": "batch size",
    "sam rho": "radius",
    "mix": "mixup",
    "aug": "augmentation",
    "augm": "augmentation",
    "smoothing": "label smoothing",
}


def hyperparameter(name: str) -> str:
    """The name of a hyperparameter in the pools of this project.

    Example:
        >>> hyperparameter("lr_max"), hyperparameter("Batch_Size"), hyperparameter("dropout")
        ('learning rate', 'batch size', 'dropout')
    """
    words = name.replace("_", " ").strip().lower()
    return HYPERPARAMETERS.get(words, words)


def records_of(path: Path) -> dict[str, Record]:
    """The records in a table with a row for every model.

    A column ``model`` names it. ``train loss``, ``test error`` and the like are targets, also with underscores, and
    ``train accuracy`` is one minus the error. ``seed`` is the seed. Whatever else is a number or a word is a
    hyperparameter, see :func:`hyperparameter`.

    Raises:
        ValueError: no such table, no column that names the models, or a name that comes twice.
    """
    records: dict[str, Record] = {}
    for row in rows(path):
        column = next((name for name in NAMES if name in row), None)
        if column is None:
            raise ValueError(f"expected a column {' or '.join(NAMES)} in {path}, got {list(row)}")
        name = str(row.pop(column))
        if name in records:
            raise ValueError(f"{path} has two rows for {name}; keep one")
        records[name] = _record(row)
    return records


def _record(row: Mapping[str, Any]) -> Record:
    configuration: dict[str, float | int | str] = {}
    targets: dict[str, float] = {}
    seed = 0
    for column, value in row.items():
        words = column.replace("_", " ").strip().lower()
        if value is None or value == "":
            continue
        if words in TARGETS:
            targets[words] = float(value)
        elif words.replace("accuracy", "error") in TARGETS:
            targets[words.replace("accuracy", "error")] = 1.0 - float(value)
        elif words == "seed":
            seed = int(value)
        else:
            configuration[hyperparameter(column)] = value if isinstance(value, int | float) else typed(str(value))
    return Record(configuration, seed, with_gaps(targets))


def typed(text: str) -> float | int | str:
    """A number where the text is one.

    Example:
        >>> typed("128"), typed("0.033"), typed("cyclic")
        (128, 0.033, 'cyclic')
    """
    if re.fullmatch(r"[+-]?\d+", text):
        return int(text)
    try:
        return float(text)
    except ValueError:
        return text
