"""Linear regression on a sparse target with fewer samples than features: many predictors fit, few generalize."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

Gap = Literal["population", "test set", "error of the weights"]

#: Samples of the finite test set.
TEST_SAMPLES = 1000


@dataclass(frozen=True)
class SparseRegression:
    r"""Responses :math:`y = X \beta^* + \varepsilon` with Gaussian rows of X, and the mean squared error.

    Args:
        inputs: X, shape ``(n, d)``.
        responses: y, shape ``(n,)``.
        target: :math:`\beta^*`, shape ``(d,)``, of length one.
        noise: the standard deviation of :math:`\varepsilon`.
        test_inputs: other rows, shape ``(t, d)``.
        test_responses: shape ``(t,)``.
    """

    inputs: Tensor
    responses: Tensor
    target: Tensor
    noise: float
    test_inputs: Tensor
    test_responses: Tensor

    @classmethod
    def draw(
        cls, features: int, samples: int, *, nonzero: int, noise: float, equal: bool, generator: torch.Generator
    ) -> "SparseRegression":
        """A random problem in float64.

        Args:
            features: d.
            samples: n.
            nonzero: entries of the target that are not zero.
            noise: of the responses.
            equal: whether those entries are equal, or Gaussian.
            generator: where the draws come from.

        Raises:
            ValueError: more entries than features.
        """
        if not 1 <= nonzero <= features:
            raise ValueError(f"expected between 1 and {features} entries that are not zero, got {nonzero}")
        inputs = torch.randn(samples, features, generator=generator, dtype=torch.float64)
        entries = torch.randn(nonzero, generator=generator, dtype=torch.float64)
        target = torch.zeros(features, dtype=torch.float64)
        chosen = torch.randperm(features, generator=generator)[:nonzero]
        target[chosen] = torch.ones_like(entries) if equal else entries
        target = target / target.norm()
        test_inputs = torch.randn(TEST_SAMPLES, features, generator=generator, dtype=torch.float64)
        errors = noise * torch.randn(samples + TEST_SAMPLES, generator=generator, dtype=torch.float64)
        responses, test_responses = (torch.cat([inputs, test_inputs]) @ target + errors).split([samples, TEST_SAMPLES])
        return cls(inputs, responses, target, noise, test_inputs, test_responses)

    def loss(self, predictors: Tensor) -> Tensor:
        """The mean squared error of predictors, shape ``(m, d)``, on the samples: shape ``(m,)``."""
        return (predictors @ self.inputs.mT - self.responses).square().mean(dim=-1)

    def gradient(self, predictors: Tensor) -> Tensor:
        """The differential of :meth:`loss`, shape ``(m, d)``."""
        residuals = predictors @ self.inputs.mT - self.responses
        return 2.0 / len(self.responses) * residuals @ self.inputs

    @property
    def hessian(self) -> Tensor:
        """The Hessian of :meth:`loss`, which is constant, shape ``(d, d)``."""
        return 2.0 / len(self.responses) * self.inputs.mT @ self.inputs

    def gap(self, predictors: Tensor, kind: Gap = "population") -> Tensor:
        r"""Test minus training loss of predictors, shape ``(m, d)``: shape ``(m,)``.

        ``population``: of all Gaussian inputs, :math:`|\beta - \beta^*|^2 + \sigma^2 - L(\beta)`. ``test set``: of a
        finite one. ``error of the weights``: :math:`|\beta - \beta^*|` alone.
        """
        if kind == "test set":
            test = (predictors @ self.test_inputs.mT - self.test_responses).square().mean(dim=-1)
            return test - self.loss(predictors)
        apart = predictors - self.target
        if kind == "error of the weights":
            return apart.norm(dim=-1)
        return apart.square().sum(dim=-1) + self.noise**2 - self.loss(predictors)
