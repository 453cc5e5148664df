"""The latest record under one key: the one with the highest version, whatever order the records arrive in."""

from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar

from schemas.envelope import Event
from schemas.values import value
from services.pipeline.fold import Decided, RefusedError


class Versioned(Protocol):
    """A record that names its own version."""

    @property
    def version(self) -> int:
        """Rises with each change of what the record describes."""
        ...


RecordT = TypeVar("RecordT", bound=Versioned)


@value
class Newest(Generic[RecordT]):
    """The record with the highest version received under `key`; None before the first one and after a removal.

    The version outlives a removal, so that reading an older record again restores nothing.
    """

    key: str
    version: int = -1
    record: RecordT | None = None

    def updated(self, record: RecordT) -> "Decided[Newest[RecordT], None]":
        """Keep `record` if its version is the highest so far; RefusedError if the key belongs to another company."""
        company_id = _company_of(record)
        if self.record is not None and _company_of(self.record) != company_id:
            raise RefusedError("other_company", f"{self.key} belongs to another company than {company_id}")
        if record.version <= self.version:
            return Decided(self, is_changed=False)
        return Decided(Newest(self.key, record.version, record))


def keep_newest(newest: Newest[RecordT], event: Event[Any], now: datetime) -> Decided[Newest[RecordT], None]:
    """Handle an event whose data is the record to keep."""
    del now
    return newest.updated(event.data)


def _company_of(record: Versioned) -> str | None:
    return getattr(record, "company_id", None)  # an ERP connection serves several companies and names none here
