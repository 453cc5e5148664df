"""A named lease in the database, which one process at a time holds for as long as it renews it."""

import os
import socket
from datetime import timedelta
from typing import Self
from uuid import uuid4

from sqlalchemy import delete, func, or_
from sqlalchemy.dialects.postgresql import insert

from services.pipeline.database import Database
from services.pipeline.lease_clock import elapsed_seconds
from services.pipeline.tables import KernelTables

_NEVER_TAKEN_FOR = timedelta(days=1)
"""A lease that ends so much later than any new one was not taken by a process of ours, and would never be over."""


class Lease:
    """The lease `name`. Its time counts from before the database was asked, so it ends before the row's does."""

    def __init__(self, database: Database, tables: KernelTables, name: str, holder: str, seconds: float) -> None:
        self._database = database
        self._table = tables.lease
        self._name = name
        self._holder = holder
        self._seconds = seconds
        self._until = 0.0
        self.is_renewed = False

    @classmethod
    def of_this_process(cls, database: Database, tables: KernelTables, name: str, seconds: float) -> Self:
        """Return the lease `name` with a holder that no other process, and no other lease of this one, has."""
        holder = f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:8]}"
        return cls(database, tables, name, holder, seconds)

    @property
    def remaining_seconds(self) -> float:
        """How long this process certainly still holds the lease; negative if it does not."""
        return self._until - elapsed_seconds()

    async def hold(self) -> bool:
        """Take or renew the lease; False while another process holds it.

        `is_renewed` then tells whether it was held all the time since the last call.
        """
        asked_at = elapsed_seconds()
        expires_at = func.now() + timedelta(seconds=self._seconds)
        wanted = insert(self._table).values(name=self._name, holder=self._holder, expires_at=expires_at)
        async with self._database.autocommit() as db:
            row = await db.execute(
                wanted.on_conflict_do_update(
                    index_elements=["name"],
                    set_={"holder": self._holder, "expires_at": expires_at},
                    where=or_(
                        self._table.c.holder == self._holder,
                        self._table.c.expires_at < func.now(),
                        self._table.c.expires_at > expires_at + _NEVER_TAKEN_FOR,
                    ),
                ).returning(self._table.c.holder)
            )
            is_held = row.first() is not None
        self.is_renewed = is_held and self._until > elapsed_seconds()
        self._until = asked_at + self._seconds if is_held else 0.0
        return is_held

    async def release(self) -> None:
        """Delete the lease, so that the next holder need not wait until it expires."""
        self._until = 0.0
        mine = (self._table.c.name == self._name) & (self._table.c.holder == self._holder)
        async with self._database.autocommit() as db:
            await db.execute(delete(self._table).where(mine))
