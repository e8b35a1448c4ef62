"""Compiled models."""

import copy
import shutil

import pytest
import torch

from tests.quotient.sam.models import assert_same, mlp, train, values


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler here")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of what inductor imports
def test_a_compiled_model_is_trained_like_the_model_itself(make, data):
    small = data[0].float(), data[1]
    model = mlp()
    twin = copy.deepcopy(model)
    expected = train(model, make(model), small, 5)
    optimizer = make(twin)  # the names are those of the model, without the wrapper's prefix
    losses = train(torch.compile(twin), optimizer, small, 5)
    assert losses == pytest.approx(expected, rel=1e-4)
    assert_same(values(twin), values(model), atol=1e-4)  # float32, fused operations
