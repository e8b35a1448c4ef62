"""The real pretrained encoder: its group, its canonical checkpoint, its measures on real text."""

from pathlib import Path

import pytest
import torch

from experiments.checkpoint import load_into
from experiments.encoder import contrastive, embeddings, halves, load, long_docstrings, packaged
from measures import EmpiricalLoss, worst_case_sharpness
from quotient import Adaptive, Quotient
from symmetries import detect, distance, trainable_parameters, verify


@pytest.fixture(scope="module")
def encoder():
    try:
        model, tokenizer = load(packaged())
    except ImportError as missing:
        pytest.skip(str(missing))
    return model, tokenizer, halves(tokenizer, 4, 24)


@pytest.fixture(scope="module")
def symmetry(encoder):
    model, _, batch = encoder
    return detect(model, {name: value[:2] for name, value in batch.items()})


def test_its_whole_group_is_found_and_holds(encoder, symmetry):
    model, _, batch = encoder
    layers, heads, size, width, hidden, tokens = 6, 12, 32, 384, 1536, 30522 + 512 + 2
    base = layers * (2 * heads * size**2 + 8 * width + 2 * hidden + 2) + tokens + 2 * (width - 1)
    assert symmetry.dimension == base + width  # one more for every row of the pooler, which reads a LayerNorm
    assert symmetry.unrecognised == ()
    assert verify(model, symmetry, {name: value[:2] for name, value in batch.items()}, draws=1) < 1e-9


def test_the_canonical_checkpoint_is_the_same_encoder_saved_in_the_same_class(encoder, symmetry, tmp_path: Path):
    model, tokenizer, batch = encoder
    theta = {name: value.clone() for name, value in trainable_parameters(model).items()}
    expected = embeddings(model, batch)
    try:
        load_into(model, symmetry.canonical(theta))
        torch.testing.assert_close(embeddings(model, batch), expected, rtol=0.0, atol=1e-9)
        model.save_pretrained(tmp_path)
        tokenizer.save_pretrained(tmp_path)
    finally:
        load_into(model, theta)
    again, _ = load(tmp_path)
    assert type(again) is type(model)
    torch.testing.assert_close(embeddings(again, batch), expected, rtol=0.0, atol=1e-9)
    assert distance(symmetry, theta, trainable_parameters(again)).relative < 1e-9


# One rounding to b bits moves a unit vector by a few units in the last place, times the depth of the network.
@pytest.mark.parametrize(("dtype", "atol"), [(torch.float32, 1e-6), (torch.bfloat16, 5e-2)])
def test_canonical_in_low_precision_is_rounded_once(encoder, symmetry, dtype: torch.dtype, atol: float):
    model, _, batch = encoder
    theta = {name: value.clone() for name, value in trainable_parameters(model).items()}
    low = {name: value.to(dtype) for name, value in theta.items()}
    canonical = symmetry.canonical(low)
    assert all(value.dtype == dtype for value in canonical.values())
    try:
        load_into(model, low)
        expected = embeddings(model, batch)
        load_into(model, canonical)
        torch.testing.assert_close(embeddings(model, batch), expected, rtol=0.0, atol=atol)
    finally:
        load_into(model, theta)


def test_geodesic_sharpness_does_not_see_the_representative(encoder, symmetry, generator):
    model, _, batch = encoder
    loss = EmpiricalLoss(model, contrastive, [batch])
    theta = trainable_parameters(model)
    moved = symmetry.act(symmetry.random(generator, 100.0), theta)

    def value(params, geometry, radius):
        return worst_case_sharpness(loss, params, geometry, radius=radius, steps=1).value

    geodesic = Quotient(symmetry)
    assert value(moved, geodesic, 0.2) == pytest.approx(value(theta, geodesic, 0.2), rel=1e-6)
    assert value(moved, Adaptive(), 0.5) != pytest.approx(value(theta, Adaptive(), 0.5), rel=1e-2)


def test_text_is_on_every_machine():
    assert sum(1 for _ in long_docstrings()) > 300


def test_a_folder_without_a_model_is_refused(tmp_path: Path):
    with pytest.raises(ValueError, match=r"config\.json"):
        load(tmp_path)
