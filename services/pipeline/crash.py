"""Named points at which a fault test kills the process, to show that nothing is lost there."""

import os
import signal
from collections import Counter

from services.pipeline.errors import SettingsError

_hits: Counter[str] = Counter()


def crash_at(point: str) -> None:
    """Kill this process if CRASH_AT is `point`, or `point:N` at the N-th call; otherwise do nothing."""
    wanted = os.environ.get("CRASH_AT")
    if wanted is None:
        return
    name, _, count = wanted.partition(":")
    if name != point:
        return
    _hits[point] += 1
    if _hits[point] == int(count or 1):
        os.kill(os.getpid(), signal.SIGKILL)


def refuse_outside_sandbox() -> None:
    """Raise SettingsError if CRASH_AT is set without COUNTERSIGN_SANDBOX=1."""
    if "CRASH_AT" in os.environ and os.environ.get("COUNTERSIGN_SANDBOX") != "1":
        raise SettingsError("CRASH_AT kills the service; it is refused unless COUNTERSIGN_SANDBOX=1. Unset CRASH_AT.")
