import math

import pytest
import torch
from torch import nn

from measures import EmpiricalLoss
from measures.published.pac_bayes import pac_bayes_flatness
from quotient import Adaptive, Euclidean, Quotient


def test_on_a_quadratic_it_is_half_the_sampled_trace_over_the_tolerance(quadratic, symmetric, generator):
    matrix = symmetric(9.0, 4.0, 1.0)
    z = torch.randn(12, 3, generator=generator, dtype=torch.float64)
    samples = ((z @ matrix) * z).sum(1)
    loss, origin = quadratic(matrix), {"w": torch.zeros(3, dtype=torch.float64)}
    for tolerance in (1e-6, 0.1, 1e4):
        found = pac_bayes_flatness(
            loss, origin, tolerance=tolerance, widest=100.0, directions=[{"w": row} for row in z]
        )
        assert found.value == pytest.approx(samples.mean().item() / (2 * tolerance), rel=4e-6)
        # The curve is exactly quadratic; its slope is taken over a tenth of an e-fold, 0.2 % off.
        expected = samples.std().item() / math.sqrt(12) / (2 * tolerance)
        assert found.stderr == pytest.approx(expected, rel=5e-3)


def test_the_mean_rise_at_the_width_found_is_the_tolerance(classifier, generator):
    loss, params = classifier()
    directions = [Adaptive().random(params, generator) for _ in range(5)]
    found = pac_bayes_flatness(loss, params, Adaptive(), tolerance=0.05, directions=directions)
    width = found.value**-0.5
    rises = [
        loss({name: p + side * width * u[name] for name, p in params.items()}) - loss(params)
        for u in directions
        for side in (-1, 1)
    ]
    assert torch.stack(rises).mean().item() == pytest.approx(0.05, rel=1e-4)


def at_its_minimum(loss, params):
    """The distance of the model's outputs from those it has at ``params``."""
    data = [(x, torch.func.functional_call(loss.model, params, (x,))) for x in loss.batches]
    return EmpiricalLoss(loss.model, lambda f, batch: (f(batch[0]) - batch[1]).square().mean(), data)


def test_it_is_on_the_orbit_over_the_quotient_and_not_with_raw_noise(low_rank, generator):
    loss, params, symmetry = low_rank
    loss, geometry = at_its_minimum(loss, params), Quotient(symmetry)
    g = symmetry.random(generator, condition=1e3)
    there = symmetry.act(g, params)
    directions = [geometry.random(params, generator) for _ in range(5)]
    here = pac_bayes_flatness(loss, params, geometry, directions=directions).value
    moved = pac_bayes_flatness(loss, there, geometry, directions=[symmetry.act(g, u) for u in directions]).value
    assert moved == pytest.approx(here, rel=1e-5)  # each width is found to 1e-6
    raw = [pac_bayes_flatness(loss, p, generator=torch.Generator().manual_seed(1)).value for p in (params, there)]
    assert raw[1] / raw[0] > 2


def test_the_error_rate_may_be_asked_about(float64, generator):
    model = nn.Linear(2, 3)
    x = torch.randn(200, 2, generator=generator)
    params = {name: p.detach() for name, p in model.named_parameters()}
    labels = torch.func.functional_call(model, params, (x,)).argmax(-1)
    loss = EmpiricalLoss(model, lambda f, b: (f(b[0]).argmax(-1) != b[1]).double().mean(), [(x, labels)])
    found = pac_bayes_flatness(loss, params, tolerance=0.1, generator=generator)
    draws = [Euclidean().random(params, generator) for _ in range(200)]
    width = found.value**-0.5
    rates = [loss({name: p + width * u[name] for name, p in params.items()}) for u in draws]
    assert torch.stack(rates).mean().item() == pytest.approx(0.1, abs=0.03)


def test_the_slope_of_the_loss_adds_no_noise(quadratic, symmetric, generator):
    matrix, slope = symmetric(9.0, 4.0, 1.0), torch.tensor([50.0, 0.0, 0.0], dtype=torch.float64)
    directions = [{"w": torch.randn(3, generator=generator, dtype=torch.float64)} for _ in range(4)]
    origin = {"w": torch.zeros(3, dtype=torch.float64)}
    flat, steep = (
        pac_bayes_flatness(quadratic(matrix, linear=linear), origin, directions=directions).value
        for linear in (None, slope)
    )
    assert steep == pytest.approx(flat, rel=1e-5)


def test_a_loss_that_overflows_is_beyond_any_tolerance(quadratic):
    loss = quadratic(torch.eye(2).double())
    exponential = EmpiricalLoss(loss.model, lambda f, b: f(b).exp().exp() - f(b).exp().exp(), loss.batches)
    origin = {"w": torch.zeros(2, dtype=torch.float64)}
    # Finite and equal to 0 until both terms overflow, at |w|^2 = 2 log 709.8
    direction = [{"w": torch.tensor([1.0, 0.0], dtype=torch.float64)}]
    found = pac_bayes_flatness(exponential, origin, directions=direction)
    assert found.value == pytest.approx(1 / (2 * math.log(math.log(torch.finfo(torch.float64).max))), rel=1e-4)
    assert found.stderr is None


def test_the_same_generator_gives_the_same_number(classifier):
    loss, params = classifier()
    values = {pac_bayes_flatness(loss, params, generator=torch.Generator().manual_seed(3)).value for _ in range(2)}
    assert len(values) == 1


@pytest.mark.parametrize(
    ("matrix", "options", "message"),
    [
        (torch.eye(2), {"tolerance": 0.0}, "tolerance must be positive"),
        (torch.eye(2), {"samples": 0}, "samples must be positive"),
        (torch.eye(2), {"widest": 0.0}, "widest must be positive"),
        (torch.eye(2), {"rtol": -1.0}, "rtol must be positive"),
        (torch.eye(2), {"directions": []}, "at least one tangent"),
        (-torch.eye(2), {}, "does not rise by the tolerance"),
        (torch.eye(2), {"tolerance": 1e4}, "up to 16: take a smaller"),
        (torch.eye(2), {"tolerance": 1e-300}, "rises by more than the tolerance"),
    ],
)
def test_what_has_no_width_is_refused(quadratic, matrix, options, message):
    w = {"w": torch.zeros(2, dtype=torch.float64)}
    with pytest.raises(ValueError, match=message):
        pac_bayes_flatness(quadratic(matrix.double()), w, **options)
