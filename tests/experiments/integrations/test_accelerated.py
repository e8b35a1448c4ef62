"""accelerate takes the steps of the plain loop."""

import copy

import pytest
import torch

from tests.experiments.integrations.conftest import Classifier, assert_drawn_twice, loss_fn, make_optimizer

accelerate = pytest.importorskip("accelerate")


def run(model, batches, **options):
    from experiments.integrations.accelerated import train

    loader = torch.utils.data.DataLoader(batches, batch_size=None)
    return train(accelerate.Accelerator(cpu=True), model, make_optimizer(model, **options), loader, loss_fn)


@pytest.mark.parametrize("options", [{}, {"every": 2}, {"mode": "riemannian"}])
def test_accelerate_takes_the_steps_of_the_plain_loop(options, batches, plain_loop):
    model = Classifier()
    twin = copy.deepcopy(model)
    expected = plain_loop(model, make_optimizer(model, **options))
    assert len(run(twin, batches, **options)) == len(batches)
    torch.testing.assert_close([p.detach() for p in twin.parameters()], expected)


def test_the_second_pass_gets_the_dropout_masks_of_the_first(batches):
    model = Classifier(dropout=0.5)
    run(model, batches)
    assert_drawn_twice(model.masks)
