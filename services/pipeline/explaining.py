"""What of one key is on its way through Kafka, as the tables of a service show it: read, set aside, not yet sent."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel
from sqlalchemy import Row, Table, false, null, select, true, union_all

from schemas.story import OutboxState, Place, Reading, SetAsideMessage, Traffic, UnsentEvent
from schemas.topics import BY_NAME
from services.pipeline.broker import Tail, without_kafka
from services.pipeline.database import Database, Transaction
from services.pipeline.errors import BrokerError
from services.pipeline.records import Partition
from services.pipeline.tables import KernelTables

MAX_ROWS = 50
"""How many dead letters and unsent events are told, the newest ones."""

TailsOf = Callable[[Sequence[str], str], Awaitable[Mapping[str, Tail]]]
"""Says where the partition of a key ends in some topics; BrokerError if the brokers do not say it."""

Explain = Callable[[Database, str, TailsOf], Awaitable[BaseModel]]
"""Tells what a service knows of a commitment."""


async def tails_or_nothing(tails_of: TailsOf, topics: Sequence[str], key: str) -> Mapping[str, Tail]:
    """Return where the partitions of `key` end, and only which they are if the brokers do not say it."""
    try:
        return await tails_of(topics, key)
    except BrokerError:
        return without_kafka(topics, key)


async def no_tails(topics: Sequence[str], key: str) -> Mapping[str, Tail]:
    """Return only which partitions are those of `key`: where Kafka cannot be asked."""
    return without_kafka(topics, key)


async def read_traffic(db: Transaction, tables: KernelTables, key: str, tails: Mapping[str, Tail]) -> Traffic:
    """Return what of `key` is on its way; three statements, each on an index."""
    return Traffic(
        readings=await _readings(db, tables.consumer_offset, tails),
        dead_letters=await _dead_letters(db, tables.dead_letter, key),
        unsent=await _unsent(db, tables, key),
    )


async def _readings(db: Transaction, table: Table, tails: Mapping[str, Tail]) -> tuple[Reading, ...]:
    rows = await db.execute(select(table).where(table.c.topic.in_(sorted(tails))))
    saved = {Partition(row.topic, row.partition): row.next_offset for row in rows}
    return tuple(
        Reading(
            topic=topic,
            partition=tail.partition.number,
            next_offset=saved.get(tail.partition, tail.committed),
            end_offset=tail.end,
        )
        for topic, tail in sorted(tails.items())
    )


async def _dead_letters(db: Transaction, table: Table, key: str) -> tuple[SetAsideMessage, ...]:
    columns = [table.c[name] for name in ("topic", "partition", "offset", "reason", "why", "recorded_at")]
    of_key = table.c.key == key.encode("utf-8", "surrogatepass")
    chosen = select(*columns, table.c.settled_as, table.c.settled_at).where(of_key)
    rows = await db.execute(chosen.order_by(table.c.recorded_at.desc()).limit(MAX_ROWS))
    return tuple(_dead_letter(row) for row in rows)


def _dead_letter(row: Any) -> SetAsideMessage:
    return SetAsideMessage(
        place=Place(topic=row.topic, partition=row.partition, offset=row.offset),
        reason=row.reason,
        why=row.why,
        recorded_at=row.recorded_at,
        settled_as=row.settled_as,
        settled_at=row.settled_at,
    )


async def _unsent(db: Transaction, tables: KernelTables, key: str) -> tuple[UnsentEvent, ...]:
    waiting, parked = tables.outbox.c, tables.outbox_parked.c
    nothing = null().label("why"), null().label("until"), false().label("is_parked")
    unsent = select(waiting.id, waiting.topic, waiting.created_at, *nothing).where(waiting.key == key)
    refused = select(parked.id, parked.topic, parked.created_at, parked.why, parked.parked_until, true()).where(
        parked.topic.in_(sorted(BY_NAME)),  # by which the index begins
        parked.key == key,
    )
    both = union_all(unsent, refused).subquery()
    return tuple(_unsent_event(row) for row in await db.execute(select(both).order_by(both.c.id).limit(MAX_ROWS)))


def _unsent_event(row: Row[Any]) -> UnsentEvent:
    state = OutboxState.WAITING
    if row.is_parked:
        state = OutboxState.REFUSED if row.until is None else OutboxState.RETRIED
    return UnsentEvent(id=row.id, topic=row.topic, state=state, created_at=row.created_at, why=row.why)
