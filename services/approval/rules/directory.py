"""What a removal from the company's directory means."""

from dataclasses import replace
from datetime import datetime

from schemas.envelope import Event
from schemas.events import DirectoryPerson, DirectoryPersonRemoved
from services.pipeline.fold import Decided
from services.pipeline.newest import Newest


def person_removed(
    known: Newest[DirectoryPerson], event: Event[DirectoryPersonRemoved], now: datetime
) -> Decided[Newest[DirectoryPerson], None]:
    """The person without a record, and so without any right."""
    del event, now
    return Decided(replace(known, record=None), is_changed=known.record is not None)
