"""The rows of all models of a plan, in one file."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from measures import replacing

from ...models.zoo import library
from ...report import read_json
from .measuring import Measuring


def collect(jobs: Iterable[Measuring], path: Path) -> int:
    """Write the rows of all models that were measured as parquet, ordered by model; the number of rows.

    Columns: ``model``, ``measure``, ``geometry``, ``radius`` (null for what has none), ``setting``, ``sample``,
    ``representative``, ``value`` (null where it is not finite), ``stderr`` (null where there is none), ``seconds``.
    """
    arrow, parquet = library("pyarrow"), library("pyarrow.parquet")
    text, number = arrow.string(), arrow.float64()
    names = ("model", "measure", "geometry", "radius", "setting", "sample", "representative", "value", "stderr")
    types = (text, text, text, number, text, arrow.int64(), text, number, number)
    schema = arrow.schema([*zip(names, types, strict=True), ("seconds", number)])
    documents = (read_json(job.result) for job in sorted(jobs, key=lambda j: j.model) if job.result.exists())
    rows: list[dict[str, Any]] = [row for document in documents for row in document["rows"]]
    with replacing(path) as draft:
        parquet.write_table(arrow.Table.from_pylist(rows, schema=schema), draft)
    return len(rows)
