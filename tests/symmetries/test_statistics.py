"""Fixed statistics: a linear change of coordinates of gain and shift, in which batch norm has none."""

import pytest
import torch
from torch import nn

from symmetries.statistics import FixedStatistics, fold_, folded, unfold_, unfolded


@pytest.fixture
def norm(generator):
    norm = nn.BatchNorm1d(4).double().eval()
    for value in (norm.running_mean, norm.weight.data, norm.bias.data):
        value.normal_(generator=generator)
    norm.running_var.uniform_(0.5, 2.0, generator=generator)
    return norm


@pytest.fixture
def statistics(norm):
    return FixedStatistics("weight", "bias", norm.running_mean, (norm.running_var + norm.eps).sqrt())


def test_folded_gain_and_shift_are_the_whole_norm(norm, statistics, generator):
    x = torch.randn(5, 4, generator=generator, dtype=torch.float64)
    params = folded(dict(norm.named_parameters()), [statistics])
    torch.testing.assert_close(norm(x), params["weight"] * x + params["bias"])


def test_unfolding_undoes_folding(norm, statistics):
    params = {name: p.detach() for name, p in norm.named_parameters()}
    back = unfolded(folded(params, [statistics]), [statistics])
    for name, value in params.items():
        torch.testing.assert_close(back[name], value)


def test_folding_in_place_is_folding(norm, statistics):
    params = {name: p.detach() for name, p in norm.named_parameters()}
    point = {name: p.clone() for name, p in params.items()}
    fold_(point, [statistics])
    torch.testing.assert_close(point, folded(params, [statistics]), rtol=0, atol=0)
    unfold_(point, [statistics])
    torch.testing.assert_close(point, params)


def test_a_tangent_without_the_shift_moves_the_shift_with_the_gain(norm, statistics):
    moved = unfolded({"weight": torch.ones(4, dtype=torch.float64)}, [statistics])
    torch.testing.assert_close(moved["weight"], statistics.deviation)
    torch.testing.assert_close(moved["bias"], norm.running_mean)


def test_parameters_of_other_modules_are_shared(statistics):
    params = {"other": torch.ones(2)}
    assert folded(params, [statistics])["other"] is params["other"]
    assert folded(params, [statistics]).keys() == params.keys()


def test_norms_agree_only_with_the_same_statistics(statistics):
    other = FixedStatistics("weight", "bias", statistics.mean + 1, statistics.deviation)
    assert statistics.agrees(statistics)
    assert not statistics.agrees(other)
