"""The state of torch's random generators, to draw the same dropout masks twice."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class RandomState:
    """The states of torch's global generators: the CPU's, and those of some other devices.

    Generators of Python, of numpy, and those that a model holds itself are no part of it.

    Example:
        >>> import torch
        >>> state = RandomState.capture([])
        >>> first = torch.rand(3)
        >>> with state.replayed():
        ...     again = torch.rand(3)
        >>> torch.equal(first, again), torch.equal(first, torch.rand(3))
        (True, False)

    Attributes:
        cpu: of the default generator.
        others: of the default generator of every other device.
    """

    cpu: Tensor
    others: dict[torch.device, Tensor]

    @classmethod
    def capture(cls, tensors: Iterable[Tensor]) -> "RandomState":
        """The states at this moment, on the CPU and on the devices that hold ``tensors``."""
        return cls._of({tensor.device for tensor in tensors if tensor.device.type not in ("cpu", "meta")})

    @contextmanager
    def replayed(self) -> Iterator[None]:
        """Inside, draw the numbers drawn since :meth:`capture`; afterwards all goes on as if nothing had been drawn."""
        after = self._of(self.others)
        self._set()
        try:
            yield
        finally:
            after._set()

    @classmethod
    def _of(cls, devices: Iterable[torch.device]) -> "RandomState":
        return cls(torch.get_rng_state(), {d: torch.get_device_module(d).get_rng_state(d) for d in devices})

    def _set(self) -> None:
        torch.set_rng_state(self.cpu)
        for device, state in self.others.items():
            torch.get_device_module(device).set_rng_state(state, device)
