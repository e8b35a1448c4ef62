"""Measures that a measure of sharpness has to beat, and one that nothing beats."""

from collections.abc import Mapping, Sequence

import torch


def baselines(
    targets: Sequence[float],
    known: Mapping[str, Sequence[float]],
    *,
    noise: float = 1.0,
    generator: torch.Generator | None = None,
) -> dict[str, list[float]]:
    """Constant, noise, everything that is known without measuring sharpness, the target itself, and it with noise.

    A statistic that says something of a constant, or of noise, says it of its own construction; one that the
    learning rate or the parameter norm attains alone needs no sharpness. The oracle shows what a statistic can
    be at most, the noisy one what is left of that at a given error of measurement.

    Example:
        >>> found = baselines([0.1, 0.3, 0.2], {"learning rate": [0.01, 0.1, 0.01]})
        >>> list(found)
        ['constant', 'noise', 'learning rate', 'oracle', 'noisy oracle']

    Args:
        targets: what measures should predict, one value for every model.
        known: numbers such as the learning rate and the parameter norm, by name.
        noise: standard deviation of the noise on the oracle, in those of the targets.
        generator: where noise comes from.

    Raises:
        ValueError: a known number that has the name of another baseline, or another length; negative noise.
    """
    if noise < 0:
        raise ValueError(f"noise must not be negative, got {noise}")
    values = torch.tensor([float(v) for v in targets], dtype=torch.float64)
    present = values[~values.isnan()]
    spread = present.std(correction=0) if len(present) else 0.0
    draws = torch.randn(2, len(values), generator=generator, dtype=torch.float64)
    before: dict[str, list[float]] = {"constant": [0.0] * len(values), "noise": draws[0].tolist()}
    after: dict[str, list[float]] = {
        "oracle": values.tolist(),
        "noisy oracle": (values + noise * spread * draws[1]).tolist(),
    }
    if taken := (before.keys() | after.keys()) & known.keys():
        raise ValueError(f"{', '.join(sorted(taken))} is the name of a baseline; call the known number otherwise")
    if wrong := {name: len(column) for name, column in known.items() if len(column) != len(values)}:
        raise ValueError(f"expected {len(values)} known numbers, one for every model, got {wrong}")
    return before | {name: [float(v) for v in column] for name, column in known.items()} | after
