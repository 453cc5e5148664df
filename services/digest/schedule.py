"""Makes every daily summary that is due, exactly once: its claim and its event are one transaction.

Any number of processes may therefore run the schedule at the same time.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import groupby

import structlog

from schemas.links import sign_unsubscribe
from services.digest.metrics import LAST_SUCCESS, SUMMARIES
from services.digest.rules.due import Due, latest_due
from services.digest.rules.items import Item
from services.digest.rules.recipients import DigestOutcome, Recipient, outcome_for
from services.digest.rules.summary import summary_of
from services.digest.settings import DigestSettings
from services.digest.storage import summaries
from services.digest.storage.tables import KERNEL
from services.pipeline import tracing
from services.pipeline.apart import apart
from services.pipeline.broker import EventProducer
from services.pipeline.crash import crash_at
from services.pipeline.database import Database
from services.pipeline.errors import BrokerError
from services.pipeline.operations import database_errors_explained
from services.pipeline.outbox import Outbox
from services.pipeline.relay import new_relay

WAKE_SECONDS = 15.0
SEND_SECONDS = 30.0
POLL_SECONDS = 0.05
_LOOK_BACK = timedelta(days=4)
"""Covers, in any time zone, the local dates whose summary may be due now, and the days before them."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of one person's summary."""

    person_id: str
    company_id: str
    name: str
    local_date: date
    outcome: DigestOutcome


class Schedule:
    """Makes summaries of what the projection has written to the database."""

    def __init__(self, database: Database, outbox: Outbox, settings: DigestSettings) -> None:
        self._database = database
        self._outbox = outbox
        self._settings = settings
        self._public_url = settings.public_url.rstrip("/")

    async def build_due(self, may_build: Callable[[], bool]) -> None:
        """Make what is due now, unless the projection is not up to date yet."""
        if may_build():
            await self.build_digests(self._database.clock())
            LAST_SUCCESS.set_to_current_time()

    async def build_digests(self, now: datetime, *, is_ordered: bool = False) -> list[Report]:
        """Make every summary that is due at `now` and not made yet, and report on each person.

        The schedule skips a company in which nothing waited at the due time: what arrives during the day is in the
        next morning's summary. An operator who orders summaries gets them for whatever waits at `now`, and a report
        on everybody who may view the tool. A person or commitment whose row cannot be read is left out, with an alarm.
        """
        async with self._database.begin() as db:
            waiting_since = await summaries.waiting_since(db)
            found = await summaries.recipients(db, None if is_ordered else waiting_since)
            sent = await summaries.sent_since(db, (now - _LOOK_BACK).date())
        reports: list[Report] = []
        for company_id, people in groupby(found, key=lambda recipient: recipient.person.company_id):
            reports += await self._build_for(people, waiting_since.get(company_id), sent, now, is_ordered=is_ordered)
        return reports

    async def _build_for(
        self,
        people: Iterable[Recipient],
        waiting_since: datetime | None,
        sent: Collection[tuple[str, date]],
        now: datetime,
        *,
        is_ordered: bool,
    ) -> list[Report]:
        """Make the summaries of one company."""
        items: list[Item] | None = None
        reports = []
        for recipient in people:
            person = recipient.person
            due = latest_due(now, recipient.zone, self._settings.digest_at)
            outcome = outcome_for(
                recipient,
                was_sent=(person.person_id, due.local_date) in sent,
                waiting_since=waiting_since,
                until=None if is_ordered else due.at,
            )
            if outcome is DigestOutcome.SENT:
                items = await self._items(person.company_id, now) if items is None else items
                outcome = await self._make(recipient, due, items, now)
            reports.append(Report(person.person_id, person.company_id, person.name, due.local_date, outcome))
        return reports

    async def _items(self, company_id: str, now: datetime) -> list[Item]:
        async with self._database.begin() as db:
            return await summaries.items(db, company_id, now - _LOOK_BACK)

    async def _make(self, recipient: Recipient, due: Due, items: list[Item], now: datetime) -> DigestOutcome:
        person = recipient.person
        token = sign_unsubscribe(self._settings.link_secret, person.company_id, person.person_id)
        unsubscribe_url = f"{self._public_url}/u/{token}"
        event = await apart(partial(summary_of, recipient, due, items, now, self._public_url, unsubscribe_url))
        about = {"countersign.subject": person.person_id, "countersign.local_date": due.local_date.isoformat()}
        async with self._database.begin() as db:
            if not await summaries.claim(db, recipient, due, now):
                return DigestOutcome.ALREADY_SENT
            with tracing.continued("build summary", None, about) as traceparent:
                await self._outbox.add(db, [replace(event, traceparent=traceparent)])
            crash_at("digest.before_claim_commit")
        crash_at("digest.after_claim_commit")
        self._outbox.wake()
        SUMMARIES.inc()
        log.info("digest.made", local_date=due.local_date.isoformat(), waiting=event.data.waiting.count)
        return DigestOutcome.SENT


async def digest_at(settings: DigestSettings, instant: datetime) -> list[Report]:
    """Make and send every summary that is due at `instant`; nobody gets two for one local date.

    Raises BrokerError if Kafka does not acknowledge them in time; the service then sends them from the outbox.
    """
    database = Database(settings.database_url, application_name="countersign.digest-at", pool_size=2)
    outbox = Outbox(KERNEL)
    try:
        with database_errors_explained():
            reports = await Schedule(database, outbox, settings).build_digests(instant.astimezone(UTC), is_ordered=True)
            if await _rows_left(database, outbox):
                await _send(settings, database, outbox)
    finally:
        await database.close()
    return reports


async def _send(settings: DigestSettings, database: Database, outbox: Outbox) -> None:
    """Return once the outbox is empty; the service's own relay sends it where that one holds the lease."""
    producer = EventProducer(settings, "countersign.digest_at")
    stopping = asyncio.Event()
    relaying = asyncio.create_task(new_relay("digest", database, KERNEL, outbox, producer).run(stopping))
    try:
        async with asyncio.timeout(SEND_SECONDS):
            while await _rows_left(database, outbox):  # noqa: ASYNC110 - another process may send them
                await asyncio.sleep(POLL_SECONDS)
    except TimeoutError:
        raise BrokerError(
            "The summaries are made, but Kafka does not acknowledge them; the digest service sends them later."
        ) from None
    finally:
        stopping.set()
        await relaying
        await asyncio.to_thread(producer.close)


async def _rows_left(database: Database, outbox: Outbox) -> int:
    async with database.begin() as db:
        return (await outbox.backlog(db)).rows
