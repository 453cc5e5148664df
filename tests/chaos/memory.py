"""How much memory a process has had."""

import re
from pathlib import Path

from sandbox.service_process import ServiceProcess

MAX_MEMORY_MB = 300


def memory_mb(service: ServiceProcess) -> float:
    """The most that the process has had in memory at any time."""
    (kilobytes,) = re.findall(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{service.pid}/status").read_text())
    return int(kilobytes) / 1_024
