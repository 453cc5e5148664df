"""Removes rows that no promise needs any more: a few at a time, by one process of a service, and never for long."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog
from sqlalchemy import ColumnElement, Delete, Select, Table, Update, and_, delete, func, literal_column, select

from services.pipeline import metrics
from services.pipeline.clock import Clock, utc_now
from services.pipeline.database import Database, Transaction
from services.pipeline.lease import Lease
from services.pipeline.periodic import every, is_set_within
from services.pipeline.tables import KernelTables

SWEEP_SECONDS = 6 * 3600.0
FIRST_AFTER_SECONDS = 300.0
PAUSE_SECONDS = 0.05
MAX_ROWS = 1000
"""How many rows a statement may remove, and how many keys a step looks at."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Swept:
    """What one step removed, and the key behind which the next one continues; None if there is nothing left to do."""

    rows: int
    next_after: str | None


Sweep = Callable[[Transaction, str, datetime], Awaitable[Swept]]
"""Removes some rows, at most MAX_ROWS, that are older than an instant; begins behind the key that the last one gave."""


@dataclass(frozen=True, slots=True)
class RetentionRule:
    """For how long rows of `table` are kept, and how older ones are removed."""

    table: str
    kept_days: int
    sweep: Sweep


class Retention:
    """Applies the rules of one service one after the other."""

    def __init__(
        self,
        service: str,
        database: Database,
        tables: KernelTables,
        rules: Sequence[RetentionRule],
        clock: Clock = utc_now,
    ) -> None:
        self._service = service
        self._database = database
        self._rules = rules
        self._clock = clock
        # held for the whole pause and not only while it sweeps, so that many processes do not sweep many times
        self._lease = Lease.of_this_process(database, tables, "retention", SWEEP_SECONDS)
        metrics.RETENTION_SWEPT.labels(service)
        for rule in rules:
            metrics.RETENTION_ROWS.labels(service, rule.table)

    async def run(self, stopping: asyncio.Event) -> None:
        """Sweep some minutes after the start and then every SWEEP_SECONDS, until `stopping` is set."""
        sweeping = every(SWEEP_SECONDS, partial(self.sweep, stopping), first_after_seconds=FIRST_AFTER_SECONDS)
        await sweeping(stopping)

    async def sweep(self, stopping: asyncio.Event) -> None:
        """Apply every rule, unless another process has done so lately; a stop ends it after the current statement."""
        if not await self._lease.hold():
            return
        for rule in self._rules:
            rows = await self._apply(rule, stopping)
            if rows:
                log.info("retention.swept", table=rule.table, rows=rows)
        if stopping.is_set():
            await self._lease.release()  # another process continues
        else:
            metrics.RETENTION_SWEPT.labels(self._service).set(utc_now().timestamp())

    async def _apply(self, rule: RetentionRule, stopping: asyncio.Event) -> int:
        """Take steps until none is left or `stopping` is set; return how many rows they removed."""
        before, rows = self._clock() - timedelta(days=rule.kept_days), 0
        after: str | None = ""
        while after is not None and not stopping.is_set():
            async with self._database.begin() as db:
                swept = await rule.sweep(db, after, before)
            metrics.RETENTION_ROWS.labels(self._service, rule.table).inc(swept.rows)
            rows, after = rows + swept.rows, swept.next_after
            await is_set_within(stopping, PAUSE_SECONDS)
        return rows


def kernel_rules(tables: KernelTables, kept_days: int) -> list[RetentionRule]:
    """Return the rules for what operators have settled, which every service has."""
    return [dead_letter_rule(tables, kept_days), discarded_events_rule(tables, kept_days)]


def dead_letter_rule(tables: KernelTables, kept_days: int) -> RetentionRule:
    """Return the rule that deletes settled dead letters; open ones stay until somebody settles them."""
    settled_at = tables.dead_letter.c.settled_at

    async def sweep(db: Transaction, after: str, before: datetime) -> Swept:
        del after
        return await delete_oldest(db, tables.dead_letter, settled_at, before)

    return RetentionRule("dead_letter", kept_days, sweep)


def discarded_events_rule(tables: KernelTables, kept_days: int) -> RetentionRule:
    """Return the rule that deletes events which an operator has discarded from the outbox."""
    discarded_at = tables.outbox_discarded.c.discarded_at

    async def sweep(db: Transaction, after: str, before: datetime) -> Swept:
        del after
        return await delete_oldest(db, tables.outbox_discarded, discarded_at, before)

    return RetentionRule("outbox_discarded", kept_days, sweep)


async def delete_oldest(db: Transaction, table: Table, column: ColumnElement[Any], before: object) -> Swept:
    """Delete the rows with the lowest values in `column`, which has an index, if these are below `before`."""
    rows = await remove(db, delete(table), select(row_address(table)).where(column < before).order_by(column))
    return Swept(rows, "" if rows == MAX_ROWS else None)


async def remove(db: Transaction, removal: Delete | Update, chosen: Select[Any]) -> int:
    """Carry out `removal` on at most MAX_ROWS rows whose addresses `chosen` selects; return how many there were.

    By address, so that PostgreSQL finds each row at once however it estimates their number. Rows that somebody else
    has locked are left for the next sweep.
    """
    table = removal.table
    addresses = chosen.limit(MAX_ROWS).with_for_update(of=table, skip_locked=True).scalar_subquery()
    return (await db.execute(removal.where(row_address(table) == func.any(func.array(addresses))))).rowcount


def row_address(table: Any) -> ColumnElement[Any]:
    """Return where a row of `table` is stored, which is valid within one statement."""
    return literal_column(f"{table.fullname}.ctid")


async def next_keys(db: Transaction, key: ColumnElement[str], after: str) -> str | None:
    """Return the last of the next MAX_ROWS keys behind `after` in a table; None behind the last one."""
    keys = select(key).where(key > after).order_by(key).limit(MAX_ROWS).subquery()
    last: str | None = (await db.execute(select(func.max(keys.c[0])))).scalar_one()
    return last


def in_range(after: str, last: str, *keys: ColumnElement[str]) -> ColumnElement[bool]:
    """Return whether each of `keys` is behind `after` and not behind `last`.

    A statement that joins tables says so of all of them, because PostgreSQL does not conclude it from one.
    """
    return and_(*(and_(key > after, key <= last) for key in keys))
