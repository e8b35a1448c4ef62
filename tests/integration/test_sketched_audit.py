"""Sketched audits against dense ones: nothing where nothing is missing, and something of whatever is left out."""

from dataclasses import replace

import pytest
import torch

from experiments.models.zoo import SPECIMENS, library
from symmetries import audit, detect

pytestmark = pytest.mark.slow


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")  # of one library about another
@pytest.mark.parametrize("name", ["BERT", "timm ResNet", "timm ConvNeXt"])
def test_a_family_that_is_left_out_is_reported(name: str) -> None:
    specimen = SPECIMENS[name]
    try:
        library(specimen.library)
    except ImportError as missing:
        pytest.skip(str(missing))
    draws = torch.Generator().manual_seed(0)
    model, inputs = specimen.generic(draws), specimen.inputs(draws, specimen.audited)
    symmetry = detect(model, dict(inputs), head="raw")
    complete = audit(model, symmetry, inputs, method="sketched", generator=draws)
    assert complete.unexplained == audit(model, symmetry, inputs, method="dense", generator=draws).unexplained == 0
    for family in {factor.family for factor in symmetry.exact}:
        part = replace(symmetry, factors=tuple(f for f in symmetry.factors if f.family != family))
        found = audit(model, part, inputs, method="sketched", generator=draws)
        assert 0 < found.unexplained <= symmetry.dimension - part.dimension, family
