import numpy as np
import pytest
import torch

from experiments.pool import evaluate
from experiments.pool.recipes import Vision
from experiments.pool.recipes.vision import _moved
from tests.experiments.local.cifar_files import random_batches, write_binary


def parts(recipe):
    return {name: tuple(map(torch.cat, zip(*batches, strict=True))) for name, batches in recipe.parts({}).items()}


def test_a_fraction_of_the_training_labels_is_wrong_and_no_other():
    clean, noisy = parts(Vision(noise=0.0)), parts(Vision(noise=0.5))
    assert clean["train"][0].equal(noisy["train"][0])
    assert clean["test"][1].equal(noisy["test"][1])
    # Half of 400 are drawn anew, nine in ten of them change; three standard errors are 0.075.
    wrong = (clean["train"][1] != noisy["train"][1]).double().mean().item()
    assert wrong == pytest.approx(0.45, abs=0.075)


def test_no_image_is_in_training_and_test():
    data = parts(Vision())
    trained = {tuple(image.flatten().tolist()) for image in data["train"][0]}
    assert len(data["train"][0]) == 400
    assert not any(tuple(image.flatten().tolist()) in trained for image in data["test"][0])


def test_a_moved_image_is_the_image_one_pixel_further(generator):
    images = 1.0 + torch.arange(2 * 5 * 5, dtype=torch.float64).reshape(2, 1, 5, 5).repeat(20, 1, 1, 1)
    directions = set()
    for image, moved in zip(images[:, 0], _moved(images, generator)[:, 0], strict=True):
        shifts = {
            (down, right)
            for down, right in [(1, 0), (-1, 0), (0, 1), (0, -1)]
            if moved[1:-1, 1:-1].equal(image.roll((down, right), (0, 1))[1:-1, 1:-1])
        }
        assert len(shifts) == 1
        assert (moved == images.min()).sum() >= 5  # the background that came in
        directions |= shifts
    assert len(directions) == 4


def test_more_images_than_there_are_is_refused():
    with pytest.raises(ValueError, match="there are 539 images to train on, got images=600"):
        Vision(images=600).example()


def test_cifar_10_takes_the_place_of_the_digits(tmp_path):
    batches = random_batches(count=20)
    write_binary(tmp_path, batches)
    recipe = Vision(str(tmp_path), images=60, noise=0.0, target=2.2, steps=200, patch=16, dim=8, depth=1)
    data = parts(recipe)
    assert data["train"][0].shape == (60, 3, 32, 32)
    assert data["test"][1].tolist() == batches["test_batch"][1].tolist()
    first = np.concatenate(
        [batches[f"data_batch_{i}"][0] for i in (1, 2, 3)]
    )  # the 60 images, in the order of the files
    pixels = torch.from_numpy(first).reshape(60, 3, 32, 32).double()
    expected = (pixels - pixels.mean((0, 2, 3), keepdim=True)) / pixels.std((0, 2, 3), keepdim=True)
    torch.testing.assert_close(data["train"][0], expected)
    configuration, seed = recipe.grid().spread(1)[0]
    model = recipe.model(configuration, seed)
    recipe.train(model, configuration, seed)
    targets = evaluate(recipe, model.eval(), recipe.parts(configuration)).targets
    assert targets["train loss"] <= 2.2 + 1e-6
