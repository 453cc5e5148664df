"""Makes every daily summary that is due, once: the claim and the event are one transaction, so any number may try."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from uuid import uuid4

import structlog

from schemas.links import sign_unsubscribe
from services.digest.metrics import LAST_SUCCESS, SUMMARIES
from services.digest.rules.summary import Due, Item, Outcome, Recipient, latest_due, outcome_for, summary_of
from services.digest.settings import DigestSettings
from services.digest.storage import store
from services.digest.storage.tables import KERNEL
from services.pipeline.broker import EventProducer
from services.pipeline.crash import crash_at
from services.pipeline.database import Database
from services.pipeline.errors import BrokerError
from services.pipeline.lease import Lease
from services.pipeline.operations import database_errors_explained
from services.pipeline.outbox import Outbox
from services.pipeline.relay import LEASE_SECONDS, Relay

WAKE_SECONDS = 15.0
SEND_SECONDS = 30.0
POLL_SECONDS = 0.05
_LOOK_BACK = timedelta(days=4)
"""Covers, in any zone, the local dates whose summary may be due now, and the days before them."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Report:
    """What became of one person's summary."""

    person_id: str
    company_id: str
    name: str
    local_date: date
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class _Known:
    """What one pass knows before it makes anything: since when companies wait, and which summaries exist."""

    waits_since: Mapping[str, datetime]
    sent: set[tuple[str, date]]


class Schedule:
    """Makes summaries of what the projection has written to the database."""

    def __init__(self, database: Database, outbox: Outbox, settings: DigestSettings) -> None:
        self._database = database
        self._outbox = outbox
        self._settings = settings

    async def build_due(self, may_build: Callable[[], bool]) -> None:
        """Make what is due now, unless the projection is not up to date yet."""
        if may_build():
            await self.build_digests(datetime.now(UTC))
            LAST_SUCCESS.set_to_current_time()

    async def build_digests(self, now: datetime, *, is_ordered: bool = False) -> list[Report]:
        """Make every summary that is due at `now` and not made yet; report on everybody who can see the tool.

        By schedule, a company where nothing has waited since the due time gets none, so that what comes during the
        day is told the next morning; an operator who orders summaries gets them for whatever waits.
        """
        async with self._database.begin() as db:
            everybody = await store.recipients(db)
            known = _Known(await store.waits_since(db), await store.sent_since(db, (now - _LOOK_BACK).date()))
        reports: list[Report] = []
        for company_id, people in groupby(everybody, key=lambda recipient: recipient.company_id):
            reports += await self._build_for(company_id, people, known, now, is_ordered=is_ordered)
        return reports

    async def _build_for(
        self, company_id: str, people: Iterable[Recipient], known: _Known, now: datetime, *, is_ordered: bool
    ) -> list[Report]:
        items: list[Item] | None = None
        reports = []
        for recipient in people:
            due = latest_due(now, recipient.zone, self._settings.digest_at)
            outcome = outcome_for(
                recipient,
                was_sent=(recipient.person.id, due.local_date) in known.sent,
                waits_since=known.waits_since.get(company_id),
                until=None if is_ordered else due.at,
            )
            if outcome is Outcome.SENT:
                items = await self._items(company_id, now) if items is None else items
                outcome = await self._make(recipient, due, items, now)
            reports.append(Report(recipient.person.id, company_id, recipient.person.name, due.local_date, outcome))
        return reports

    async def _items(self, company_id: str, now: datetime) -> list[Item]:
        async with self._database.begin() as db:
            return await store.items(db, company_id, now - _LOOK_BACK)

    async def _make(self, recipient: Recipient, due: Due, items: list[Item], now: datetime) -> Outcome:
        public_url = self._settings.public_url.rstrip("/")
        token = sign_unsubscribe(self._settings.link_secret, recipient.company_id, recipient.person.id)
        event = summary_of(recipient, due, items, now, public_url, f"{public_url}/u/{token}")
        async with self._database.begin() as db:
            if not await store.claim(db, recipient, due, now):
                return Outcome.ALREADY_SENT
            await self._outbox.add(db, [event])
            crash_at("digest.before_claim_commit")
        crash_at("digest.after_claim_commit")
        self._outbox.wake()
        SUMMARIES.inc()
        log.info("digest.made", local_date=due.local_date.isoformat(), waiting=event.data.waiting.count)
        return Outcome.SENT


async def digest_at(settings: DigestSettings, instant: datetime) -> list[Report]:
    """Make and send every summary that is due at `instant`; nobody gets two for one local date, however often.

    Raises BrokerError when Kafka does not take them in time; they stay in the outbox, for the service to send.
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
    """Return once the outbox is empty: by our own relay, or by the service's where it holds the lease."""
    producer = EventProducer(settings, "countersign.digest_at")
    lease = Lease(database, KERNEL, "relay", f"digest_at:{uuid4().hex}", LEASE_SECONDS)
    stopping = asyncio.Event()
    relaying = asyncio.create_task(Relay("digest", database, outbox, producer, lease).run(stopping))
    try:
        async with asyncio.timeout(SEND_SECONDS):
            while await _rows_left(database, outbox):  # noqa: ASYNC110 - another process may send them
                await asyncio.sleep(POLL_SECONDS)
    except TimeoutError:
        raise BrokerError(
            "The summaries are made, but Kafka does not take them; the digest sends them later."
        ) from None
    finally:
        stopping.set()
        await relaying
        await asyncio.to_thread(producer.close)


async def _rows_left(database: Database, outbox: Outbox) -> int:
    async with database.begin() as db:
        return (await outbox.backlog(db))[0]
