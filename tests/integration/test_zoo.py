"""Every class of models that people use: found without help, verified, and nothing missed, by audit.

The bounds: what is found leaves the outputs unchanged to 1e-9 in double precision, under random elements of every
factor and of all of them at once; the null space of the parameter Jacobian is what is found, and what the catalogue
says.
"""

import pytest
import torch

from experiments.models.zoo import SPECIMENS, Specimen
from symmetries import ModelSymmetry, audit, defects, detect, verify
from tests.integration.zoo_cases import KINDS, generic

#: Null dimensions that detection is known to miss, by specimen and head.
KNOWN_GAPS: dict[tuple[str, str], int] = {
    ("StableLM", "raw"): 2,  # in each layer, the constant of the values that the output map sends to the mean direction
    ("Nemotron", "raw"): 2,  # the same
}

#: The same with every eps at zero, beyond the scales that detection counts.
KNOWN_GAPS_WITHOUT_EPS = {
    "timm ViT, norm of the patches": 1,  # the class token meets the norm alone: it has a scale of its own
}

#: Audited by default: the kinds whose Jacobian is small; a vision transformer is audited in ``test_audit.py``.
AUDITED = KINDS - {"T5 1.1, untied", "GPT-NeoX", "DeepSeek-V2", "timm ViT", "DoRA on Llama"}

CASES = [(name, head) for name, specimen in SPECIMENS.items() for head in ("raw", "softmax") if head in specimen.heads]


def found(name: str, head: str, draws: torch.Generator) -> tuple[Specimen, torch.nn.Module, ModelSymmetry]:
    specimen, model = generic(name, draws)
    return specimen, model, detect(model, dict(specimen.inputs(draws, 3)), head=head)  # type: ignore[arg-type]


@pytest.mark.parametrize(("name", "head"), CASES)
def test_what_is_found_holds(name: str, head: str) -> None:
    draws = torch.Generator().manual_seed(0)
    specimen, model, symmetry = found(name, head, draws)
    inputs = dict(specimen.inputs(draws, 3))
    assert symmetry.dimension > 0
    assert verify(model, symmetry, inputs, rtol=1e-9) < 1e-9
    alone = defects(model, symmetry, inputs, draws=1)
    assert max(alone[factor.name] for factor in symmetry.exact) < 1e-9


def without_eps_(model: torch.nn.Module) -> None:
    """Every norm without the number that it adds to a variance."""
    for module in model.modules():
        for attribute in ("eps", "variance_epsilon"):
            if hasattr(module, attribute):
                setattr(module, attribute, 0.0)


@pytest.mark.parametrize("name", [name for name, specimen in SPECIMENS.items() if specimen.scales is not None])
def test_scales_that_norms_forget_are_counted_apart(name: str) -> None:
    specimen, _, symmetry = found(name, "raw", torch.Generator().manual_seed(0))
    approximate = [f for f in symmetry.families if "approximate" in f.flags]
    assert sum(family.dimension for family in approximate) == specimen.scales
    assert symmetry.dimension == sum(f.dimension for f in symmetry.families if f not in approximate)
    assert not any("approximate" in factor.flags for factor in symmetry.quotiented)


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=() if n == "Qwen3" else pytest.mark.slow) for n, s in SPECIMENS.items() if s.scales],
)
def test_without_eps_they_are_all_that_is_new(name: str) -> None:
    draws = torch.Generator().manual_seed(0)
    specimen, model, symmetry = found(name, "raw", draws)
    without_eps_(model)
    measured = audit(model, symmetry, dict(specimen.inputs(draws, specimen.audited)), generator=draws)
    assert measured.approximate == specimen.scales
    assert measured.unexplained == KNOWN_GAPS.get((name, "raw"), 0) + KNOWN_GAPS_WITHOUT_EPS.get(name, 0)


@pytest.mark.parametrize(
    ("name", "head"),
    [pytest.param(n, h, marks=() if n in AUDITED and h == "raw" else pytest.mark.slow) for n, h in CASES],
)
def test_nothing_is_missed(name: str, head: str) -> None:
    draws = torch.Generator().manual_seed(0)
    specimen, model, symmetry = found(name, head, draws)
    measured = audit(model, symmetry, dict(specimen.inputs(draws, specimen.audited)), generator=draws)
    assert measured.false_factors == ()
    assert measured.unexplained == KNOWN_GAPS.get((name, head), 0)
    assert measured.declared == symmetry.dimension
    if head in specimen.null:
        assert measured.nullity == specimen.null[head]  # type: ignore[index]
