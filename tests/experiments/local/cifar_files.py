"""CIFAR-10 as it is distributed, with a few random pictures in every file."""

import pickle
from pathlib import Path

import numpy as np

from experiments.local.cifar10 import TEST, TRAIN

Arrays = dict[str, tuple[np.ndarray, np.ndarray]]


def random_batches(count: int = 4) -> Arrays:
    """Pixels, shape `(count, 3072)`, and labels by file."""
    draw = np.random.default_rng(0)
    return {
        name: (draw.integers(256, size=(count, 3072), dtype=np.uint8), draw.integers(10, size=count))
        for name in (*TRAIN, *TEST)
    }


def write_pickled(folder: Path, batches: Arrays) -> None:
    """The version for Python: keys are bytes."""
    place = folder / "cifar-10-batches-py"
    place.mkdir(parents=True)
    for name, (pixels, labels) in batches.items():
        document = {b"data": pixels, b"labels": labels.tolist(), b"batch_label": name.encode()}
        (place / name).write_bytes(pickle.dumps(document, protocol=2))


def write_binary(folder: Path, batches: Arrays) -> None:
    """The binary version: a byte for the label, then the pixels."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, (pixels, labels) in batches.items():
        np.concatenate([labels[:, None].astype(np.uint8), pixels], axis=1).tofile(folder / f"{name}.bin")
