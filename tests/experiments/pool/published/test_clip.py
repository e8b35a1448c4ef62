import pytest
import torch

from experiments.pool.published import ClipClassifier, ClipSizes, clip_state
from tests.experiments.pool.published.openai_clip import SIZES, Classifier, checkpoint


def test_a_translated_checkpoint_is_the_same_function():
    state = checkpoint()
    theirs = Classifier(**SIZES).double().eval()
    theirs.load_state_dict(state)
    ours = ClipClassifier(ClipSizes.of(state)).double().eval()
    ours.load_state_dict(clip_state(state))
    images = torch.randn(5, 3, 16, 16, dtype=torch.float64)
    # Both are the same sums in other orders.
    torch.testing.assert_close(ours(images), theirs(images), rtol=1e-10, atol=1e-12)


def test_sizes_are_read_from_the_weights():
    assert ClipSizes.of(checkpoint()) == ClipSizes(**SIZES, projection=16, classes=3)


def test_the_default_has_the_shapes_of_vit_b_32():
    with torch.device("meta"):
        model = ClipClassifier()
    assert sum(p.numel() for p in model.parameters()) == 87_849_216 + 513 * 1000
    assert model.tower.vision_model.embeddings.position_embedding.weight.shape == (50, 768)


def test_a_name_that_is_unknown_is_kept_so_that_loading_reports_it():
    state = checkpoint() | {"model.visual.extra": torch.zeros(2)}
    model = ClipClassifier(ClipSizes.of(state))
    with pytest.raises(RuntimeError, match="Unexpected key.*extra"):
        model.load_state_dict(clip_state(state))
