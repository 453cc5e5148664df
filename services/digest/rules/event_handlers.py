"""What events change in the digest's records."""

from dataclasses import replace
from datetime import datetime

from schemas.envelope import Event
from schemas.events import CommitmentStatus, DirectoryPerson, DirectoryPersonRemoved
from schemas.fields import ToolLevel
from services.digest.rules.items import Item, item_of
from services.pipeline.fold import Decided
from services.pipeline.newest import Newest


def status_received(item: Newest[Item], event: Event[CommitmentStatus], now: datetime) -> Decided[Newest[Item], None]:
    """The commitment as its status with the highest version shows it."""
    known, heard = item.record, item_of(event.data, now)
    if known and (known.status, known.since) == (heard.status, heard.since):
        heard = replace(heard, known_since=known.known_since)
    return item.updated(heard)


def person_removed(
    person: Newest[DirectoryPerson], event: Event[DirectoryPersonRemoved], now: datetime
) -> Decided[Newest[DirectoryPerson], None]:
    """The person without any right; the record stays, so that the id still belongs to its company."""
    del event, now
    if person.record is None or not person.record.may_view:
        return Decided(person, is_changed=False)
    without_rights = {"erp_tool": ToolLevel.NONE, "can_push_to_accounting": False}
    return Decided(replace(person, record=person.record.model_copy(update=without_rights)))
