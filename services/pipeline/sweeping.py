"""Collects what refused requests leave behind, before it is much.

An error that is raised while a body is read or parsed often is in a cycle with the frames that hold the body. Python
counts the objects of such cycles, few for each, and not their megabytes; and we let it collect seldom.
"""

import gc

SWEEP_BYTES = 8_388_608
_YOUNG = 1
"""The generation in which new errors are, at the latest."""


class Sweeping:
    """Counts what clients send."""

    def __init__(self, sweep_bytes: int = SWEEP_BYTES) -> None:
        self._sweep_bytes = sweep_bytes
        self._received_bytes = 0

    def received(self, count: int) -> None:
        """Count as many bytes more, and collect garbage once they are many."""
        self._received_bytes += count
        if self._received_bytes >= self._sweep_bytes:
            self._received_bytes = 0
            gc.collect(_YOUNG)
