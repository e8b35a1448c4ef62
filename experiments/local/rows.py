"""Tables of any of the usual formats, row by row."""

import csv
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..models.zoo import library

#: Endings of the files that :func:`rows` reads.
ENDINGS = (".csv", ".tsv", ".json", ".jsonl", ".parquet")


def rows(path: Path) -> Iterator[dict[str, Any]]:
    r"""The rows of a table, in order: by its ending CSV, TSV, JSON, JSON lines or Parquet.

    Values of CSV and TSV are texts. TSV has no quotes: a quotation mark is a character, as in the files of GLUE. JSON
    is a list of rows, or one row for each name, which becomes the column ``name``.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder) / "table.csv"
        ...     _ = path.write_text("model,test error\na,0.25\n")
        ...     list(rows(path))
        [{'model': 'a', 'test error': '0.25'}]

    Raises:
        ValueError: no such file, another ending, or a file that is damaged.
    """
    if path.suffix not in ENDINGS or not path.is_file():
        raise ValueError(f"expected a table that ends in one of {', '.join(ENDINGS)}, got {path}")
    try:
        yield from _READERS[path.suffix](path)
    except (json.JSONDecodeError, UnicodeDecodeError, csv.Error, OSError) as error:
        raise ValueError(f"{path} cannot be read as {path.suffix[1:]}: {error}") from error


def _delimited(path: Path) -> Iterator[dict[str, Any]]:
    dialect: dict[str, Any] = {"delimiter": "\t", "quoting": csv.QUOTE_NONE} if path.suffix == ".tsv" else {}
    with path.open(newline="", encoding="utf-8-sig") as file:  # spreadsheets begin with a byte order mark
        yield from csv.DictReader(file, **dialect)


def _json(path: Path) -> Iterator[dict[str, Any]]:
    document = json.loads(path.read_text(encoding="utf-8"))
    if isinstance(document, Mapping):
        yield from ({"name": name, **row} for name, row in document.items())
    else:
        yield from document


def _json_lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        yield from (json.loads(line) for line in file if line.strip())


def _parquet(path: Path) -> Iterator[dict[str, Any]]:
    arrow, parquet = library("pyarrow"), library("pyarrow.parquet")
    try:
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches():
                yield from batch.to_pylist()
    except arrow.ArrowInvalid as error:
        raise ValueError(f"{path} cannot be read as parquet: {error}") from error


_READERS = {
    ".csv": _delimited,
    ".tsv": _delimited,
    ".json": _json,
    ".jsonl": _json_lines,
    ".parquet": _parquet,
}
