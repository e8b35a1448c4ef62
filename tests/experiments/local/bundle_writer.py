"""Writes what `experiments.local.tensor_bundle` reads, from the description of the format."""

from collections.abc import Mapping
from pathlib import Path

import torch

MAGIC = bytes.fromhex("57fb808b247547db")
NUMBERS = {torch.float32: 1, torch.float64: 2, torch.int32: 3, torch.int64: 9, torch.bool: 10}


def varint(value: int) -> bytes:
    """Seven bits in a byte, the lowest first."""
    out = b""
    while value > 0x7F:
        out, value = out + bytes([value & 0x7F | 0x80]), value >> 7
    return out + bytes([value])


def number(field: int, value: int) -> bytes:
    """An integer field of a message; zeros are left out, as protocol buffers do."""
    return varint(8 * field) + varint(value) if value else b""


def message(field: int, content: bytes) -> bytes:
    """A message in a message."""
    return varint(8 * field + 2) + varint(len(content)) + content


def literal(content: bytes) -> bytes:
    """A Snappy block that compresses nothing: literals of at most 60 bytes."""
    pieces = [content[i : i + 60] for i in range(0, len(content), 60)]
    return varint(len(content)) + b"".join(bytes([4 * (len(p) - 1)]) + p for p in pieces)


def block(entries: list[tuple[bytes, bytes]], *, compressed: bool = False) -> bytes:
    """Entries with shared prefixes, one restart, the type, and four bytes where a checksum would be."""
    out, last = b"", b""
    for key, value in entries:
        shared = next((i for i, (a, b) in enumerate(zip(last, key, strict=False)) if a != b), min(len(last), len(key)))
        out += varint(shared) + varint(len(key) - shared) + varint(len(value)) + key[shared:] + value
        last = key
    out += (0).to_bytes(4, "little") + (1).to_bytes(4, "little")
    return (literal(out) + b"\x01" if compressed else out + b"\x00") + b"\x00" * 4


def write_bundle(
    prefix: Path, tensors: Mapping[str, torch.Tensor], *, per_block: int = 3, compressed: bool = False
) -> None:
    """`PREFIX.index` and one data file, in blocks of `per_block` entries."""
    data, entries = b"", [(b"", number(1, 1) + message(3, number(1, 1)))]
    for name, tensor in sorted(tensors.items()):
        content = tensor.contiguous().numpy().tobytes()
        shape = b"".join(message(2, number(1, size)) for size in tensor.shape)
        place = number(1, NUMBERS[tensor.dtype]) + message(2, shape) + number(4, len(data)) + number(5, len(content))
        entries.append((name.encode(), place + varint(8 * 6 + 5) + b"\x00" * 4))
        data += content
    content, handles = b"", []
    for start in range(0, len(entries), per_block):
        chosen = entries[start : start + per_block]
        written = block(chosen, compressed=compressed)
        handles.append((chosen[-1][0], varint(len(content)) + varint(len(written) - 5)))
        content += written
    meta, listing = block([]), block(handles)
    footer = b"".join(
        varint(place) + varint(size)
        for place, size in ((len(content), len(meta) - 5), (len(content) + len(meta), len(listing) - 5))
    )
    prefix.parent.mkdir(parents=True, exist_ok=True)
    prefix.with_name(f"{prefix.name}.index").write_bytes(content + meta + listing + footer.ljust(40, b"\x00") + MAGIC)
    prefix.with_name(f"{prefix.name}.data-00000-of-00001").write_bytes(data)
