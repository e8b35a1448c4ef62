"""The compression that tables of TensorFlow use."""

from .wire_format import WireReader


def decompressed(content: bytes) -> bytes:
    r"""What was compressed as one raw Snappy block [Snappy2011].

    The length of the result comes first, then elements: literal bytes, or copies of what came out before. The two
    lowest bits of an element's first byte say which, and how the length and the distance back are written.

    Example:
        >>> decompressed(b"\x09\x08abc\x09\x03")  # nine bytes: the three of abc, then six from three bytes back
        b'abcabcabc'

    Args:
        content: the block.

    Raises:
        IndexError: a block that ends early, copies from before its start, or gives another length than it says.
    """
    reader = WireReader(content)
    length = reader.varint()
    result = bytearray()
    while reader:
        (tag,) = reader.take(1)
        kind, upper = tag & 3, tag >> 2
        if kind == 0:
            # Lengths beyond 60 follow in 1 to 4 bytes.
            count = upper if upper < 60 else int.from_bytes(reader.take(upper - 59), "little")
            result += reader.take(count + 1)
        elif kind == 1:
            _copy(result, (upper >> 3) << 8 | reader.take(1)[0], (upper & 7) + 4)
        else:
            _copy(result, int.from_bytes(reader.take(2 if kind == 2 else 4), "little"), upper + 1)
    if len(result) != length:
        raise IndexError(f"expected {length} bytes, got {len(result)}")
    return bytes(result)


def _copy(result: bytearray, distance: int, count: int) -> None:
    """Append ``count`` bytes from ``distance`` bytes back: a copy may read what it writes."""
    if not 0 < distance <= len(result):
        raise IndexError(f"a copy from {distance} bytes back, where {len(result)} are there")
    for _ in range(count):
        result.append(result[-distance])
