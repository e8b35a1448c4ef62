"""Bytes read from the front, in the encoding of protocol buffers."""

from collections.abc import Iterator
from typing import Any

#: How the value of a field is written: as a varint, in eight bytes, with its length before it, in four bytes.
_VARINT, _EIGHT, _LENGTH, _FOUR = 0, 1, 2, 5


class WireReader:
    """A position in some bytes, which moves on as they are read.

    Example:
        >>> WireReader(bytes([0x96, 0x01])).varint()
        150
        >>> list(WireReader(bytes([0x08, 0x96, 0x01, 0x12, 0x02, 0x68, 0x69])).fields())
        [(1, 150), (2, b'hi')]

    Args:
        content: what is read.
    """

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._position = 0

    def __bool__(self) -> bool:
        """Whether anything is left."""
        return self._position < len(self._content)

    def take(self, count: int) -> bytes:
        """The next bytes.

        Raises:
            IndexError: fewer are left.
        """
        if self._position + count > len(self._content):
            raise IndexError(f"expected {count} more bytes, got {len(self._content) - self._position}")
        self._position += count
        return self._content[self._position - count : self._position]

    def varint(self) -> int:
        """The next integer: seven bits in a byte, the lowest first, the eighth bit set on all but the last.

        Raises:
            IndexError: the bytes end within it.
        """
        value, shift = 0, 0
        while True:
            (byte,) = self.take(1)
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7

    def fields(self) -> Iterator[tuple[int, Any]]:
        """The fields of a message, by number: integers, or bytes where the length is written.

        Raises:
            IndexError: a field that is cut short, or is written in no known way.
        """
        while self:
            number, kind = divmod(self.varint(), 8)
            if kind == _VARINT:
                yield number, self.varint()
            elif kind == _LENGTH:
                yield number, self.take(self.varint())
            elif kind in (_EIGHT, _FOUR):
                yield number, int.from_bytes(self.take(8 if kind == _EIGHT else 4), "little")
            else:
                raise IndexError(f"expected a field of one of four kinds, got kind {kind}")
