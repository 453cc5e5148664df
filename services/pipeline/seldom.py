"""Keeps what goes wrong many times a second from filling the log: the same thing is said at most once a minute."""

import logging
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from time import monotonic

from services.pipeline.tracebacks import place_of

SECONDS = 60.0
MAX_KEYS = 1_000


@dataclass(slots=True)
class _Said:
    at: float
    left_out: int = 0


class Seldom:
    """Remembers what was said in the last minute, or in the last `seconds`."""

    def __init__(self, seconds: float = SECONDS, clock: Callable[[], float] = monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._said: dict[Hashable, _Said] = {}

    def may_say(self, key: Hashable) -> bool:
        """Whether `key` was not said for a minute; it counts as said from now on."""
        return self.left_out(key) is not None

    def left_out(self, key: Hashable) -> int | None:
        """As `may_say`; return how many times `key` was not said since it was, None if it may not be said now."""
        now, said = self._clock(), self._said.get(key)
        if said is not None and now - said.at < self._seconds:
            said.left_out += 1
            return None
        if len(self._said) >= MAX_KEYS:
            self._said.clear()
        self._said[key] = _Said(now)
        return 0 if said is None else said.left_out

    def forget(self, key: Hashable) -> None:
        """Say `key` at once when it happens again."""
        self._said.pop(key, None)


class SeldomFilter(logging.Filter):
    """Lets each kind of line of the loggers `names`, and of those below them, through at most once a minute."""

    def __init__(self, *names: str) -> None:
        super().__init__()
        self._names = frozenset(names)
        self._seldom = Seldom()

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to log `record`; lines are of one kind if they differ only in what was put into their text.

        An error is of another kind if it was raised in another line of code.
        """
        if record.name.partition(".")[0] not in self._names:
            return True
        # librdkafka's text is the same for all lines; what happened is its first argument, such as FAIL
        kind = record.args[0] if isinstance(record.args, tuple) and record.args else ""
        error = record.exc_info[1] if record.exc_info else None
        place = place_of(error) if error else ""
        kind = kind if isinstance(kind, str) else ""
        return self._seldom.may_say((record.name, record.levelno, record.msg, kind, place))
