"""The hand-written limit: batches, one statement per table, no validation, no guarantees, nothing for operators.

A crash loses status events, and a poisoned message stops it for good. It shows what these clients can reach in Python.
"""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import asyncpg
import orjson
from confluent_kafka import Consumer, Message, Producer

from benchmarks.contenders.work import SOURCE_TOPIC, STATUS_TOPIC, Place, status_event

BATCH_MESSAGES = 500
REMEMBER_MANY = "insert into seen(event_id) select * from unnest($1::uuid[]) on conflict do nothing returning event_id"
UPSERT_MANY = """
insert into commitment(id, company_id, project_id, revision, status, payload)
select id, company_id, project_id, revision, 'ready', payload::jsonb
from unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::text[])
    as given(id, company_id, project_id, revision, payload)
on conflict (id) do update
set revision = excluded.revision, status = 'ready', payload = excluded.payload, updated_at = now()
where commitment.revision < excluded.revision
"""

Read = Sequence[tuple[Message, dict[str, Any]]]


async def run(place: Place) -> None:
    """Consume batches until the process is stopped."""
    db = await asyncpg.connect(place.database)
    producer = Producer({"bootstrap.servers": place.kafka, "enable.idempotence": True, "linger.ms": 1})
    consumer = Consumer(
        {
            "bootstrap.servers": place.kafka,
            "group.id": place.group,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )
    consumer.subscribe([SOURCE_TOPIC])
    while True:
        batch = _next_batch(consumer)
        if batch:
            async with db.transaction():
                await _save(db, batch)
            for message, event in batch:
                producer.produce(STATUS_TOPIC, _status(event), message.key())
            consumer.commit(asynchronous=True)
        producer.poll(0)


def _next_batch(consumer: Consumer) -> Read:
    first = consumer.poll(0.1)
    if first is None:
        return []
    messages = [first, *consumer.consume(BATCH_MESSAGES - 1, 0)]
    return [(message, orjson.loads(message.value() or b"")) for message in messages if not message.error()]


async def _save(db: asyncpg.Connection, batch: Read) -> None:
    """Save the newest event of each commitment among those that are new."""
    new = {row["event_id"] for row in await db.fetch(REMEMBER_MANY, [event["id"] for _, event in batch])}
    newest = {event["subject"]: (message, event) for message, event in batch if UUID(event["id"]) in new}
    rows = [
        (key, event["data"]["company_id"], event["data"]["project_id"], event["data"]["revision"], message.value())
        for key, (message, event) in newest.items()
    ]
    if rows:
        *columns, payloads = zip(*rows, strict=True)
        await db.execute(UPSERT_MANY, *columns, [payload.decode() for payload in payloads])


def _status(event: dict[str, Any]) -> bytes:
    data = event["data"]
    return orjson.dumps(status_event(event["subject"], data["company_id"], data["revision"]))


if __name__ == "__main__":
    asyncio.run(run(Place.from_environment()))
