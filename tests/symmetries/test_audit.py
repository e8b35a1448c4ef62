"""Audits: the declared dimension is the whole null space, and what is not is named."""

import math

import pytest
import torch
from torch import nn

from symmetries import ModelSymmetry, SymmetryError, audit, declare, lora_pair, relu_rescaling


def many(case, generator):
    """Inputs with more outputs than the model has parameters, and not fewer than 60 samples."""
    size = sum(value.numel() for value in case.model.parameters())
    with torch.no_grad():
        output = case.model(*case.inputs)
    outputs = output if isinstance(output, tuple) else (output,)
    samples = max(60, math.ceil((1.3 * size + 60) * len(case.inputs[0]) / sum(value.numel() for value in outputs)))
    return tuple(
        case.spread * torch.randn(samples, *x.shape[1:], generator=generator)
        if x.is_floating_point()
        else torch.randint(int(x.max()) + 1, (samples, *x.shape[1:]), generator=generator)
        for x in case.inputs
    )


def test_audit_finds_no_symmetry_that_is_not_declared(case, generator):
    found = audit(case.model, case.symmetry, many(case, generator), generator=generator)
    print(found)
    assert found.unexplained == 0
    assert found.declared == case.dimension - found.overlap
    assert found.vertical_defect < 1e-13  # rounding of one product with J
    assert not found.false_factors
    assert found.spectral_gap > 1e6  # as far as the zeros are from the smallest value that counts

