"""What every test starts from: one thread, and randomness that does not depend on the order of the tests."""

from collections.abc import Generator, Iterator

import pytest
import torch

# The tensors here are small, and the workers of a parallel run share the cores.
torch.set_num_threads(1)


@pytest.hookimpl(wrapper=True)
def pytest_collect_file() -> Generator[None, list[pytest.Collector], list[pytest.Collector]]:
    """Tests hold no examples: looked for, they would hide an import that fails, as that of a missing library is."""
    collectors = yield
    return [collector for collector in collectors if type(collector) is pytest.Module]


@pytest.fixture
def generator() -> torch.Generator:
    """A generator in a known state, for every draw that a test makes."""
    return torch.Generator().manual_seed(0)


@pytest.fixture(autouse=True)
def _seed() -> None:
    """Modules of `torch.nn` initialise from the global generator and take no other."""
    torch.manual_seed(0)


@pytest.fixture
def float64() -> Iterator[torch.dtype]:
    """Double precision as the default dtype, so that modules built in the test have it too."""
    previous = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield torch.float64
    torch.set_default_dtype(previous)
