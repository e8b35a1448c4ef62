"""The source of Python's standard library, byte by byte: real text that every machine has."""

import sysconfig
from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

Part = Literal["train", "validation", "test"]

#: Byte values.
VOCABULARY = 256

#: Tests are mostly data, and packages that were installed differ between machines.
LEFT_OUT = {"test", "tests", "idle_test", "site-packages", "dist-packages", "__pycache__"}


def fingerprint(text: str) -> int:
    """A number that looks random, the same on every machine."""
    return int.from_bytes(sha256(text.encode()).digest()[:4])


def part_of(path: str) -> Part:
    """Which part a file belongs to, by a hash of its path: a tenth is for validation, a tenth for the test."""
    tenth = fingerprint(path) % 10
    return "test" if tenth == 0 else "validation" if tenth == 1 else "train"


@cache
def standard_library(part: Part, folder: Path | None = None) -> Tensor:
    """All files of one part, one after the other, shape ``(bytes,)``, integers below 256.

    The split is by file. Versions of Python differ in their texts, and so do results, a little.

    Example:
        >>> from pathlib import Path
        >>> tokens = standard_library("validation")
        >>> tokens.dtype, len(tokens) > 100_000
        (torch.uint8, True)

    Args:
        part: ``"train"``, ``"validation"`` or ``"test"``.
        folder: where the sources are; by default the standard library of this interpreter.

    Raises:
        ValueError: another part, or a folder without sources in it.
    """
    if part not in get_args(Part):
        raise ValueError(f"part must be one of {get_args(Part)}, got {part!r}")
    root = folder or Path(sysconfig.get_path("stdlib"))
    names = sorted(path.relative_to(root) for path in root.rglob("*.py"))
    kept = (name for name in names if not LEFT_OUT & set(name.parts))
    texts = [(root / name).read_bytes() for name in kept if part_of(name.as_posix()) == part]
    if not any(texts):
        raise ValueError(f"{root} holds no Python sources for the part {part!r}")
    return torch.from_numpy(np.frombuffer(b"\n".join(texts), dtype=np.uint8).copy())


def windows(tokens: Tensor, count: int, length: int, generator: torch.Generator | None = None) -> Tensor:
    """``count`` random windows of ``length + 1`` tokens, shape ``(count, length + 1)``, int64: inputs and next tokens.

    Raises:
        ValueError: a text that is too short.
    """
    if len(tokens) <= length:
        raise ValueError(f"a window needs {length + 1} tokens, the text has {len(tokens)}; ask for a shorter length")
    starts = torch.randint(len(tokens) - length, (count, 1), generator=generator)
    return tokens[starts + torch.arange(length + 1)].long()


def batches(tokens: Tensor, size: int, length: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Batches of :func:`windows`, without end."""
    while True:
        yield windows(tokens, size, length, generator)


def next_token(model: nn.Module, batch: Tensor) -> Tensor:
    """The mean cross-entropy of every token after the first, in nats."""
    logits = model(batch[:, :-1])
    return F.cross_entropy(logits.flatten(0, 1), batch[:, 1:].flatten())
