"""Which models a pool holds."""

import itertools
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

#: Hyperparameters by name.
Configuration = Mapping[str, float | int | str]


@dataclass(frozen=True)
class Grid:
    """Every combination of hyperparameters, trained from every seed.

    Example:
        >>> grid = Grid({"rate": [0.1, 0.2], "batch": [16]}, seeds=(0, 1))
        >>> len(grid), next(iter(grid))
        (4, ({'rate': 0.1, 'batch': 16}, 0))
        >>> identifier({"rate": 0.1, "batch": 16}, 0)
        'rate=0.1,batch=16,seed=0'

    Args:
        values: of each hyperparameter, by name.
        seeds: of the initial values and the order of batches.

    Raises:
        ValueError: a hyperparameter without values or with one twice, no seeds, or one of them twice.
    """

    values: Mapping[str, Sequence[float | int | str]]
    seeds: Sequence[int] = (0,)

    def __post_init__(self) -> None:
        for name, values in (*self.values.items(), ("seeds", self.seeds)):
            if not values or len(set(values)) < len(values):
                raise ValueError(f"{name} needs values, each of them once, got {list(values)}")

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __iter__(self) -> Iterator[tuple[Configuration, int]]:
        for combination in itertools.product(*self.values.values()):
            for seed in self.seeds:
                yield dict(zip(self.values, combination, strict=True)), seed

    def spread(self, count: int | None = None) -> list[tuple[Configuration, int]]:
        """Some of its points, or all, in an order that is random and always the same.

        What is done first then tells how long the rest takes, and a few points do not lie in one corner. A larger
        count holds a smaller one.

        Example:
            >>> grid = Grid({"rate": [0.1, 0.2, 0.3]}, seeds=(0, 1))
            >>> grid.spread(4)[:2] == grid.spread(2), len(grid.spread())
            (True, 6)
        """
        points = list(self)
        random.Random(0).shuffle(points)
        return points[:count]


def identifier(configuration: Configuration, seed: int) -> str:
    """The name of a model, and of its folder."""
    words = (f"{name}={value}" for name, value in (*configuration.items(), ("seed", seed)))
    return ",".join(words).replace(" ", "-")
