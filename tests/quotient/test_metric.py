"""Metrics on factor pairs against their published formulas, and the projection against the Sylvester equation."""

import pytest
import torch
from scipy.linalg import solve_sylvester
from torch import Tensor

from quotient import AbstractMetric, Embedded, Invariant, Mixed, Quotient, Taylor
from quotient.balance import balanced
from symmetries import Params, Tangent
from tests.quotient.cases import QUERY_KEY, ROTARY, group, parameters

METRICS = [Invariant(), Mixed()]
PAIRS = [QUERY_KEY, ROTARY]


def space(pair, metric: AbstractMetric) -> Quotient:  # type: ignore[no-untyped-def]
    return Quotient(group(pair), metric, Taylor(2), rest="frozen")


def tangent(params: Params, generator: torch.Generator) -> Tangent:
    return {name: torch.randn(p.shape, generator=generator, dtype=p.dtype) for name, p in params.items()}


def weights(metric: AbstractMetric, g: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
    s, t = g.mH @ g, h.mH @ h
    return (s.inverse(), t.inverse()) if isinstance(metric, Invariant) else (t, s)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("pair", PAIRS)
def test_inner_product_is_the_published_one(pair, metric: AbstractMetric, generator: torch.Generator) -> None:  # type: ignore[no-untyped-def]
    params = parameters(generator)
    u, v = tangent(params, generator), tangent(params, generator)
    m = weights(metric, *pair.stack(params))
    expected = sum(
        (w @ a.mH @ b).diagonal(dim1=-2, dim2=-1).real.sum()
        for w, a, b in zip(m, pair.stack(u), pair.stack(v), strict=True)
    )
    torch.testing.assert_close(space(pair, metric).inner(params, u, v), expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("pair", PAIRS)
def test_gradient_is_the_published_one_and_horizontal(  # type: ignore[no-untyped-def]
    pair, metric: AbstractMetric, generator: torch.Generator
) -> None:
    """For an invariant function the differential times the inverse weights is horizontal already."""
    params = {name: p.requires_grad_() for name, p in parameters(generator).items()}
    g, h = pair.stack(params)
    target = torch.randn(g.shape[0], g.shape[1], h.shape[1], generator=generator, dtype=g.dtype)
    loss = (g @ h.mH - target).abs().square().sum()
    grads = torch.autograd.grad(loss, list(params.values()), allow_unused=True, materialize_grads=True)
    covector = dict(zip(params, grads, strict=True))
    params = {name: p.detach() for name, p in params.items()}
    geometry = space(pair, metric)
    sharp = geometry.sharp(params, covector)
    for name, value in geometry.gradient(params, covector).items():
        torch.testing.assert_close(value, sharp[name], rtol=1e-9, atol=1e-9)
    m = weights(metric, *pair.stack(params))
    for got, d, w in zip(pair.stack(sharp), pair.stack(covector), m, strict=True):
        torch.testing.assert_close(got, d @ w.inverse(), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("pair", PAIRS)
def test_embedded_length_is_that_of_the_change_of_the_products(pair, generator: torch.Generator) -> None:  # type: ignore[no-untyped-def]
    params = parameters(generator)
    geometry = space(pair, Embedded())
    u, v = (geometry.project(params, tangent(params, generator)) for _ in range(2))
    (g, h), (u_g, u_h), (v_g, v_h) = (pair.stack(p) for p in (params, u, v))
    expected = ((u_g @ h.mH + g @ u_h.mH).conj() * (v_g @ h.mH + g @ v_h.mH)).real.sum()
    torch.testing.assert_close(geometry.inner(params, u, v), expected, rtol=1e-10, atol=1e-10)


def test_embedded_and_mixed_lengths_differ_within_the_columns_only(generator: torch.Generator) -> None:
    """The second exceeds the first by half of what lies in the columns on both sides."""
    params = parameters(generator)
    u = space(QUERY_KEY, Mixed()).project(params, tangent(params, generator))
    (g, h), (u_g, u_h) = QUERY_KEY.stack(params), QUERY_KEY.stack(u)
    left, right = (torch.linalg.qr(f).Q for f in (g, h))
    core = left.mH @ (u_g @ h.mH + g @ u_h.mH) @ right
    embedded, mixed = (space(QUERY_KEY, metric).norm(params, u).square() for metric in (Embedded(), Mixed()))
    torch.testing.assert_close(embedded - mixed, 0.5 * core.square().sum(), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("options", [{"horizontal": False}, {"damping": 0.1}])
def test_embedded_is_of_horizontal_tangents_at_full_rank(options) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match="a metric of horizontal tangents at pairs of full rank"):
        Quotient(group(QUERY_KEY), Embedded(), Taylor(1), **options)


def test_invariant_projection_solves_the_sylvester_equation(generator: torch.Generator) -> None:
    """A L^T + L A^T = B with A = S T: the corrected equation, against scipy."""
    params = parameters(generator)
    u = tangent(params, generator)
    projected = QUERY_KEY.stack(space(QUERY_KEY, Invariant()).project(params, u))
    (g, h), (ug, uh) = QUERY_KEY.stack(params), QUERY_KEY.stack(u)
    for copy in range(len(g)):
        s, t = (m.numpy() for m in (g[copy].T @ g[copy], h[copy].T @ h[copy]))
        c = (h[copy].T @ uh[copy]).numpy() @ torch.tensor(t).inverse().numpy()
        c = c - torch.tensor(s).inverse().numpy() @ (ug[copy].T @ g[copy]).numpy()
        # S^-1 Y S + T Y T^-1 = C   <=>   (T^-1 S^-1) Y + Y (T^-1 S^-1) = T^-1 C S^-1
        si, ti = torch.tensor(s).inverse().numpy(), torch.tensor(t).inverse().numpy()
        y = torch.from_numpy(solve_sylvester(ti @ si, ti @ si, ti @ c @ si))
        torch.testing.assert_close(projected[0][copy], ug[copy] + g[copy] @ y.T, rtol=1e-8, atol=1e-8)
        torch.testing.assert_close(projected[1][copy], uh[copy] - h[copy] @ y, rtol=1e-8, atol=1e-8)


def test_mixed_projection_is_the_published_one(generator: torch.Generator) -> None:
    params = parameters(generator)
    u = tangent(params, generator)
    projected = ROTARY.stack(space(ROTARY, Mixed()).project(params, u))
    (g, h), (ug, uh) = ROTARY.stack(params), ROTARY.stack(u)
    s, t = g.mH @ g, h.mH @ h
    left = 0.5 * (uh.mH @ h @ t.inverse() - s.inverse() @ g.mH @ ug)
    torch.testing.assert_close(projected[0], ug + g @ left, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(projected[1], uh - h @ left.mH, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("metric", METRICS)
def test_first_order_change_of_the_product_is_that_of_the_projection(
    metric: AbstractMetric, generator: torch.Generator
) -> None:
    """What the projection removes does not change G H^T."""
    params = parameters(generator)
    u = tangent(params, generator)
    (g, h), (ug, uh) = QUERY_KEY.stack(params), QUERY_KEY.stack(u)
    pg, ph = QUERY_KEY.stack(space(QUERY_KEY, metric).project(params, u))
    torch.testing.assert_close(pg @ h.mT + g @ ph.mT, ug @ h.mT + g @ uh.mT, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("damping", [0.0, 0.3])
@pytest.mark.parametrize("pair", PAIRS)
def test_balanced_frame_is_the_singular_value_decomposition(  # type: ignore[no-untyped-def]
    pair, damping: float, generator: torch.Generator
) -> None:
    g, h = pair.stack(parameters(generator))
    frame = balanced(g, h, damping, ["head"] * len(g))
    (q_g, q_h), (s, t), (a, b) = frame.bases, frame.spectra, frame.to_factor
    identity = torch.eye(g.shape[-1], dtype=g.dtype).expand(len(g), -1, -1)
    for q in (q_g, q_h):
        torch.testing.assert_close(q.mH @ q, identity, rtol=0, atol=1e-9)
    torch.testing.assert_close((q_g * s.sqrt()[:, None]) @ a, g, rtol=0, atol=1e-9)
    torch.testing.assert_close((q_h * t.sqrt()[:, None]) @ b, h, rtol=0, atol=1e-9)
    singular = torch.linalg.svdvals(g @ h.mH)[:, : g.shape[-1]].flip(-1)
    torch.testing.assert_close((s * t).sqrt(), singular, rtol=1e-9, atol=0)
    if not damping:
        torch.testing.assert_close(s, t, rtol=1e-9, atol=0)


def test_damping_is_the_partners_inverse(generator: torch.Generator) -> None:
    """S + eps T^-1, then T + eps (S + eps T^-1)^-1, in the basis of the parameters."""
    g, h = QUERY_KEY.stack(parameters(generator))
    eps = 0.3
    frame = balanced(g, h, eps, ["head"] * len(g))
    s, t = g.mT @ g, h.mT @ h
    s_damped = s + eps * t.inverse()
    t_damped = t + eps * s_damped.inverse()
    a, b = frame.to_factor
    for damped, diagonal, basis in ((s_damped, frame.damped[0], a), (t_damped, frame.damped[1], b)):
        torch.testing.assert_close(basis.mT @ torch.diag_embed(diagonal) @ basis, damped, rtol=1e-9, atol=1e-9)
