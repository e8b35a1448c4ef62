import pytest
import torch
from torch import nn

from measures import EmpiricalLoss, GaussNewton, GaussNewtonProduct
from quotient import Euclidean, Quotient
from tests.measures.operators.test_hessian import dense


def jacobian_and_curvature(loss, params, output, batch):
    """J of the model's outputs and the Hessian of the loss in them, column by column."""
    leaves = {name: p.detach().requires_grad_() for name, p in params.items()}
    with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
        z = torch.func.functional_call(loss.model, leaves, (batch[0],))
    rows = [torch.autograd.grad(e, list(leaves.values()), retain_graph=True) for e in z.flatten()]
    jacobian = torch.stack([torch.cat([g.flatten() for g in row]) for row in rows])
    curvature = torch.autograd.functional.hessian(lambda v: output(v.view_as(z), batch[1]), z.detach().flatten())
    return jacobian, curvature


@pytest.mark.parametrize("attention", [False, True])
@pytest.mark.parametrize("options", [{}, {"microbatch": 4}], ids=["whole", "microbatches"])
def test_products_are_those_of_the_dense_matrix(classifier, generator, attention, options):
    loss, params = classifier(attention, **options)
    expected = torch.zeros(())
    for batch in loss.batches:
        jacobian, curvature = jacobian_and_curvature(loss, params, nn.functional.cross_entropy, batch)
        expected = expected + jacobian.mT @ curvature @ jacobian / len(loss.batches)
    operator = GaussNewton(loss, Euclidean().chart(params))
    v = operator.random(generator)
    torch.testing.assert_close(operator(v), expected @ v, rtol=1e-10, atol=1e-12)


def test_it_is_the_hessian_where_the_loss_is_quadratic_in_a_linear_model(generator):
    model = nn.Linear(3, 2).double()
    data = torch.randn(5, 3, generator=generator, dtype=torch.float64)
    loss = EmpiricalLoss(model, lambda f, x: f(x).square().sum(), [data])
    params = dict(model.named_parameters())
    tangent = {name: torch.randn(p.shape, generator=generator, dtype=p.dtype) for name, p in params.items()}
    product, hessian = GaussNewtonProduct(loss, params)(tangent), loss.hvp(params, tangent)
    for name in params:
        torch.testing.assert_close(product[name], hessian[name])


def test_it_is_positive_and_blind_to_vertical_directions(low_rank, generator):
    loss, params, symmetry = low_rank
    matrix = dense(GaussNewton(loss, Quotient(symmetry).chart(params)))
    assert torch.linalg.eigvalsh(matrix)[0] > -1e-12
    vertical = symmetry.infinitesimal(symmetry.random_algebra(generator), params)
    product = GaussNewtonProduct(loss, params)(vertical)
    assert max(part.abs().max() for part in product.values()) < 1e-12


def test_its_spectrum_on_the_quotient_belongs_to_the_orbit(low_rank, generator):
    loss, params, symmetry = low_rank
    moved = symmetry.act(symmetry.random(generator, condition=100.0), params)
    for geometry, invariant in ((Quotient(symmetry), True), (Euclidean(), False)):
        here, there = (
            torch.linalg.eigvalsh(dense(GaussNewton(loss, geometry.chart(geometry.representative(p)))))
            for p in (params, moved)
        )
        assert torch.allclose(here, there, rtol=1e-8, atol=1e-10) is invariant


def test_a_loss_that_does_not_come_through_the_outputs_is_refused(classifier):
    loss, params = classifier()
    penalized = EmpiricalLoss(loss.model, lambda f, b: loss.loss_fn(f, b) + f.head.weight.square().sum(), loss.batches)
    with pytest.raises(ValueError, match="of the gradient does not come through"):
        GaussNewtonProduct(penalized, params)
    inside = EmpiricalLoss(loss.model, lambda f, b: f.embed(b[0]).square().mean(), loss.batches)
    with pytest.raises(ValueError, match="never called the model"):
        GaussNewtonProduct(inside, params)


def test_logits_are_found_beside_a_loss_that_the_model_computes(generator):
    class Labelled(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(3, 2).double()

        def forward(self, x, labels):
            logits = self.linear(x)
            return {"loss": nn.functional.cross_entropy(logits, labels), "logits": logits, "hidden": 2 * x}

    model = Labelled()
    batch = {"x": torch.randn(5, 3, generator=generator, dtype=torch.float64), "labels": torch.tensor([0, 1, 1, 0, 1])}
    loss = EmpiricalLoss(model, lambda f, b: f(**b)["loss"], [batch])
    params = dict(model.named_parameters())
    v = {name: torch.randn(p.shape, generator=generator, dtype=p.dtype) for name, p in params.items()}
    # Logits are linear in the parameters: the second part of the Hessian is zero.
    for name, part in GaussNewtonProduct(loss, params)(v).items():
        torch.testing.assert_close(part, loss.hvp(params, v)[name])
