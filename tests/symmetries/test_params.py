"""Copies of parameters in double precision: equal, apart from the original, in one block."""

import pytest
import torch

from symmetries.params import double_copy


@pytest.fixture
def params(generator):
    def normal(*shape, dtype=torch.float64):
        return torch.randn(*shape, generator=generator, dtype=dtype)

    return {
        "weight": normal(3, 5, dtype=torch.float32).T,
        "half": normal(7).bfloat16(),
        "scalar": normal(1)[0],
        "planes": normal(3, 2, dtype=torch.complex64),
        "none": normal(0, 4),
    }


def test_a_double_copy_has_the_values(params):
    copy = double_copy(params)
    assert list(copy) == list(params)
    for name, value in params.items():
        wide = torch.complex128 if value.is_complex() else torch.float64
        assert copy[name].dtype == wide
        assert torch.equal(copy[name], value.to(wide))


def test_a_double_copy_may_be_written(params):
    before = {name: value.clone() for name, value in params.items()}
    for value in double_copy(params).values():
        value.fill_(7.0)
    assert all(torch.equal(value, before[name]) for name, value in params.items())


def test_a_double_copy_is_one_block(params):
    addresses = {value.untyped_storage().data_ptr() for value in double_copy(params).values()}
    assert len(addresses) == 1
    assert double_copy({}) == {}
