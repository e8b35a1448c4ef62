"""Labelled examples that are read when they are asked for."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from .parts import part_files, part_folder, part_rows
from .pictures import Preparation, Prepare, opened, picture_folder

Batch = tuple[Any, Tensor]
"""What a network takes, and labels of shape ``(n,)``."""


class AbstractExamples(ABC):
    """A part of a data set."""

    @abstractmethod
    def __len__(self) -> int:
        """How many there are."""

    @abstractmethod
    def batch(self, indices: Sequence[int]) -> Batch:
        """Some of them, as a network takes them."""


@dataclass(frozen=True, eq=False)
class Pictures(AbstractExamples):
    """Pictures in files or in rows of a table.

    Args:
        sources: what :func:`opened` takes.
        labels: one for each.
        prepare: from a picture to the input of the network, shape ``(3, side, side)``.
    """

    sources: Sequence[Any]
    labels: Sequence[int]
    prepare: Prepare

    @classmethod
    def of(cls, folder: Path, names: tuple[str, ...], prepare: Prepare) -> "Pictures":
        """A part of a data set: tables with columns ``image`` and ``label``, or else a folder for each class.

        Raises:
            ValueError: neither is there.
        """
        if part_files(folder, names):
            table = [(row["image"], row["label"]) for row in part_rows(folder, names)]
            return cls([image for image, _ in table], [label for _, label in table], prepare)
        return cls(*picture_folder(part_folder(folder, names)), prepare)

    def __len__(self) -> int:
        return len(self.labels)

    def batch(self, indices: Sequence[int]) -> Batch:
        """Images ``(n, 3, size, size)`` and labels."""
        images = torch.stack([self.prepare(opened(self.sources[i])) for i in indices])
        return images, torch.tensor([self.labels[i] for i in indices])


@dataclass(frozen=True, eq=False)
class Pixels(AbstractExamples):
    """Pictures in memory, bytes of shape ``(n, 3, side, side)``.

    Args:
        pixels: all of them.
        labels: shape ``(n,)``.
        prepare: of which only the standardisation is used.
    """

    pixels: Tensor
    labels: Tensor
    prepare: Preparation

    def __len__(self) -> int:
        return len(self.labels)

    def batch(self, indices: Sequence[int]) -> Batch:
        """Images ``(n, 3, side, side)`` and labels."""
        chosen = torch.as_tensor(indices)
        return self.prepare.standardised(self.pixels[chosen]), self.labels[chosen]


@dataclass(frozen=True, eq=False)
class Sentences(AbstractExamples):
    """Texts, one or two for each example.

    Args:
        texts: of every example.
        labels: one for each.
        tokenizer: of transformers.
        length: tokens of an example at most; the longer of two texts is cut.
    """

    texts: Sequence[tuple[str, ...]]
    labels: Sequence[int]
    tokenizer: Any
    length: int

    def __len__(self) -> int:
        return len(self.labels)

    def batch(self, indices: Sequence[int]) -> Batch:
        """Tokens ``(n, t)`` with their masks, by name, padded to the longest; and labels."""
        columns = [list(column) for column in zip(*(self.texts[i] for i in indices), strict=True)]
        encoded: Mapping[str, Tensor] = self.tokenizer(
            *columns, padding=True, truncation=True, max_length=self.length, return_tensors="pt"
        )
        return dict(encoded), torch.tensor([self.labels[i] for i in indices])
