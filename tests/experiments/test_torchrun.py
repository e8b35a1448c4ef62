import pytest
import torch.distributed as dist

from experiments import torchrun
from tests.test_distributed_guide import free_port


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> None:
    """What ``torchrun`` tells the only process of a group."""
    for name, value in {"RANK": 0, "LOCAL_RANK": 0, "WORLD_SIZE": 1, "TORCHELASTIC_RUN_ID": "none"}.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.setenv("MASTER_ADDR", "127.0.0.1")
    monkeypatch.setenv("MASTER_PORT", str(free_port()))


def test_a_process_that_was_started_alone_has_no_group():
    with torchrun.joined("cpu") as group, torchrun.one_first(group):
        assert group is None
        assert torchrun.leads(group)


@pytest.mark.usefixtures("started")
def test_a_process_that_torchrun_started_has_a_group_until_the_end(capsys):
    with torchrun.joined("cpu") as group, torchrun.one_first(group):
        assert dist.get_world_size(group) == 1
        print("said once")
    assert capsys.readouterr().out == "said once\n"
    assert not dist.is_initialized()


@pytest.mark.usefixtures("started")
def test_devices_without_a_backend_are_refused():
    with (
        pytest.raises(ValueError, match="expected --device cpu .gloo. or cuda .nccl. under torchrun, got abacus"),
        torchrun.joined("abacus"),
    ):
        pass
