import pytest
import torch

from experiments.benchmarks.curvature.competitors import COMPETITORS
from experiments.benchmarks.curvature.problem import SIZES, problem
from experiments.benchmarks.curvature.product import differences, direction, distance

NAMES = pytest.mark.parametrize("name", COMPETITORS)


@pytest.fixture
def make(tmp_path):
    return lambda layer_norm=False: problem(
        SIZES["tiny"], tmp_path / f"{layer_norm}.safetensors", layer_norm=layer_norm, seed=0
    )


def competitor(name, given):
    module = COMPETITORS[name].module
    pytest.importorskip(module, reason=f"{module} is not installed (extra 'peers')")
    return COMPETITORS[name](given)


@pytest.fixture(scope="module")
def trace(tmp_path_factory):
    """Of the tiny problem, to half a percent."""
    given = problem(SIZES["tiny"], tmp_path_factory.mktemp("problem") / "tiny.safetensors", layer_norm=False, seed=0)
    return COMPETITORS["this project"](given).trace(0, rtol=0.005, seed=1)


@NAMES
@pytest.mark.parametrize("layer_norm", [False, True])
def test_products_are_those_of_the_hessian_but_for_one_through_layer_norm(name, layer_norm, make):
    vector = direction(make(layer_norm), 0).double()
    true = differences(make(layer_norm).double(), vector)
    error = distance(competitor(name, make(layer_norm).double()).product(vector), true)
    if layer_norm and name == "curvlinops":
        assert 1e-3 < error < 1e-1
    else:
        assert error < 1e-9


@NAMES
def test_leading_eigenvalues_agree(name, make):
    peer = competitor(name, make())
    ours = COMPETITORS["this project"](make()).eigenvalues(3, 0, tolerance=1e-6, seed=1)[0]
    effort = peer.eigenvalue_efforts[min(len(peer.eigenvalue_efforts) - 1, 14)]
    theirs, _ = peer.eigenvalues(3, effort, tolerance=1e-6, seed=2)
    torch.testing.assert_close(theirs, ours, rtol=1e-4, atol=0.0)


@NAMES
def test_traces_agree_within_their_errors(name, make, trace):
    peer = competitor(name, make())
    effort = peer.trace_efforts[min(len(peer.trace_efforts) - 1, 14)]
    theirs = peer.trace(effort, rtol=0.05, seed=2)
    assert abs(theirs.value - trace.value) < 4 * (theirs.stderr**2 + trace.stderr**2) ** 0.5
    assert theirs.products > 3


@NAMES
def test_spectral_measures_have_mass_one_and_the_mean_of_the_trace(name, make, trace):
    given = make()
    size = sum(p.numel() for p in given.parameters)
    peer = competitor(name, given)
    if name == "PyHessian":
        with pytest.raises(RuntimeError, match="removed"):
            peer.density(2, 20, seed=1)
        return
    density = peer.density(16, 10, seed=1)
    assert density.products == 160
    assert density.weights.sum().item() == pytest.approx(1.0, abs=1e-5)
    # Three standard errors of sixteen quadratic forms.
    assert size * (density.weights * density.nodes).sum().item() == pytest.approx(trace.value, rel=0.4)
