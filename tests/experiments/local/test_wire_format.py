import pytest

from experiments.local.wire_format import WireReader
from tests.experiments.local.bundle_writer import message, number, varint


@pytest.mark.parametrize("value", [0, 1, 127, 128, 300, 2**35])
def test_a_varint_is_read_as_it_was_written(value):
    assert WireReader(varint(value)).varint() == value


def test_fields_of_all_kinds_are_read_in_order():
    content = (
        number(1, 300) + message(2, b"ab") + bytes([8 * 3 + 5, 1, 0, 0, 0]) + bytes([8 * 4 + 1]) + b"\x02" + b"\0" * 7
    )
    assert list(WireReader(content).fields()) == [(1, 300), (2, b"ab"), (3, 1), (4, 2)]


@pytest.mark.parametrize("content", [b"\x80", message(2, b"abc")[:-1], bytes([8 * 1 + 3])])
def test_what_is_cut_short_or_unknown_is_noticed(content):
    with pytest.raises(IndexError):
        list(WireReader(content).fields())
