"""Nobody evaluates or saves a perturbed model."""

import pytest
import torch

from quotient import Euclidean, RiemannianSAM
from tests.quotient.sam.models import SGD, closure_of, mlp

pytestmark = pytest.mark.usefixtures("float64")


def test_a_guarded_model_is_neither_evaluated_nor_saved_while_perturbed(data):
    model = mlp()
    optimizer = RiemannianSAM(model.named_parameters(), Euclidean(), SGD, lr=0.1)
    watch = optimizer.guard(model)
    closure = closure_of(model, optimizer, data)
    closure()
    with optimizer.perturbed():
        closure()  # the second pass goes through
        with pytest.raises(RuntimeError, match="evaluate the model while the model is perturbed"), torch.no_grad():
            model(data[0])
        with pytest.raises(RuntimeError, match="save the model"):
            model.state_dict()
    optimizer.step()
    with torch.no_grad():
        model(data[0])
    model.state_dict()

    watch.close()
    closure()
    with optimizer.perturbed(), torch.no_grad():
        model(data[0])
