import pytest
import torch
from torch import nn

from measures.mode import evaluation_mode


def test_modes_are_restored_module_by_module_even_after_an_error():
    model = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5), nn.LayerNorm(2)).train()
    model[1].eval()
    before = [module.training for module in model.modules()]
    fast_path = torch.backends.mha.get_fastpath_enabled()

    def fail():
        with evaluation_mode(model):
            assert not any(module.training for module in model.modules())
            assert not torch.backends.mha.get_fastpath_enabled()
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert [module.training for module in model.modules()] == before
    assert torch.backends.mha.get_fastpath_enabled() == fast_path


def test_value_is_the_same_with_and_without_gradients(classifier):
    loss, params = classifier(attention=True)
    with torch.no_grad():
        without = loss(params)
    assert torch.equal(without, loss.value_and_gradient(params)[0])
