import pytest

from experiments.local.snappy import decompressed
from tests.experiments.local.bundle_writer import literal, varint


@pytest.mark.parametrize("length", [1, 59, 60, 61, 200])
def test_literals_come_out_as_they_are(length):
    content = bytes(i % 251 for i in range(length))
    assert decompressed(literal(content)) == content


@pytest.mark.parametrize(("size", "width"), [(60, 1), (300, 2), (70_000, 3)])
def test_long_literals_write_their_length_in_bytes_of_their_own(size, width):
    content = bytes(i % 251 for i in range(size))
    tag = bytes([4 * (59 + width)]) + (size - 1).to_bytes(width, "little")
    assert decompressed(varint(size) + tag + content) == content


@pytest.mark.parametrize(
    "copy",
    [
        bytes([(4 - 4) << 2 | 1, 3]),  # distance in eleven bits
        bytes([(4 - 1) << 2 | 2, 3, 0]),  # in sixteen
        bytes([(4 - 1) << 2 | 3, 3, 0, 0, 0]),  # in thirty-two
    ],
)
def test_copies_of_all_widths_read_back_and_may_read_what_they_write(copy):
    assert decompressed(varint(7) + b"\x08abc" + copy) == b"abcabca"


@pytest.mark.parametrize(
    "content",
    [
        varint(3) + b"\x08ab",  # ends early
        varint(7) + b"\x08abc" + bytes([1, 4]),  # from before the start
        varint(9) + b"\x08abc",  # another length
    ],
)
def test_damage_is_noticed(content):
    with pytest.raises(IndexError):
        decompressed(content)
