"""The next offset to read in each partition, saved in the same transaction as the state."""

from collections.abc import Mapping, Sequence
from functools import cache

from sqlalchemy import Table, Update, and_, select, update
from sqlalchemy.dialects.postgresql import insert

from services.pipeline.bulk import arrays, given_rows
from services.pipeline.database import Database, Transaction
from services.pipeline.errors import StaleBatchError
from services.pipeline.records import Batch, Partition
from services.pipeline.tables import KernelTables


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

    async def advance(self, db: Transaction, batch: Batch) -> None:
        """Move every partition of `batch` to its end; StaleBatchError if one is no longer where the batch began."""
        seen = [name for name, begin in batch.begins.items() if begin is not None]
        new = [name for name, begin in batch.begins.items() if begin is None]
        moved = (await self._move(db, batch, seen) if seen else 0) + (await self._start(db, batch, new) if new else 0)
        if moved != len(batch.begins):
            raise StaleBatchError("the saved offsets have moved since the batch was read")

    async def _move(self, db: Transaction, batch: Batch, names: Sequence[Partition]) -> int:
        rows = [
            {
                "topic": name.topic,
                "partition": name.number,
                "next_offset": batch.ends[name],
                "begin": batch.begins[name],
            }
            for name in sorted(names)
        ]
        moved = await db.execute(_moving(self._table), arrays(rows))
        return moved.rowcount

    async def _start(self, db: Transaction, batch: Batch, names: Sequence[Partition]) -> int:
        rows = [
            {"topic": name.topic, "partition": name.number, "next_offset": batch.ends[name]} for name in sorted(names)
        ]
        started = await db.execute(insert(self._table).values(rows).on_conflict_do_nothing())
        return started.rowcount


@cache
def _moving(table: Table) -> Update:
    """Return the update that moves only partitions which are still where the batch began."""
    given = given_rows([table.c.topic, table.c.partition, table.c.next_offset, table.c.next_offset.label("begin")])
    still_there = and_(
        table.c.topic == given.c.topic,
        table.c.partition == given.c.partition,
        table.c.next_offset == given.c.begin,
    )
    return update(table).values(next_offset=given.c.next_offset).where(still_there)
