"""What the dead letters, or the parked events, that an operator means have in common."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, LargeBinary, Table


@dataclass(frozen=True, slots=True, kw_only=True)
class RowFilter:
    """Rows that have everything that is given: all rows if nothing is.

    `since` is included and `until` is not; `why` is a part of the explanation, in any case of letters.
    """

    topic: str | None = None
    key: str | None = None
    reason: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    why: str | None = None

    def conditions(self, table: Table, at: ColumnElement[datetime]) -> list[ColumnElement[bool]]:
        """Return what a row of `table` has to fulfil; `at` is the time that `since` and `until` are about."""
        wanted: list[ColumnElement[bool]] = []
        for name, value in (("topic", self.topic), ("key", self._key_in(table)), ("reason", self.reason)):
            if value is not None:
                wanted.append(table.c[name] == value)
        if self.since is not None:
            wanted.append(at >= self.since)
        if self.until is not None:
            wanted.append(at < self.until)
        if self.why is not None:
            wanted.append(table.c.why.icontains(self.why, autoescape=True))
        return wanted

    def _key_in(self, table: Table) -> object:
        is_bytes = isinstance(table.c.key.type, LargeBinary)
        return self.key.encode() if is_bytes and self.key is not None else self.key


ALL_ROWS = RowFilter()
