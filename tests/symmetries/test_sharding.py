"""Shards of tensors, on a mesh of one process; tests/integration/test_sharded.py has two."""

from collections.abc import Iterator

import pytest
import torch
import torch.distributed as dist
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh
from torch.distributed.tensor import DTensor, Shard

from symmetries import laid_out, own_shard, pairing, require_whole, whole


@pytest.fixture
def mesh() -> Iterator[DeviceMesh]:
    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    yield init_device_mesh("cpu", (1,))
    dist.destroy_process_group()


def test_a_tensor_is_whole_again_after_it_was_laid_out(mesh):
    like = DTensor.from_local(torch.zeros(3, 2), mesh, [Shard(0)])
    tensor = torch.arange(6.0).view(3, 2)
    placed = laid_out(tensor, like)
    assert placed.placements == like.placements
    assert torch.equal(whole(placed), tensor)
    assert torch.equal(own_shard(placed), tensor)
    assert own_shard(placed).data_ptr() != tensor.data_ptr()


def test_pairings_of_shards_are_whole(mesh):
    sharded = {"w": DTensor.from_local(torch.ones(3), mesh, [Shard(0)])}
    assert not isinstance(pairing(sharded, sharded), DTensor)
    assert pairing(sharded, sharded).item() == 3.0


def test_tensors_that_are_whole_stay_what_they_are():
    tensor = torch.ones(2)
    assert whole(tensor) is own_shard(tensor) is laid_out(tensor, tensor) is tensor


def test_shards_are_refused_with_advice(mesh):
    with pytest.raises(ValueError, match="1 sharded ones, such as 'w': gather it"):
        require_whole({"w": DTensor.from_local(torch.ones(3), mesh, [Shard(0)])}, "gather it")
    require_whole({"w": torch.ones(3)}, "gather it")
