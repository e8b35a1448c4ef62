import pytest
import torch
from torch.utils._pytree import tree_leaves

from experiments.pool import Grid, Pool, evaluate, trainings
from experiments.pool.recipes import RECIPES
from experiments.work import Here, run
from symmetries import detect, verify


@pytest.fixture(params=RECIPES, scope="module")
def recipe(request):
    return RECIPES[request.param].small()


def test_a_small_pool_has_twelve_models_and_a_full_one_forty(recipe):
    assert isinstance(recipe.grid(), Grid)
    assert len(recipe.grid()) >= 12
    assert len(type(recipe)().grid()) >= 40


def test_the_seed_makes_the_model(recipe):
    (configuration, _), *_ = recipe.grid()
    first, again, other = (recipe.model(configuration, seed).state_dict() for seed in (0, 0, 1))
    assert all(value.equal(again[name]) for name, value in first.items())
    assert any(not value.equal(other[name]) for name, value in first.items())


def test_training_learns_and_is_always_the_same(recipe):
    (configuration, seed) = recipe.grid().spread(1)[0]
    model, again = recipe.model(configuration, seed), recipe.model(configuration, seed)
    parts = {name: recipe.parts(configuration)["train"] for name in ("train", "test")}
    before = evaluate(recipe, model, parts).targets["train loss"]
    for one in (model, again):
        torch.manual_seed(seed)
        assert min(recipe.train(one, configuration, seed).values()) > 0
    assert evaluate(recipe, model.eval(), parts).targets["train loss"] < before
    assert all(value.equal(again.state_dict()[name]) for name, value in model.state_dict().items())


def test_samples_are_of_the_training_data_of_every_model_and_differ(recipe):
    def examples(batches):
        return [example.tolist() for batch in batches for example in tree_leaves(batch)[0]]

    first, second = (examples(recipe.sample(number, examples=6, batch=4)) for number in (0, 1))
    assert len(first) == len(second) == 6
    assert not any(example in second for example in first)
    for configuration, _ in recipe.grid():
        seen = examples(recipe.parts(configuration)["train"])
        assert all(example in seen for example in first + second)


def test_the_loss_is_that_of_the_logits_and_labels(recipe):
    (configuration, seed), *_ = recipe.grid()
    model, (batch, *_) = recipe.model(configuration, seed), recipe.sample(0, examples=6, batch=6)
    logits, labels = recipe.logits(model, batch), recipe.labels(batch)
    assert logits.shape[:-1] == labels.shape
    own = -logits.log_softmax(-1).gather(-1, labels[..., None]).mean()
    torch.testing.assert_close(recipe.loss(model, batch), own, rtol=1e-12, atol=0.0)


def test_symmetry_is_detected_from_the_example_in_double_precision(recipe):
    (configuration, seed), *_ = recipe.grid()
    model = recipe.model(configuration, seed)
    assert all(p.dtype == torch.float64 for p in model.parameters())
    assert not model.training
    symmetry = detect(model, recipe.example())
    assert symmetry.dimension > 0
    assert verify(model, symmetry, recipe.example()) < 1e-9


@pytest.mark.gpu
def test_a_model_is_trained_and_judged_on_an_accelerator(recipe, tmp_path):
    run(trainings(Pool(tmp_path), recipe, models=1, device="cuda"), Here(), label="on an accelerator")
    (there,) = Pool(tmp_path).trained
    model = there.into(recipe.model(there.configuration, there.seed))
    judged = evaluate(recipe, model, recipe.parts(there.configuration)).targets
    assert judged == pytest.approx(there.targets, rel=1e-4, abs=1e-4)  # single precision, summed in another order
