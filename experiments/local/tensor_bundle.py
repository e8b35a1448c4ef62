r"""Checkpoints of TensorFlow, read without TensorFlow.

A checkpoint is a *tensor bundle*: ``PREFIX.index``, a sorted table from names to places, and the bytes of the
tensors in ``PREFIX.data-NNNNN-of-MMMMM``. The table is that of LevelDB: blocks of entries whose keys share prefixes
with the key before, one block that lists the others, and a footer that says where this one is. A place is a small
protocol buffer: the number of the dtype, the shape, which data file, the offset and the size [Abadi2016].
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from .snappy import decompressed
from .wire_format import WireReader

#: The last eight bytes of a table, and the length of the footer that ends in them.
MAGIC, FOOTER = (0xDB4775248B80FB57).to_bytes(8, "little"), 48

#: The numbers of TensorFlow's dtypes.
DTYPES = {1: "<f4", 2: "<f8", 3: "<i4", 9: "<i8"}

#: Fields of a place.
_DTYPE, _SHAPE, _SHARD, _OFFSET, _SIZE = 1, 2, 3, 4, 5


@dataclass(frozen=True)
class Place:
    """Where the bytes of a tensor lie.

    Args:
        dtype: its number.
        shape: of the tensor.
        shard: the number of the data file.
        offset: of its first byte.
        size: in bytes.
    """

    dtype: int
    shape: tuple[int, ...]
    shard: int
    offset: int
    size: int


def read_bundle(index: Path, *, leave_out: tuple[str, ...] = ()) -> dict[str, Tensor]:
    """The tensors of a checkpoint, by name; those of other dtypes than floating point and integers are left out.

    Args:
        index: the file ``PREFIX.index``.
        leave_out: endings of names that are not wanted, such as the moments of Adam.

    Raises:
        ValueError: a file that is no such table, is cut short, or whose data file is absent or too small.
    """
    places = {name: place for name, place in table_of(index) if not name.endswith(leave_out)}
    shards = _shards(index)
    tensors = {}
    for name, place in places.items():
        if place.dtype not in DTYPES:
            continue
        dtype = np.dtype(DTYPES[place.dtype])
        if place.size != prod(place.shape) * dtype.itemsize:
            raise ValueError(f"{index}: {name} of shape {place.shape} cannot have {place.size} bytes; is it a slice?")
        if place.shard not in shards or shards[place.shard].stat().st_size < place.offset + place.size:
            raise ValueError(f"{index}: the bytes of {name} are absent; fetch the data files beside it again")
        values = np.fromfile(shards[place.shard], dtype, prod(place.shape), offset=place.offset)
        tensors[name] = torch.from_numpy(values.reshape(place.shape))
    return tensors


def table_of(index: Path) -> Iterator[tuple[str, Place]]:
    """The names of a checkpoint, in order, and where the tensors lie.

    Raises:
        ValueError: a file that is no such table.
    """
    content = index.read_bytes()
    if len(content) < FOOTER or not content.endswith(MAGIC):
        raise ValueError(f"expected the index of a TensorFlow checkpoint, got {index} with {len(content)} bytes")
    footer = WireReader(content[-FOOTER:])
    try:
        _, _, offset, size = (footer.varint() for _ in range(4))  # of statistics, and of the block of blocks
        for _, handle in _block(content, offset, size):
            where = WireReader(handle)
            for name, entry in _block(content, where.varint(), where.varint()):
                if name:  # the first entry describes the bundle
                    yield name.decode(), _place(entry)
    except (IndexError, UnicodeDecodeError) as error:
        raise ValueError(f"{index} is damaged; fetch it again") from error


def _shards(index: Path) -> Mapping[int, Path]:
    """The data files beside an index, by number."""
    files = index.parent.glob(f"{index.stem}.data-*-of-*")
    return {int(path.name.rpartition(".data-")[2].partition("-of-")[0]): path for path in files}


def _block(content: bytes, offset: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    """The entries of a block: keys are written as what differs from the key before. The byte after it is its type."""
    block, compressed = content[offset : offset + size], content[offset + size]
    if compressed:
        block = decompressed(block)
    restarts = int.from_bytes(block[-4:], "little")
    entries = WireReader(block[: len(block) - 4 * (restarts + 1)])
    key = b""
    while entries:
        shared, rest, length = entries.varint(), entries.varint(), entries.varint()
        key = key[:shared] + entries.take(rest)
        yield key, entries.take(length)


def _place(entry: bytes) -> Place:
    """The protocol buffer ``BundleEntryProto``."""
    fields = dict(WireReader(entry).fields())
    dimensions = [value for number, value in WireReader(fields.get(_SHAPE, b"")).fields() if number == 2]
    shape = tuple(dict(WireReader(dimension).fields()).get(1, 0) for dimension in dimensions)
    return Place(fields.get(_DTYPE, 0), shape, fields.get(_SHARD, 0), fields.get(_OFFSET, 0), fields.get(_SIZE, 0))
