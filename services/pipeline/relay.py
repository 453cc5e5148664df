"""Sends the outbox to Kafka, at least once and in order per key; one relay per service at a time."""

import asyncio
import os
import socket
from contextlib import suppress
from time import monotonic
from uuid import uuid4

import structlog

from services.pipeline.broker import EventProducer
from services.pipeline.broker.producer import DELIVERY_TIMEOUT_SECONDS
from services.pipeline.crash import crash_at
from services.pipeline.database import DATABASE_ERRORS, Database
from services.pipeline.lease import Lease
from services.pipeline.outbox import Outbox, OutboxRow, sendable
from services.pipeline.periodic import is_set_within
from services.pipeline.tables import KernelTables

LEASE_SECONDS = 15.0
RENEW_SECONDS = 2.0
POLL_SECONDS = 0.02
PAUSE_SECONDS = 0.5
PASS_ROWS = 2000

log = structlog.get_logger()


def new_relay(
    service: str,
    database: Database,
    tables: KernelTables,
    outbox: Outbox,
    producer: EventProducer,
    poll_seconds: float = POLL_SECONDS,
) -> "Relay":
    """Return a relay that competes for the service's relay lease under a name of its own.

    Rows of this process wake it; `poll_seconds` is how long rows of another process may wait.
    """
    holder = f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:8]}"
    lease = Lease(database, tables, "relay", holder, LEASE_SECONDS)
    return Relay(service, database, outbox, producer, lease, poll_seconds)


class Relay:
    """Sends outbox rows while it holds the service's relay lease, at most one unacknowledged row per key."""

    def __init__(
        self,
        service: str,
        database: Database,
        outbox: Outbox,
        producer: EventProducer,
        lease: Lease,
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        self._service = service
        self._database = database
        self._outbox = outbox
        self._producer = producer
        self._lease = lease
        self._poll_seconds = poll_seconds
        self._renew_at = 0.0

    async def run(self, stopping: asyncio.Event) -> None:
        """Relay until `stopping` is set, then send once more and release the lease."""
        while not stopping.is_set():
            await is_set_within(self._outbox.has_rows, await self._turn())
        with suppress(*DATABASE_ERRORS):
            await self._turn()
            await self._lease.release()

    async def _turn(self) -> float:
        """Send rows once if the lease is held, and return how many seconds to pause."""
        self._outbox.has_rows.clear()
        try:
            return await self._pass() if await self._holds_lease() else PAUSE_SECONDS
        except DATABASE_ERRORS as error:
            log.warning("relay.waits", cause=type(error).__name__)
            return PAUSE_SECONDS

    async def _holds_lease(self) -> bool:
        """Whether the lease outlasts the delivery timeout, so that no two relays send the same key at once."""
        if monotonic() >= self._renew_at:
            await self._lease.hold()
            self._renew_at = monotonic() + RENEW_SECONDS
        return self._lease.remaining_seconds > DELIVERY_TIMEOUT_SECONDS

    async def _pass(self) -> float:
        """Send rows once and return how many seconds to pause before the next pass."""
        async with self._database.begin() as db:
            rows = await self._outbox.oldest(db, PASS_ROWS)
        if not rows:
            return self._poll_seconds
        crash_at(f"{self._service}.relay_before_send")
        settled = await self._send(rows)
        crash_at(f"{self._service}.relay_before_delete")
        async with self._database.begin() as db:
            await self._outbox.settle(db, settled)
        return 0.0 if settled else PAUSE_SECONDS

    async def _send(self, rows: list[OutboxRow]) -> list[int]:
        """Send `rows` and return the ids of those to delete."""
        chosen = sendable(rows)
        errors = await self._producer.send([(each.row.topic, each.row.key, each.row.value) for each in chosen])
        failed = [error for error in errors if error is not None]
        if failed:
            log.warning("relay.not_acknowledged", rows=len(failed), error=str(failed[0]))
        return [row for each, error in zip(chosen, errors, strict=True) if error is None for row in each.settles]
