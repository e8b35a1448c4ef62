import torch

from measures import normalized_logits


def test_normalized_logits_have_mean_zero_and_norm_one(generator):
    logits = normalized_logits(torch.randn(7, 5, generator=generator, dtype=torch.float64))
    torch.testing.assert_close(logits.mean(dim=-1), torch.zeros(7, dtype=torch.float64), rtol=0, atol=1e-15)
    torch.testing.assert_close(logits.norm(dim=-1), torch.ones(7, dtype=torch.float64))


def test_scale_and_shift_of_the_head_do_not_matter(generator):
    logits = torch.randn(7, 5, generator=generator, dtype=torch.float64)
    torch.testing.assert_close(normalized_logits(3.0 * logits - 2.0), normalized_logits(logits))


def test_equal_logits_stay_finite():
    logits = torch.ones(2, 3, requires_grad=True)
    value = normalized_logits(logits)
    assert not value.any()
    (gradient,) = torch.autograd.grad(value.sum(), logits)
    assert gradient.isfinite().all()
