import pytest
import torch

from experiments.classifier import TextClassifier
from experiments.models.zoo import library, tiny
from symmetries import detect, verify

pytest.importorskip("transformers")


@pytest.fixture
def classifier(float64):
    transformers = library("transformers")
    encoder = transformers.BertModel(transformers.BertConfig(**tiny.ENCODER), add_pooling_layer=False)
    return TextClassifier(encoder, 3, torch.Generator().manual_seed(0)).eval()


def test_padding_does_not_matter(classifier):
    ids, mask = torch.tensor([[1, 2, 3, 4, 5]]), torch.tensor([[1, 1, 1, 0, 0]])
    logits = classifier(input_ids=ids, attention_mask=mask)
    short = classifier(input_ids=ids[:, :3], attention_mask=mask[:, :3])
    assert logits.shape == (1, 3)
    torch.testing.assert_close(logits, short, rtol=1e-12, atol=1e-12)


def test_its_whole_group_is_found_and_holds(classifier, generator):
    batch = {
        "input_ids": torch.randint(tiny.VOCABULARY, (4, 5), generator=generator),
        "attention_mask": torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0], [1, 1, 0, 0, 0], [1, 1, 1, 1, 0]]),
    }
    symmetry = detect(classifier, batch)
    assert symmetry.unrecognised == ()
    heads = tiny.DEPTH * 2 * 2 * (tiny.WIDTH // 2) ** 2  # query-key and value-output, two heads a layer
    assert {family.name: family.dimension for family in symmetry.families}["change of basis"] == heads
    assert verify(classifier, symmetry, batch) < 1e-9
