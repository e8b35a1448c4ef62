"""LoRA on a small Llama: two factorizations of one adapter train to the same product."""

import copy

import pytest
import torch

from experiments.integrations import low_rank
from symmetries import detect, verify

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning")  # of transformers, about itself


@pytest.fixture
def setting(float64, generator):
    try:
        model = low_rank.small_llama(generator).double()
    except ImportError as missing:
        pytest.skip(str(missing))
    batches = list(torch.randint(32, (2, 3, 8), generator=generator))
    symmetry = detect(model, {"input_ids": batches[0]})
    verify(model, symmetry, {"input_ids": batches[0]})
    moved = copy.deepcopy(model)
    trainable = {n: p.detach() for n, p in model.named_parameters() if p.requires_grad}
    g = symmetry.random(torch.Generator().manual_seed(1), condition=30.0)
    moved.load_state_dict(symmetry.act(g, trainable), strict=False)
    return model, moved, symmetry, batches


def distance(model, moved):
    there = low_rank.products(moved)
    return max(float((a - there[name]).abs().max()) for name, a in low_rank.products(model).items())


def test_two_factorizations_train_to_the_same_products(setting):
    model, moved, symmetry, batches = setting
    before = low_rank.products(model)
    losses = [low_rank.fine_tune(m, symmetry, batches, steps=20, lr=0.02, radius=0.05) for m in (model, moved)]
    assert losses[0] == pytest.approx(losses[1], abs=1e-8)
    assert distance(model, moved) < 1e-8
    assert losses[0][-1] < losses[0][0]
    assert max(float((a - before[n]).abs().max()) for n, a in low_rank.products(model).items()) > 1e-2


def test_plain_adamw_trains_them_apart(setting):
    model, moved, _, batches = setting
    for m in (model, moved):
        optimizer = torch.optim.AdamW([p for p in m.parameters() if p.requires_grad], lr=0.02)
        for step in range(20):
            optimizer.zero_grad()
            low_rank.next_token_loss(m, batches[step % 2]).backward()
            optimizer.step()
    assert distance(model, moved) > 1e-3
