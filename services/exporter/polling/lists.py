"""Reads the lists of a polled ERP in parts, so that the desk knows before an export what the ERP lacks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from pydantic import ValidationError

from schemas.envelope import Event, new_event
from schemas.events import ErpReference, ErpReferenceRemoved, EventData, reference_key
from services.exporter.connections import Connection
from services.exporter.connectors.pull import ListPage, PullSettings, Question, Reply
from services.exporter.polling import large_replies
from services.exporter.rules.conversation import Progress, Reading
from services.exporter.rules.published_events import SOURCE
from services.exporter.storage import pollers, references
from services.exporter.storage.pollers import ReadList
from services.exporter.storage.references import ChangedEntry
from services.pipeline.database import Transaction

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Taken:
    """What the reply to a question about a list leads to: the reading that goes on, if any, and events."""

    reading: Reading | None
    events: Sequence[Event[EventData]] = ()
    error: str = ""


class ListReading:
    """Keeps the lists of each polled connection as they were last read."""

    async def count_due(self, db: Transaction, connection: Connection, progress: Progress, now: datetime) -> int:
        """How many lists are to be read, the one that is being read included."""
        due = await self._due(db, connection, progress, now)
        return len({*due, *([progress.reading.name] if progress.reading else [])})

    async def begun(self, db: Transaction, connection: Connection, progress: Progress, now: datetime) -> Reading | None:
        """Return the reading that goes on, or the beginning of the next list that is due; None if none is."""
        if progress.reading is not None:
            return progress.reading
        due = await self._due(db, connection, progress, now)
        return Reading(name=due[0], began_at=now) if due else None

    def question(self, connection: Connection, reading: Reading) -> Question:
        """Return the question for the next part."""
        return connection.polled.list_question(reading.name, reading.page)

    async def taken(
        self, db: Transaction, connection: Connection, reading: Reading, reply: Reply, now: datetime
    ) -> Taken:
        """Store a part of a list; after its last part, note that it was read, and what it no longer has."""
        page = await large_replies.reading([reply], lambda: connection.polled.list_page(reading.name, reply))
        if not isinstance(page, ListPage):
            log.warning("conversation.list_unread", connection=connection.name, list=reading.name, code=page.code)
            return Taken(None, error=page.message)
        changed = await references.keep(db, connection.name, reading.name, page.entries, reading.began_at)
        if page.next_page is not None:
            going_on = reading.model_copy(update={"page": page.next_page, "is_waiting": False})
            return Taken(going_on, _events(connection, changed, now))
        changed += await references.drop_unseen(db, connection.name, reading.name, reading.began_at)
        entries = await references.count(db, connection.name, reading.name)
        await pollers.note_list_read(db, connection.name, reading.name, ReadList(now, entries))
        log.info("conversation.list_read", connection=connection.name, list=reading.name)
        return Taken(None, _events(connection, changed, now))

    async def _due(self, db: Transaction, connection: Connection, progress: Progress, now: datetime) -> list[str]:
        """The lists that were never read, or not for `lists_hours`, without those that could not be read just now."""
        settings = connection.settings
        if not isinstance(settings, PullSettings):
            return []
        known = (await pollers.poller(db, connection.name)).lists_read
        before = now - timedelta(hours=settings.lists_hours)
        wanted = [name for name in connection.polled.lists if name not in progress.skipped_lists]
        return [name for name in wanted if name not in known or known[name].at < before]


def _events(connection: Connection, changed: Sequence[ChangedEntry], now: datetime) -> Sequence[Event[EventData]]:
    """Return the events about changed entries; one whose name no event can hold is left out, and missed on the desk."""
    told = [_told(connection.name, each) for each in changed]
    return [new_event(each, source=SOURCE, time=now) for each in told if each]


def _told(connection: str, entry: ChangedEntry) -> EventData | None:
    if entry.is_gone:
        return ErpReferenceRemoved(key=reference_key(connection, entry.list_name, entry.id))
    try:
        return ErpReference(
            connection=connection,
            list_name=entry.list_name,
            id=entry.id,
            name=entry.name,
            is_active=entry.is_active,
            version=entry.version,
        )
    except ValidationError:
        return None
