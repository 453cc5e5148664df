"""The next offset to read in each partition, saved in the same transaction as the state."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Table, and_, select, update

from services.pipeline.bulk import given_rows, insert_unless_known
from services.pipeline.database import Database
from services.pipeline.errors import StaleBatchError
from services.pipeline.records import Batch, Partition
from services.pipeline.tables import KernelTables
from services.pipeline.writes import Write, Writes


class Offsets:
    """A service's saved offsets."""

    def __init__(self, tables: KernelTables) -> None:
        self._table = tables.consumer_offset

    async def load(self, database: Database, partitions: Sequence[Partition]) -> Mapping[Partition, int]:
        """Return the saved offsets of `partitions`; one that was never read has none."""
        saved = await self.load_all(database)
        return {name: saved[name] for name in partitions if name in saved}

    async def load_all(self, database: Database) -> Mapping[Partition, int]:
        """Return the saved offset of every partition that was ever read."""
        async with database.autocommit() as db:
            rows = await db.execute(select(self._table))
            return {Partition(row.topic, row.partition): row.next_offset for row in rows}

    def advance(self, writes: Writes, batch: Batch) -> None:
        """Move every partition of `batch` to its end; StaleBatchError if one is no longer where the batch began."""
        seen = [self._row(batch, name) for name in sorted(batch.begins) if batch.begins[name] is not None]
        new = [self._row(batch, name) for name in sorted(batch.begins) if batch.begins[name] is None]
        stale = StaleBatchError("the saved offsets have moved since the batch was read")
        if seen:
            writes.add(_moving(self._table), seen, otherwise=stale)
        if new:
            writes.add(_starting(self._table), new, otherwise=stale)

    @staticmethod
    def _row(batch: Batch, name: Partition) -> dict[str, Any]:
        begin = batch.begins[name]
        row = {"topic": name.topic, "partition": name.number, "next_offset": batch.ends[name]}
        return row if begin is None else row | {"begin": begin}


@cache
def _starting(table: Table) -> Write:
    """Return the insert of partitions that were never read."""
    return Write("started_offset", insert_unless_known(table, ("topic", "partition", "next_offset"), "started_offset"))


@cache
def _moving(table: Table) -> Write:
    """Return the update that moves only partitions which are still where the batch began."""
    begin = table.c.next_offset.label("begin")
    given = given_rows([table.c.topic, table.c.partition, table.c.next_offset, begin], "moved_offset")
    still_there = and_(
        table.c.topic == given.c.topic,
        table.c.partition == given.c.partition,
        table.c.next_offset == given.c.begin,
    )
    return Write("moved_offset", update(table).values(next_offset=given.c.next_offset).where(still_there))
