"""What our services publish at the edges of its types is no dead letter of any of them, nor is what follows from it."""

from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime
from typing import Any, get_args

import pytest
from pydantic import SecretStr

from schemas.envelope import decode, encode, new_event
from schemas.events import DigestReady
from schemas.topics import TOPICS
from services.approval import aggregates as approval
from services.approval.storage import tables as approval_tables
from services.approval.storage.migrations import MIGRATIONS as APPROVAL
from services.digest import aggregates as digest
from services.digest.storage import tables as digest_tables
from services.digest.storage.migrations import MIGRATIONS as DIGEST
from services.exporter import aggregates as exporter
from services.exporter.storage import tables as exporter_tables
from services.exporter.storage.migrations import MIGRATIONS as EXPORTER
from services.notifier import aggregates as notifier
from services.notifier.storage import tables as notifier_tables
from services.notifier.storage.migrations import MIGRATIONS as NOTIFIER
from services.pipeline.aggregate import topics_of
from services.pipeline.batch_processor import BatchProcessor
from services.pipeline.database import Database
from services.pipeline.decoding import decode_batch
from services.pipeline.migrations import migrate
from services.pipeline.outbox import Outbox
from services.pipeline.records import Batch, Partition, Record
from tests.unit.schemas.edges import Edge, record

SERVICES: dict[str, tuple[Any, Any, Any]] = {
    "approval": (approval.AGGREGATES, approval_tables.KERNEL, APPROVAL),
    "exporter": (exporter.aggregates(lambda *_: "main"), exporter_tables.KERNEL, EXPORTER),
    "notifier": (notifier.AGGREGATES, notifier_tables.KERNEL, NOTIFIER),
    "digest": (digest.AGGREGATES, digest_tables.KERNEL, DIGEST),
}
MOST_STEPS = 5
"""How often something follows from what was published; it ends long before."""


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    for _, _, migrations in SERVICES.values():
        await migrate(SecretStr(database_url), migrations)
    opened = Database(SecretStr(database_url), application_name="tests")
    yield opened
    await opened.close()


def at_the_edge(edge: Edge) -> list[Record]:
    """Return an event of each topic; a summary is the digest's own, which leaves out what does not fit."""
    now, records = datetime.now(UTC), []
    for place, topic in enumerate(topic for topic in TOPICS if topic.event is not DigestReady):
        data = topic.event.model_validate(record(topic.event, edge))
        event = new_event(data, source="countersign/tests", time=now)
        records.append(Record(Partition(topic.name, 0), place, event.subject.encode(), encode(event), [], now))
    return records


async def read_by(name: str, database: Database, records: Iterable[Record]) -> tuple[list[str], list[Record]]:
    """Process what the service reads of `records`; return its dead letters in words, and what it publishes."""
    aggregates, kernel, _ = SERVICES[name]
    outbox, topics = Outbox(kernel), topics_of(aggregates)
    processor = BatchProcessor(name, database, kernel, outbox, aggregates)
    batch = Batch.without_offsets([each for each in records if each.partition.topic in topics])
    await processor.settle(batch, decode_batch(batch.records))
    letters = kernel.dead_letter.c
    async with database.begin() as db:
        found = await db.execute(kernel.dead_letter.select().order_by(letters.topic))
        told = [f"{name}: {row.topic}: {row.reason}: {row.why}" for row in found]
        rows = await outbox.oldest(db, 1_000)
        await outbox.settle(db, [row.name for row in rows])
    now = datetime.now(UTC)
    return told, [Record(Partition(row.topic, 1), row.id, row.key.encode(), row.value, [], now) for row in rows]


@pytest.mark.parametrize("edge", get_args(Edge))
async def test_no_service_sets_aside_what_another_one_publishes(database: Database, edge: Edge) -> None:
    records = at_the_edge(edge)
    for _ in range(MOST_STEPS):
        published: list[Record] = []
        for name in SERVICES:
            letters, following = await read_by(name, database, records)
            assert letters == []
            published += following
        for each in published:
            assert decode(each.partition.topic, each.key, each.value or None, [], each.at)
        records = published
    assert records == []
