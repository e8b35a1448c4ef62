"""The code of the guide to several processes runs, in one process and, started by ``torchrun``, in two."""

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
GUIDE = (ROOT / "docs" / "distributed.md").read_text()
SCRIPT = "\n".join(re.findall(r"```python\n(.*?)```", GUIDE, flags=re.DOTALL))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_the_code_of_the_guide_runs_in_one_process(capsys, monkeypatch):
    alone = {"RANK": 0, "WORLD_SIZE": 1, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": free_port()}
    for name, value in alone.items():
        monkeypatch.setenv(name, str(value))
    exec(compile(SCRIPT, "docs/distributed.md", "exec"), {})
    assert len(capsys.readouterr().out.split()) == 4


@pytest.mark.slow
def test_two_processes_print_what_one_prints(tmp_path):
    (tmp_path / "sharpness.py").write_text(SCRIPT)
    printed = []
    for count in (1, 2):
        command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(count)]
        environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        done = subprocess.run(
            [*command, str(tmp_path / "sharpness.py")], env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        printed.append([float(number) for number in done.stdout.split()])
    assert printed[1] == pytest.approx(printed[0], abs=2e-9)  # as many digits as are printed
