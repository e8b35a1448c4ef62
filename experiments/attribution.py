"""Which installed package does a docstring come from: a labelled task of real text on every machine."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from .docstrings import docstrings, prose
from .source_text import LEFT_OUT, fingerprint

Part = Literal["train", "test", "shifted"]

#: The classes: what this distribution or its extra ``encoder`` needs, and what those need, where docstrings are many.
PACKAGES = (
    "fontTools",
    "huggingface_hub",
    "matplotlib",
    "networkx",
    "numpy",
    "scipy",
    "sklearn",
    "sympy",
    "torch",
    "transformers",
)

#: What would give a class away: words that contain one of these, and words that begin with one of those and no letter.
_CONTAINED = "torch|numpy|scipy|scikit|sklearn|sympy|matplotlib|pyplot|networkx|fonttools|hugging"
_WHOLE = "aten|hf|mpl|nx|np|plt|transformers"
_NAMES = re.compile(rf"\b(?:[\w-]*(?:{_CONTAINED})\w*|(?:{_WHOLE})(?![^\W_])\w*)[.]?", re.IGNORECASE)

#: Folders of code that was copied from another package.
_COPIES = {"_vendor", "array_api_compat", "array_api_extra", "externals"}

#: Words of a text at least; texts that agree in as many first words are one.
WORDS = 8

#: Texts of one kind from one module at most.
PER_MODULE = 3


@dataclass(frozen=True)
class Excerpt:
    """The prose of one docstring.

    Args:
        text: without the names of the packages.
        label: the number of its package.
        module: the file it comes from.
    """

    text: str
    label: int
    module: str


def roots(packages: Sequence[str] = PACKAGES) -> list[Path]:
    """The folders of installed packages; nothing is imported.

    Raises:
        ImportError: one of them is missing.
    """
    found = {package: find_spec(package) for package in packages}
    if missing := [package for package, spec in found.items() if spec is None or spec.origin is None]:
        raise ImportError(f"the task tells {', '.join(packages)} apart; install {', '.join(missing)}")
    return [Path(spec.origin).parent for spec in found.values() if spec is not None and spec.origin is not None]


def excerpts(folders: Sequence[Path], quota: Mapping[Part, int]) -> dict[Part, list[Excerpt]]:
    """As many texts of every part from every package as asked for, the same on every machine with the same versions.

    Half of the modules are for training, the others for judging: their functions are the test, what they say of
    themselves and of their classes is the shifted data. No text is there twice, in any part.

    Args:
        folders: one for each class.
        quota: texts of a part for each class.

    Raises:
        ValueError: a package with fewer texts.
    """
    found: dict[Part, list[Excerpt]] = {part: [] for part in quota}
    seen: set[tuple[str, ...]] = set()
    for label, folder in enumerate(folders):
        missing = Counter(quota)
        for part, excerpt in _of_package(folder, label):
            words = tuple(excerpt.text.lower().split()[:WORDS])
            if missing[part] > 0 and words not in seen:
                seen.add(words)
                found[part].append(excerpt)
                missing[part] -= 1
            if not missing.total():
                break
        else:
            raise ValueError(f"{folder.name} lacks {+missing} of the texts asked for; ask for fewer")
    return found


def anonymous(text: str) -> str:
    """The text without the names of the packages; what follows them in a compound stays.

    Example:
        >>> anonymous("Convert a torch.Tensor to a NumPy array, as np.asarray does.")
        'Convert a Tensor to a array, as asarray does.'
        >>> anonymous("A scikit-learn estimator.")
        'A -learn estimator.'
    """
    return " ".join(_NAMES.sub("", text).split())


def _of_package(folder: Path, label: int) -> Iterator[tuple[Part, Excerpt]]:
    """Texts in an order that looks random, module by module."""
    paths = (path.relative_to(folder) for path in folder.rglob("*.py"))
    own = (path for path in paths if not (LEFT_OUT | _COPIES) & set(path.parts))
    named = {f"{folder.name}/{path.as_posix()}": folder / path for path in own}
    for module in sorted(named, key=fingerprint):
        given: Counter[Part] = Counter()
        for kind, text in _texts(named[module]):
            part = _part(module, kind)
            if part is not None and given[part] < PER_MODULE:
                given[part] += 1
                yield part, Excerpt(text, label, module)


def _texts(path: Path) -> Iterator[tuple[str, str]]:
    """Kind and anonymous prose of the docstrings of a module that are long enough."""
    for docstring in docstrings(path.read_text(encoding="utf-8")):
        text = anonymous(prose(docstring.text))
        if len(text.split()) >= WORDS:
            yield docstring.kind, text


def _part(module: str, kind: str) -> Part | None:
    """Which part a text of this kind belongs to, if any."""
    judged = fingerprint(module) % 2 == 1
    if kind == "function":
        return "test" if judged else "train"
    return "shifted" if judged else None
