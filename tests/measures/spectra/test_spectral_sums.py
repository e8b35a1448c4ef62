import pytest
import torch

from measures import RenyiEntropy, lanczos
from measures.spectra.spectral_sums import SpectralSums

N = 120
REPEATS = 40


def spectra():
    generator = torch.Generator().manual_seed(0)
    signs = torch.where(torch.rand(N, generator=generator) < 0.35, -1.0, 1.0)
    normal = torch.randn(N, generator=generator, dtype=torch.float64)
    return {
        "flat": 1 + torch.rand(N, generator=generator, dtype=torch.float64),
        "one outlier": torch.cat([torch.tensor([100.0], dtype=torch.float64), 0.01 * normal[1:]]),
        "heavy": signs * (2.5 * normal).exp(),
    }


def sums_of(eigenvalues, generator, *, probes, steps, outliers=0):
    order = eigenvalues.abs().argsort(descending=True)
    known, rest = eigenvalues[order[:outliers]], eigenvalues[order[outliers:]]
    starts = torch.randn(probes, len(rest), generator=generator, dtype=torch.float64)
    return SpectralSums(tuple(lanczos(lambda v: rest * v, x, steps) for x in starts), len(eigenvalues), known)


@pytest.mark.parametrize("outliers", [0, 3])
@pytest.mark.parametrize("name", list(spectra()))
def test_entropies_lie_within_two_stated_errors_in_19_of_20_repeats(name, outliers):
    eigenvalues, generator = spectra()[name], torch.Generator().manual_seed(4)
    orders = (0.5, 0.9, 1.0, 1.1, 1.5, 2.0)
    hits = dict.fromkeys(orders, 0)
    for _ in range(REPEATS):
        sums = sums_of(eigenvalues, generator, probes=4, steps=12, outliers=outliers)
        for alpha in orders:
            entropy = RenyiEntropy(alpha, largest=eigenvalues.abs().max().item())
            found = sums.estimate(entropy.terms, entropy)
            truth = entropy(entropy.terms(eigenvalues).sum(dim=0))
            hits[alpha] += bool((found.value - truth).abs() <= 2 * found.stderr)
    assert min(hits.values()) >= 0.88 * REPEATS  # 95 %, less two standard deviations of as many repeats


def test_too_few_steps_are_in_the_stated_error_however_many_probes():
    eigenvalues, generator = spectra()["heavy"], torch.Generator().manual_seed(0)
    entropy = RenyiEntropy(0.1, largest=eigenvalues.abs().max().item())
    truth = entropy(entropy.terms(eigenvalues).sum(dim=0))
    found = sums_of(eigenvalues, generator, probes=200, steps=6).estimate(entropy.terms, entropy)
    assert (found.value - truth).abs() > 3 * found.sampling  # more probes do not help
    assert (found.value - truth).abs() < 2 * found.stderr


def test_polynomials_are_exact_in_the_steps():
    eigenvalues, generator = spectra()["heavy"], torch.Generator().manual_seed(0)
    sums = sums_of(eigenvalues, generator, probes=3, steps=2)
    found = sums.sums(lambda t: torch.stack([t, t**2, t**4], dim=-1))
    torch.testing.assert_close(found.unresolved / found.value.abs(), torch.zeros(3, dtype=torch.float64))


def test_known_eigenvalues_are_exact():
    eigenvalues, generator = spectra()["one outlier"], torch.Generator().manual_seed(0)
    plain, deflated = (sums_of(eigenvalues, generator, probes=8, steps=5, outliers=k).sums(square) for k in (0, 1))
    truth = eigenvalues.square().sum()
    assert abs(deflated.value / truth - 1) < 1e-5
    assert deflated.stderr < 1e-3 * plain.stderr


def square(t):
    return t.square().unsqueeze(-1)


def test_single_probe_has_an_error():
    generator = torch.Generator().manual_seed(0)
    found = sums_of(spectra()["flat"], generator, probes=1, steps=10).sums(square)
    assert 0 < found.stderr < found.value
