"""State dicts from files of torch and of safetensors."""

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

#: Names and tensors.
State = dict[str, Tensor]


def read_weights(path: Path, entry: str | None = None) -> State:
    r"""The tensors of a checkpoint, by name; ``.safetensors``, or what ``torch.save`` wrote.

    Nothing in a file is executed: torch reads it with ``weights_only=True``.

    Args:
        path: the file.
        entry: under which a training script put the weights beside other things; by default the file is the state.

    Raises:
        ValueError: a file that is absent or damaged, or holds something else.
    """
    if not path.is_file():
        raise ValueError(f"expected a checkpoint, got {path}, which is no file")
    document = _read(path)
    if entry is not None:
        if not isinstance(document, Mapping) or entry not in document:
            there = list(document) if isinstance(document, Mapping) else type(document).__name__
            raise ValueError(f"expected an entry {entry!r} in {path}, got {there}")
        document = document[entry]
    if not isinstance(document, Mapping) or not all(isinstance(value, Tensor) for value in document.values()):
        kinds = sorted({type(value).__name__ for value in document.values()} if isinstance(document, Mapping) else [])
        raise ValueError(f"expected names and tensors in {path}, got {type(document).__name__} of {kinds}")
    return dict(document)


def _read(path: Path) -> Any:
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        return torch.load(path, map_location="cpu", weights_only=True)
    except (SafetensorError, pickle.UnpicklingError, RuntimeError, EOFError, KeyError, ValueError) as error:
        raise ValueError(f"{path} cannot be read as a checkpoint; is it whole? {error}") from error
