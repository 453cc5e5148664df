"""A lease that lapses and an outbox that answers late when a test says so, both on a real database."""

import asyncio
from collections.abc import Collection
from datetime import timedelta

from services.pipeline.database import Database, Transaction
from services.pipeline.lease import Lease
from services.pipeline.outbox import Outbox
from services.pipeline.relay import LEASE_SECONDS
from services.pipeline.send_queue import OutboxRow, RowName
from services.pipeline.tables import KernelTables


class LapsingLease(Lease):
    """The relay's lease in a process that stands still, or is cut off from its database, for too long."""

    def __init__(self, database: Database, tables: KernelTables, holder: str) -> None:
        super().__init__(database, tables, "relay", holder, LEASE_SECONDS)
        self._asking = asyncio.Lock()
        self._is_cut_off = False

    async def hold(self) -> bool:
        """As in Lease; an error of the network while the process is cut off."""
        async with self._asking:
            if self._is_cut_off:
                raise ConnectionError("the database cannot be reached")
            return await super().hold()

    async def lapse(self) -> None:
        """Let all the time of the lease pass; the row in the database has to expire as well."""
        async with self._asking:
            self._is_cut_off = True
            self._until = 0.0

    def come_back(self) -> None:
        """Let the process ask for the lease again."""
        self._is_cut_off = False

    def is_held(self) -> bool:
        """Whether the process holds the lease."""
        return self.remaining_seconds > 0


class LateOutbox(Outbox):
    """An outbox whose rows arrive, and whose parking begins, only when a test lets them."""

    def __init__(self, tables: KernelTables) -> None:
        super().__init__(tables)
        self.reads = 0
        self.passes = 0
        self.read_keys: set[str] = set()
        self.may_arrive = asyncio.Event()
        self.may_arrive.set()
        self.wants_to_park = asyncio.Event()
        self.may_park = asyncio.Event()
        self.may_park.set()

    def take_wake(self) -> bool:
        """As in Outbox; the relay asks in each of its passes."""
        self.passes += 1
        return super().take_wake()

    async def oldest(
        self, db: Transaction, limit: int, *, max_bytes: int = 2**40, known: Collection[RowName] = ()
    ) -> list[OutboxRow]:
        """As in Outbox, but later."""
        rows = await super().oldest(db, limit, max_bytes=max_bytes, known=known)
        self.reads += 1
        self.read_keys = {row.key for row in rows}
        await self.may_arrive.wait()
        return rows

    async def park(self, db: Transaction, names: Collection[RowName], why: str, retry_after: timedelta | None) -> None:
        """As in Outbox, but later."""
        self.wants_to_park.set()
        await self.may_park.wait()
        await super().park(db, names, why, retry_after)
