"""People and ERP connections as last told: of each, the record with the highest version stands."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Generic, TypeVar

from schemas.envelope import Event
from schemas.events import DirectoryPerson, DirectoryPersonRemoved, ErpConnection
from services.pipeline.fold import Decided, RefusedError

RecordT = TypeVar("RecordT", DirectoryPerson, ErpConnection)


@dataclass(frozen=True, slots=True)
class Known(Generic[RecordT]):
    """What is known under one key; `record` is None as long as nothing was told, and after a removal.

    The version outlives a removal, so that an older record that is read again gives no right back.
    """

    id: str
    version: int = -1
    record: RecordT | None = None


def person_told(
    known: Known[DirectoryPerson], event: Event[DirectoryPerson], now: datetime
) -> Decided[Known[DirectoryPerson], None]:
    """The person as the directory has them now; RefusedError where they are another company's."""
    del now
    if known.record and known.record.company_id != event.data.company_id:
        raise RefusedError(
            "other_company", f"person {known.id} belongs to another company than {event.data.company_id}"
        )
    return _newest(known, event)


def person_removed(
    known: Known[DirectoryPerson], event: Event[DirectoryPersonRemoved], now: datetime
) -> Decided[Known[DirectoryPerson], None]:
    """The person without a record, and so without any right."""
    del event, now
    return Decided(replace(known, record=None), is_changed=known.record is not None)


def connection_told(
    known: Known[ErpConnection], event: Event[ErpConnection], now: datetime
) -> Decided[Known[ErpConnection], None]:
    """The connection as the exporter has it now."""
    del now
    return _newest(known, event)


def _newest(known: Known[RecordT], event: Event[RecordT]) -> Decided[Known[RecordT], None]:
    if event.data.version <= known.version:
        return Decided(known, is_changed=False)
    return Decided(Known(known.id, event.data.version, event.data))
