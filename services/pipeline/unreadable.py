"""Reads rows so that one which cannot be read hurts only what it is about: it is left out, named once, and counted.

Checks in the database prevent most of such rows. What is left are rows of another release, of somebody's own statement,
or of a damaged disk.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import partial
from threading import Lock
from time import monotonic
from typing import TypeVar

import structlog
from sqlalchemy import Table

from services.pipeline import metrics
from services.pipeline.errors import UnreadableRowError

ODD = (ValueError, TypeError, LookupError, ArithmeticError, AttributeError, RecursionError)
"""What reading a value raises that is not of the expected form; a ValidationError is a ValueError."""
COUNTED_SECONDS = 25 * 3600.0
"""For how long a row counts that was not read again: everything is read at least once a day, unless it is gone."""
MAX_COUNTED = 1_000
"""Rows of one table that are counted and named in the log; what is beyond is left out all the same."""
MAX_NOTED = 10
"""Rows that whoever wants to tell of them is told, the first ones."""

RowT = TypeVar("RowT")
RecordT = TypeVar("RecordT")
log = structlog.get_logger()


class UnreadableRows:
    """Which rows this process could not read, by table, each with when it was last tried."""

    def __init__(self) -> None:
        self._tried_at: dict[Table, dict[str, float]] = {}
        self._lock = Lock()  # contents are read in a thread of their own

    def note(self, table: Table, key: str, error: Exception) -> None:
        """Count the row, and say which it is unless it is known."""
        with self._lock:
            is_first = table not in self._tried_at
            rows = self._tried_at.setdefault(table, {})
            is_new = key not in rows and len(rows) < MAX_COUNTED
            if key in rows or is_new:
                rows[key] = monotonic()
        if is_first:
            metrics.ROWS_UNREADABLE.labels(table.schema, table.name).set_function(lambda: self.count(table))
        if is_new:
            log.error(
                "rows.unreadable", table=table.fullname, key=key, cause=type(error).__name__
            )  # its text may quote

    def forget(self, table: Table, key: str) -> None:
        """Count the row no more, since it can be read."""
        if rows := self._tried_at.get(table):
            with self._lock:
                rows.pop(key, None)

    def count(self, table: Table) -> int:
        """Return how many rows of `table` could not be read when they were last tried."""
        before = monotonic() - COUNTED_SECONDS
        with self._lock:
            rows = self._tried_at[table] = {key: at for key, at in self._tried_at[table].items() if at >= before}
        return len(rows)


_ROWS = UnreadableRows()
_NOTED: ContextVar[dict[str, None] | None] = ContextVar("noted", default=None)


@contextmanager
def noted() -> Iterator[Collection[str]]:
    """Yield a sentence for each row, at most MAX_NOTED, that could not be read within the block so far.

    A block around this one gets them as well, once this one ends.
    """
    found: dict[str, None] = {}
    around, token = _NOTED.get(), _NOTED.set(found)
    try:
        yield found.keys()
    finally:
        _NOTED.reset(token)
        if around is not None:
            around.update(found)


def read_or_none(table: Table, key: object, read: Callable[[], RecordT]) -> RecordT | None:
    """Return what `read` makes of the row of `table` with this key; None if it cannot be read."""
    try:
        return _read(table, str(key), read)
    except UnreadableRowError:
        return None


def read_or_raise(table: Table, key: object, read: Callable[[], RecordT]) -> RecordT:
    """As read_or_none; UnreadableRowError where nothing can be done for the key without its row."""
    return _read(table, str(key), read)


def readable(
    table: Table, rows: Iterable[RowT], key: Callable[[RowT], object], read: Callable[[RowT], RecordT]
) -> list[RecordT]:
    """Return what `read` makes of each of `rows` that can be read, in their order."""
    found = []
    for row in rows:
        with suppress(UnreadableRowError):
            found.append(_read(table, str(key(row)), partial(read, row)))
    return found


def _read(table: Table, key: str, read: Callable[[], RecordT]) -> RecordT:
    try:
        record = read()
    except ODD as error:
        raise _noted(table, key, error) from error
    _ROWS.forget(table, key)
    return record


def _noted(table: Table, key: str, error: Exception) -> UnreadableRowError:
    """Return the error that says so, once the row is counted, and noted for whoever tells of it."""
    _ROWS.note(table, key, error)
    sentence = f"{table.fullname} has a row for {key} that cannot be read"
    told = _NOTED.get()
    if told is not None and len(told) < MAX_NOTED:
        told[sentence] = None
    return UnreadableRowError(sentence)
