"""Ends a process that should have ended by itself."""

import os
from threading import Timer


class ForcedExit:
    """Ends the process with status 1, however much still hangs, once it is armed and `seconds` have passed."""

    def __init__(self, seconds: float) -> None:
        self._timer = Timer(seconds, os._exit, (1,))
        self._timer.daemon = True

    def arm(self) -> None:
        """Count from now; only the first call counts."""
        if not self._timer.is_alive() and not self._timer.finished.is_set():
            self._timer.start()
