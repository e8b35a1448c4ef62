"""CIFAR-10 from the files that its authors distribute [Krizhevsky2009]."""

import codecs
import io
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy._core.multiarray import _reconstruct as reconstruct
from torch import Tensor

#: The files of the two parts, without ending.
TRAIN, TEST = tuple(f"data_batch_{i}" for i in range(1, 6)), ("test_batch",)

#: The names that an archive unpacks to.
_FOLDERS = ("cifar-10-batches-py", "cifar-10-batches-bin")

_PIXELS = 3 * 32 * 32


def cifar10(folder: Path, *, train: bool) -> tuple[Tensor, Tensor]:
    """Images, shape ``(n, 3, 32, 32)``, bytes, and labels, shape ``(n,)``, in the order of the files.

    Args:
        folder: with ``data_batch_1`` and so on (the version for Python) or ``data_batch_1.bin`` (the binary one), or
            a folder above it.
        train: the part to read.

    Raises:
        ValueError: a file is absent or damaged.
    """
    place = next((folder / name for name in _FOLDERS if (folder / name).is_dir()), folder)
    parts = [_part(place, name) for name in (TRAIN if train else TEST)]
    images = np.concatenate([pixels for pixels, _ in parts]).reshape(-1, 3, 32, 32)
    return torch.from_numpy(images), torch.from_numpy(np.concatenate([labels for _, labels in parts])).long()


def _part(folder: Path, name: str) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Pixels, shape ``(n, 3072)``, and labels of one file."""
    pickled, binary = folder / name, folder / f"{name}.bin"
    if binary.is_file():
        content = np.fromfile(binary, np.uint8)
        if not len(content) or len(content) % (1 + _PIXELS):
            raise ValueError(f"{binary} has {len(content)} bytes, expected a multiple of {1 + _PIXELS}; fetch it again")
        records = content.reshape(-1, 1 + _PIXELS)
        return records[:, 1:], records[:, 0]
    if not pickled.is_file():
        raise ValueError(
            f"expected {name} or {name}.bin of CIFAR-10 in {folder}, found neither; unpack the archive there"
        )
    try:
        document = _ArraysOnly(io.BytesIO(pickled.read_bytes()), encoding="bytes").load()
        return document[b"data"].reshape(-1, _PIXELS), np.asarray(document[b"labels"])
    except (pickle.UnpicklingError, EOFError, KeyError, ValueError) as error:
        raise ValueError(f"{pickled} is no batch of CIFAR-10 for Python ({error}); fetch it again") from error


class _ArraysOnly(pickle.Unpickler):
    """Reads arrays, and refuses whatever else a pickle could execute."""

    def find_class(self, module: str, name: str) -> Any:
        """What arrays are made with, whichever version of numpy wrote them."""
        allowed = {
            ("numpy.core.multiarray", "_reconstruct"): reconstruct,
            ("numpy._core.multiarray", "_reconstruct"): reconstruct,
            ("numpy", "ndarray"): np.ndarray,
            ("numpy", "dtype"): np.dtype,
            ("_codecs", "encode"): codecs.encode,
        }
        if (module, name) not in allowed:
            raise pickle.UnpicklingError(f"expected arrays, got {module}.{name}")
        return allowed[module, name]
