"""The peak of the memory that a process holds."""

from collections.abc import Callable
from pathlib import Path

STATUS = Path("/proc/self/status")
CLEAR = Path("/proc/self/clear_refs")


def added_memory(function: Callable[[], object]) -> int | None:
    """Bytes by which a call raises the peak of resident memory over what was held before; None outside Linux.

    The kernel's high-water mark is set back first, so that what happened before the call does not count.
    """
    if not CLEAR.exists():
        return None
    CLEAR.write_text("5")
    before = resident("VmRSS")
    function()
    return max(0, resident("VmHWM") - before)


def resident(field: str) -> int:
    """A field of the process's status, in bytes."""
    for line in STATUS.read_text().splitlines():
        name, _, value = line.partition(":")
        if name == field:
            return int(value.split()[0]) * 1024
    raise KeyError(f"{STATUS} has no field {field}")
