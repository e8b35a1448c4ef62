"""Jobs that other processes can be sent."""

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from experiments.work import AbstractJob


@dataclass(frozen=True)
class Square(AbstractJob):
    """The square of a number that is not negative, and a line in a log for every time that it was worked out."""

    folder: Path
    number: int
    seconds: float = 0.0

    @property
    def result(self) -> Path:
        return self.folder / f"{self.number}.json"

    def document(self) -> dict[str, Any]:
        with (self.folder / "log").open("a") as log:
            log.write(f"{self.number}\n")
        time.sleep(self.seconds)
        if self.number < 0:
            raise ArithmeticError("a negative number")
        return {"square": self.number**2, "process": os.getpid(), "threads": torch.get_num_threads()}

    def failed(self, reason: str) -> dict[str, Any]:
        return {"failure": reason}


@dataclass(frozen=True)
class Place(AbstractJob):
    """Where on a Ray cluster it is done."""

    folder: Path
    number: int

    @property
    def result(self) -> Path:
        return self.folder / f"{self.number}.json"

    def document(self) -> dict[str, Any]:
        time.sleep(0.5)
        return {"node": ray_node()}

    def failed(self, reason: str) -> dict[str, Any]:
        return {"failure": reason}


def ray_node() -> str:
    import ray

    return ray.get_runtime_context().get_node_id()


@dataclass(frozen=True)
class Fatal(Square):
    """A job that brings its process down, as one without memory does."""

    def document(self) -> dict[str, Any]:
        os.kill(os.getpid(), signal.SIGKILL)
        return {}


def log(folder: Path) -> list[int]:
    return sorted(map(int, (folder / "log").read_text().split()))
