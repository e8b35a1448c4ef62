import pytest
import torch

from experiments.pool.recipes import Text


def test_a_smaller_training_set_is_part_of_a_larger_one():
    recipe = Text()
    sets = [torch.cat(list(recipe.parts(configuration)["train"])) for configuration, _ in recipe.grid()]
    sizes = {len(windows) for windows in sets}
    assert sizes == {256, 512, 1024}
    largest = max(sets, key=len)
    assert all(windows.equal(largest[: len(windows)]) for windows in sets)


def test_the_test_is_of_the_same_length_and_shares_no_window_with_training():
    parts = Text().parts({"windows": 1024})
    train, test, shifted = ({tuple(w) for batch in parts[name] for w in batch.tolist()} for name in parts)
    # Equal windows are possible where texts repeat themselves (blank lines, rulers): a hundredth at most.
    assert len(train & test) <= 0.01 * len(test)
    assert len(train & shifted) <= 0.01 * len(shifted)


def test_more_windows_than_there_are_is_refused():
    with pytest.raises(ValueError, match="windows to train on, got windows=10000000"):
        Text(windows=10**7).sample(0, examples=2, batch=2)
