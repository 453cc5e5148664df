"""Sends the outbox to Kafka, at least once and in order per key; one relay per service at a time.

Reading, sending and deleting go on side by side, so that a partition without a leader holds up only its own rows. The
number of rows on their way, and their size, are limited.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial
from time import monotonic
from typing import Protocol

import structlog

from services.pipeline.broker.producer import DELIVERY_TIMEOUT_SECONDS, Outcomes, Settle
from services.pipeline.crash import crash_at
from services.pipeline.database import DATABASE_ERRORS, Database
from services.pipeline.errors import DeliveryError, RefusedMessageError
from services.pipeline.lease import Lease
from services.pipeline.logs import FailureLog
from services.pipeline.outbox import Outbox
from services.pipeline.periodic import is_set_within
from services.pipeline.send_queue import Sending, SendQueue
from services.pipeline.tables import KernelTables
from services.pipeline.traced_row import trace_published

LEASE_SECONDS = 15.0
RENEW_SECONDS = 2.0
MIN_POLL_SECONDS = 0.02
MAX_POLL_SECONDS = 0.5
DELETE_SECONDS = 0.02
PAUSE_SECONDS = 0.5
REPORT_SECONDS = 60.0
READ_ROWS = 1_000
MAX_ROWS = 4_000
MAX_BYTES = 16 * 1024 * 1024
RECENT_SECONDS = 5.0
RETRY_AFTER = timedelta(seconds=30)
RETRY_PARKED_SECONDS = 5.0
RETRY_ROWS = 1_000

log = structlog.get_logger()


class Producer(Protocol):
    """What the relay needs of a Kafka client."""

    def submit(self, topic: str, key: str, value: bytes | None, settle: Settle) -> None:
        """Send one message; `settle` is called, in any thread, with its error, or with None once acknowledged."""
        ...

    async def is_answered(self) -> bool:
        """Whether a broker answers now."""
        ...


def new_relay(service: str, database: Database, tables: KernelTables, outbox: Outbox, producer: Producer) -> "Relay":
    """Return a relay that competes for the service's relay lease under a name of its own."""
    lease = Lease.of_this_process(database, tables, "relay", LEASE_SECONDS)
    return Relay(service, database, outbox, producer, lease)


class Relay:
    """Sends outbox rows while it holds the service's relay lease, at most one unacknowledged row per key."""

    def __init__(self, service: str, database: Database, outbox: Outbox, producer: Producer, lease: Lease) -> None:
        self._service = service
        self._database = database
        self._outbox = outbox
        outbox.has_relay = True
        self._producer = producer
        self._lease = lease
        self._queue = SendQueue()
        self._outcomes: Outcomes[Sending]
        self._acknowledged: list[Sending] = []
        self._has_acknowledged = asyncio.Event()
        self._newest_acknowledged = 0
        self._acknowledged_at = 0.0
        self._ended = asyncio.Event()
        self._failures = FailureLog(every_seconds=REPORT_SECONDS)
        self._send_at = 0.0
        self._poll_seconds = MIN_POLL_SECONDS
        self._look_at = 0.0
        self._reading = asyncio.Lock()
        self._parking = 0

    async def run(self, stopping: asyncio.Event) -> None:
        """Relay until `stopping` is set, then send what is left once and release the lease."""
        self._outcomes = Outcomes()
        async with asyncio.TaskGroup() as group:
            for part in (self._hold_lease, self._read, self._handle_outcomes, self._delete, self._retry_parked):
                group.create_task(self._repeat(part))
            await stopping.wait()
            await self._send_the_rest()
            self._ended.set()
            self._outcomes.arrived.set()
            self._has_acknowledged.set()
            self._outbox.wake()
        with suppress(*DATABASE_ERRORS):
            await self._lease.release()

    async def _send_the_rest(self) -> None:
        with suppress(*DATABASE_ERRORS):
            await self._read_rows()
            self._add_fresh()
            self._send()
        while self._queue.is_sending:  # noqa: ASYNC110 - the runtime ends it when the time for the drain is over
            await asyncio.sleep(MIN_POLL_SECONDS)

    async def _repeat(self, part: Callable[[], Awaitable[float]]) -> None:
        """Repeat `part`, which returns for how many seconds to pause."""
        while not self._ended.is_set():
            try:
                pause_seconds = await part()
            except DATABASE_ERRORS as error:
                self._failures.expected("relay.waits", error)
                pause_seconds = PAUSE_SECONDS
            await is_set_within(self._ended, pause_seconds)

    async def _hold_lease(self) -> float:
        await self._lease.hold()
        if not self._lease.is_renewed:
            self._queue.forget_waiting()  # another process may have sent them meanwhile
            self._outbox.forget_fresh()
        return RENEW_SECONDS

    def _may_send(self) -> bool:
        """Whether the lease outlasts the delivery timeout, so that no two relays send the same key at once."""
        return self._lease.remaining_seconds > DELIVERY_TIMEOUT_SECONDS

    async def _read(self) -> float:
        """Send what was handed over; read rows that were not, or that another process may have written."""
        await is_set_within(self._outbox.has_rows, max(self._look_at - monotonic(), 0.0))
        is_due, was_woken = monotonic() >= self._look_at, self._outbox.take_wake()
        if self._ended.is_set():
            return 0.0
        if not self._may_send():
            self._outbox.take_fresh()  # whoever may send will read them
            self._look_at = monotonic() + self._poll_seconds
            return 0.0
        if is_due or was_woken:
            found = await self._read_rows()
            if not was_woken:
                self._poll_seconds = MIN_POLL_SECONDS if found else min(self._poll_seconds * 2, MAX_POLL_SECONDS)
            self._look_at = monotonic() + self._poll_seconds
            if found == READ_ROWS:
                self._outbox.wake()
        async with self._reading:  # what is read at the end of the service may contain them
            self._add_fresh()
        self._send()
        return 0.0

    async def _read_rows(self) -> int:
        """Read rows that are not known; one read at a time, so that none has been sent and forgotten meanwhile."""
        async with self._reading:
            room = MAX_ROWS - len(self._queue.known), MAX_BYTES - self._queue.size_bytes
            if min(room) <= 0:
                return 0
            forgotten, limit = self._queue.forgotten, min(READ_ROWS, room[0])
            async with self._database.autocommit() as db:
                rows = await self._outbox.oldest(db, limit, max_bytes=room[1], known=self._queue.known)
            if self._parking or self._queue.forgotten != forgotten:
                self._outbox.wake()  # these rows may have to wait behind one that is parked, or be sent after another
                return 0
            self._queue.add(rows)
            self._outbox.note_read(rows)
            self._add_fresh()  # some may be among these rows, and must not be sent again once these are done
            return len(rows)

    def _add_fresh(self) -> None:
        """Add rows that were handed over; if there is no room for them, they are read later."""
        fresh = self._outbox.take_fresh()
        if not fresh:
            return
        if len(self._queue.known) + len(fresh) > MAX_ROWS or self._queue.size_bytes > MAX_BYTES // 2:
            self._outbox.wake()
        else:
            self._queue.add(fresh)

    def _send(self) -> None:
        """Send what may be sent; the lease is checked at the last moment, since reading may have taken long."""
        if not self._may_send() or monotonic() < self._send_at:
            return
        chosen = self._queue.take()
        if chosen:
            crash_at(f"{self._service}.relay_before_send")
        for each in chosen:
            value = each.row.value or None  # what a tombstone stands for is stored as nothing
            self._producer.submit(each.row.topic, each.row.key, value, partial(self._outcomes.put, each))

    async def _handle_outcomes(self) -> float:
        await self._outcomes.arrived.wait()
        failed: list[tuple[Sending, DeliveryError]] = []
        for sending, error in self._outcomes.take():
            if error is None:
                self._acknowledged.append(sending)
                self._newest_acknowledged = max(self._newest_acknowledged, sending.order)
                self._acknowledged_at = monotonic()
                trace_published(sending.row)
            else:
                failed.append((sending, error))
        self._has_acknowledged.set()
        if failed:
            await self._handle_failures(failed)
        return 0.0

    async def _handle_failures(self, failed: Sequence[tuple[Sending, DeliveryError]]) -> None:
        """Park what Kafka refuses, and what it does not take although it takes others; let the rest wait."""
        self._failures.expected("relay.not_acknowledged", failed[0][1], rows=len(failed), why=str(failed[0][1]))
        must_make_room = self._is_full and await self._producer.is_answered()
        to_park: dict[tuple[str, timedelta | None], list[Sending]] = {}
        for sending, error in failed:
            is_refused = isinstance(error, RefusedMessageError)
            if self._queue.is_outdated(sending):
                self._queue.drop(sending)
            elif is_refused or must_make_room or self._is_passed(sending):
                to_park.setdefault((str(error), None if is_refused else RETRY_AFTER), []).append(sending)
            else:
                self._give_back([sending])
        for (why, retry_after), sent in to_park.items():
            if self._may_send():
                await self._park(sent, why, retry_after)
            else:
                self._give_back(sent)
        self._outbox.wake()

    def _is_passed(self, sending: Sending) -> bool:
        """Whether Kafka takes later rows, and still does: what it took before it went away says nothing."""
        is_taking = monotonic() - self._acknowledged_at < RECENT_SECONDS
        return is_taking and sending.order < self._newest_acknowledged

    def _give_back(self, sent: Sequence[Sending]) -> None:
        for each in sent:
            self._queue.give_back(each)
        self._send_at = monotonic() + PAUSE_SECONDS

    @property
    def _is_full(self) -> bool:
        return len(self._queue.known) > MAX_ROWS - READ_ROWS or self._queue.size_bytes > MAX_BYTES // 2

    async def _park(self, sent: Sequence[Sending], why: str, retry_after: timedelta | None) -> None:
        """Park rows. If the database does not say whether they are parked, they are read again from where they are."""
        self._parking += 1
        for each in sent:
            self._queue.drop(each)
        try:
            async with self._database.autocommit() as db:
                await self._outbox.park(db, [name for each in sent for name in each.names], why, retry_after)
        except DATABASE_ERRORS as error:
            self._failures.expected("relay.not_parked", error)
            return
        finally:
            self._parking -= 1
            self._queue.note_forgotten()
        if retry_after is None:
            for each in sent:
                log.error("relay.event_refused", topic=each.row.topic, outbox_id=each.row.id, why=why)

    async def _delete(self) -> float:
        await self._has_acknowledged.wait()
        if not self._queue.has_waiting:
            await is_set_within(self._ended, DELETE_SECONDS)  # others may be acknowledged meanwhile
        self._has_acknowledged.clear()
        sent, self._acknowledged = self._acknowledged, []
        if not sent:
            return 0.0
        crash_at(f"{self._service}.relay_before_delete")
        try:
            async with self._database.autocommit() as db:
                await self._outbox.settle(db, [name for each in sent for name in each.names])
        except DATABASE_ERRORS:
            self._acknowledged += sent
            self._has_acknowledged.set()
            raise
        was_full = self._is_full
        self._queue.done(sent)
        self._send()
        if was_full:
            self._outbox.wake()
        return 0.0

    async def _retry_parked(self) -> float:
        if self._may_send():
            async with self._database.autocommit() as db:
                if await self._outbox.retry_due(db, RETRY_ROWS):
                    self._outbox.wake()
        return RETRY_PARKED_SECONDS
