"""Euclidean and adaptive geometry against their formulas, entry by entry."""

import pytest
import torch

from quotient import Adaptive, Euclidean
from symmetries import Params


def parameters(generator: torch.Generator) -> Params:
    shapes = {"conv.weight": (3, 2, 2, 2), "conv.bias": (3,), "weight": (2, 3), "gain": ()}
    return {n: torch.randn(s, generator=generator, dtype=torch.float64) for n, s in shapes.items()}


def squared_norm(terms: list[torch.Tensor]) -> float:
    return sum(float(t.square().sum()) for t in terms)


def test_the_euclidean_norm_is_that_of_the_concatenated_parameters(generator: torch.Generator):
    p, u = parameters(generator), parameters(generator)
    assert Euclidean().norm(p, u).item() == pytest.approx(
        torch.cat([t.reshape(-1) for t in u.values()]).norm().item(), rel=1e-14
    )
    for moved, name in zip(Euclidean().exp(p, u).values(), p, strict=True):
        torch.testing.assert_close(moved, p[name] + u[name])
    assert Euclidean().chart(p).dimension == 34


def test_the_elementwise_norm_is_the_relative_change_of_every_entry(generator: torch.Generator):
    p, u = parameters(generator), parameters(generator)
    expected = squared_norm([u[name] / p[name] for name in p])
    assert Adaptive().norm(p, u).item() ** 2 == pytest.approx(expected, rel=1e-13)


def test_eta_is_added_to_the_modulus(generator: torch.Generator):
    p, u = parameters(generator), parameters(generator)
    expected = squared_norm([u[name] / (p[name].abs() + 0.3) for name in p])
    assert Adaptive(eta=0.3).norm(p, u).item() ** 2 == pytest.approx(expected, rel=1e-13)


def test_the_filterwise_norm_is_relative_to_the_rows(generator: torch.Generator):
    p, u = parameters(generator), parameters(generator)
    rows = [u[n][i].norm() / p[n][i].norm() for n in ("conv.weight", "weight") for i in range(len(p[n]))]
    expected = squared_norm([*rows, u["conv.bias"].norm() / p["conv.bias"].norm(), u["gain"] / p["gain"]])
    assert Adaptive("filterwise").norm(p, u).item() ** 2 == pytest.approx(expected, rel=1e-13)


def test_the_tensorwise_norm_is_relative_to_the_tensors(generator: torch.Generator):
    p, u = parameters(generator), parameters(generator)
    expected = squared_norm([u[name].norm() / p[name].norm() for name in p])
    assert Adaptive("tensorwise").norm(p, u).item() ** 2 == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize("scope", ["elementwise", "filterwise", "tensorwise"])
def test_without_biases_vectors_and_scalars_keep_the_euclidean_norm(scope, generator):
    p, u = parameters(generator), parameters(generator)
    only = {name: u[name] if p[name].ndim <= 1 else torch.zeros_like(u[name]) for name in p}
    expected = Euclidean().norm(p, only).item()
    assert Adaptive(scope, biases=False).norm(p, only).item() == pytest.approx(expected, rel=1e-14)


def test_the_adaptive_gradient_is_the_differential_times_the_squared_scale(generator: torch.Generator):
    p, c = parameters(generator), parameters(generator)
    gradient = Adaptive().gradient(p, c)
    for name in p:
        torch.testing.assert_close(gradient[name], p[name] ** 2 * c[name])


def test_elementwise_norms_do_not_change_under_rescaling_of_entries_and_euclidean_ones_do(generator):
    p, u, scale = parameters(generator), parameters(generator), parameters(generator)
    moved, carried = {n: scale[n] * p[n] for n in p}, {n: scale[n] * u[n] for n in p}
    for geometry, change in ((Adaptive(), 1.0), (Euclidean(), None)):
        ratio = (geometry.norm(moved, carried) / geometry.norm(p, u)).item()
        assert ratio == pytest.approx(1.0, rel=1e-12) if change else abs(ratio - 1.0) > 1e-2


@pytest.mark.parametrize(
    ("scope", "moves"),
    [
        ("elementwise", [[False, False], [True, False]]),
        ("filterwise", [[False, False], [True, True]]),
        ("tensorwise", [[True, True], [True, True]]),
    ],
)
def test_what_has_the_scale_zero_stays_where_it_is(scope, moves):
    p = {"weight": torch.tensor([[0.0, 0.0], [3.0, 0.0]]), "dead": torch.zeros(2)}
    chart = Adaptive(scope).chart(p)
    x = chart.coordinates({name: torch.ones_like(t) for name, t in p.items()})
    assert all(bool(torch.isfinite(a).all()) for a in (*x, *chart.covector(x).values()))
    moved = chart.exp(tuple(torch.ones_like(a) for a in x))
    assert (moved["weight"] != p["weight"]).tolist() == moves
    assert torch.equal(moved["dead"], p["dead"])
    assert chart.dimension == torch.tensor(moves).sum()


def test_a_positive_eta_frees_what_is_zero():
    assert Adaptive(eta=0.01).chart({"w": torch.zeros(3)}).dimension == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"scope": "rowwise"}, "got 'rowwise'"), ({"eta": -1.0}, "negative"), ({"eta": float("nan")}, "negative")],
)
def test_what_adaptive_does_not_know_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        Adaptive(**arguments)
