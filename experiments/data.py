"""The handwritten digits that scikit-learn ships: real images, no download."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from sklearn.datasets import load_digits
from torch import Tensor
from torch.nn import functional as F

Batch = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class Split:
    """Images, shape ``(n, 1, 8, 8)``, with labels, shape ``(n,)``.

    Raises:
        ValueError: no images, or not one label for each.
    """

    images: Tensor
    labels: Tensor

    def __post_init__(self) -> None:
        if not len(self.images):
            raise ValueError("a split needs at least one image, got none; ask for a larger part of the data")
        if len(self.images) != len(self.labels):
            raise ValueError(f"expected one label for each image, got {len(self.images)} and {len(self.labels)}")

    def __len__(self) -> int:
        return len(self.labels)

    def first(self, count: int) -> "Split":
        """The first ``count`` images (all of them, where there are fewer)."""
        return Split(self.images[:count], self.labels[:count])

    def batches(self, size: int, generator: torch.Generator | None = None) -> Iterator[Batch]:
        """Batches of ``size`` (the last may be smaller), shuffled when a generator is given.

        Raises:
            ValueError: ``size < 1``.
        """
        if size < 1:
            raise ValueError(f"a batch holds at least one image, got size={size}")
        order = torch.arange(len(self)) if generator is None else torch.randperm(len(self), generator=generator)
        for index in order.split(size):
            yield self.images[index], self.labels[index]


def digits(
    generator: torch.Generator | None = None, *, test: float = 0.3, dtype: torch.dtype = torch.float64
) -> tuple[Split, Split]:
    """Training and test part of the 1,797 digits [Alpaydin1998], standardised by the training part.

    Example:
        >>> train, held_out = digits(torch.Generator().manual_seed(0))
        >>> train.images.shape, len(held_out)
        (torch.Size([1258, 1, 8, 8]), 539)

    Args:
        generator: draws the partition.
        test: the fraction held out.
        dtype: of the images.

    Raises:
        ValueError: a fraction that leaves either part empty.
    """
    if not 0.0 < test < 1.0:
        raise ValueError(f"test must lie strictly between 0 and 1, got {test}")
    pixels, targets = load_digits(return_X_y=True)
    images = torch.from_numpy(pixels).to(dtype).reshape(-1, 1, 8, 8)
    labels = torch.from_numpy(targets).long()
    order = torch.randperm(len(labels), generator=generator)
    held_out, kept = order.tensor_split([round(test * len(labels))])
    images = (images - images[kept].mean()) / images[kept].std()
    return Split(images[kept], labels[kept]), Split(images[held_out], labels[held_out])


def cross_entropy(model: torch.nn.Module, batch: Batch) -> Tensor:
    """The mean cross-entropy on a batch, of logits ``(b, classes)`` or, a label for each token, ``(b, t, classes)``."""
    inputs, labels = batch
    return F.cross_entropy(model(inputs).flatten(0, -2), labels.flatten())


@torch.no_grad()
def accuracy(model: torch.nn.Module, split: Split) -> float:
    """The fraction of a split that the model classifies correctly."""
    return (model(split.images).argmax(-1) == split.labels).double().mean().item()
