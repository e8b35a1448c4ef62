import pytest
import torch

from experiments.pool import evaluate
from tests.experiments.pool.pool_cases import Line

POINT = ({"learning rate": 0.1}, 0)


def test_targets_are_means_over_all_labels_however_batches_divide_them():
    recipe = Line()
    parts = recipe.parts({})  # the same three examples, once in one batch, once in batches of two and one
    targets = evaluate(recipe, recipe.model(*POINT), parts).targets
    assert targets["test loss"] == pytest.approx(targets["train loss"], rel=1e-14)
    assert targets["test error"] == targets["train error"]


def test_values_are_those_of_the_definitions():
    recipe = Line()
    model = recipe.model(*POINT)
    evaluation = evaluate(recipe, model, recipe.parts({}) | {"shifted": recipe.parts({})["test"]})
    ((points, labels),) = recipe.parts({})["train"]
    logits = model(points).detach()
    wrong = (logits.softmax(-1).argmax(-1) != labels).double().mean().item()
    loss = -logits.softmax(-1)[range(3), labels].log().mean().item()
    assert evaluation.targets["train loss"] == pytest.approx(loss)
    assert evaluation.targets["shifted error"] == evaluation.targets["test error"] == pytest.approx(wrong)
    assert evaluation.targets["loss gap"] == pytest.approx(0.0)
    assert evaluation.covariates["logit norm"] == pytest.approx(logits.square().sum(-1).sqrt().mean().item())
    entries = torch.cat([model.weight.flatten(), model.bias])
    assert evaluation.covariates["parameter norm"] == pytest.approx(entries.square().sum().sqrt().item())


def test_a_gap_is_test_minus_train():
    recipe = Line()
    parts = recipe.parts({})
    parts["test"] = [(points, (labels + 1) % 3) for points, labels in parts["test"]]
    targets = evaluate(recipe, recipe.model(*POINT), parts).targets
    assert targets["loss gap"] == targets["test loss"] - targets["train loss"] != 0.0
    assert targets["error gap"] == targets["test error"] - targets["train error"]
