import sys

import pytest
import torch

from experiments.benchmarks.peak import added_memory

SIZE = 256 * 2**20


def hold(count):
    """Touch ``count`` tensors of 256 MiB, all at once."""
    return [torch.ones(SIZE // 4) for _ in range(count)]


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's high-water mark is read from /proc")
def test_peak_is_what_a_call_held_at_most_whatever_was_held_before():
    hold(3)
    # Pages that the allocator keeps are part of both marks: 10 %.
    assert added_memory(lambda: hold(1)) == pytest.approx(SIZE, rel=0.1)
    assert added_memory(lambda: hold(2)) == pytest.approx(2 * SIZE, rel=0.1)
