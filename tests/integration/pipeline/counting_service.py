"""A small service on the pipeline: it counts retrieves per commitment and publishes an event for each one."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from confluent_kafka import KafkaError, Producer
from pydantic import SecretStr
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Identity,
    Integer,
    MetaData,
    Table,
    Text,
    func,
    select,
)
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.schema import CreateSchema

from schemas.commitment import Person
from schemas.envelope import Event, encode, new_event
from schemas.events import CommitmentRetrieved
from schemas.topics import TOPICS
from services.pipeline.aggregate import Aggregate
from services.pipeline.broker import Brokers, EventProducer, create_topics
from services.pipeline.bulk import insert_many
from services.pipeline.database import Database
from services.pipeline.errors import BrokerError
from services.pipeline.fold import Decided, On, RefusedError, StateChange
from services.pipeline.outbox import Outbox
from services.pipeline.records import Partition
from services.pipeline.runtime import Runtime, Service
from services.pipeline.settings import ServiceSettings
from services.pipeline.tables import KernelTables, kernel_tables
from services.pipeline.writes import Writes
from tests.integration.pipeline.topic_events import export_succeeded
from tests.packed_messages import set_compression
from tests.waiting import eventually

FORBIDDEN_REVISION = 666
"""A revision that a check constraint refuses."""
SAM = Person(id="p-sam", name="Sam Lee", email="sam@builder.example")


@dataclass(frozen=True, slots=True)
class RetrieveCount:
    """How many retrieves of one commitment were counted, and the highest revision among them."""

    key: str
    count: int
    highest: int


class Tables:
    """The tables of one counting service, in a schema of its own name."""

    def __init__(self, schema: str) -> None:
        self.metadata = MetaData(schema=schema)
        self.kernel: KernelTables = kernel_tables(self.metadata)
        self.retrieve_count = Table(
            "retrieve_count",
            self.metadata,
            Column("key", Text, primary_key=True),
            Column("count", Integer, nullable=False, server_default="0"),
            Column("highest", Integer, nullable=False, server_default="0"),
        )
        self.seen = Table(
            "seen",
            self.metadata,
            Column("id", BigInteger, Identity(), primary_key=True),
            Column("key", Text, nullable=False),
            Column("revision", Integer, nullable=False),
            CheckConstraint(f"revision <> {FORBIDDEN_REVISION}"),
        )


def retrieved(known: RetrieveCount, event: Event[CommitmentRetrieved], now: datetime) -> Decided[RetrieveCount, int]:
    """Count the retrieve if its revision is the highest so far; its row is the revision."""
    revision = event.data.revision
    if event.data.company_id == "somebody-else":
        raise RefusedError("other_company", "another company's commitment")
    if event.data.project_id == "defect":
        raise ZeroDivisionError("a handler's defect")
    if revision <= known.highest:
        return Decided(known, is_changed=False)
    published = export_succeeded(known.key, revision, now)
    return Decided(RetrieveCount(known.key, known.count + 1, revision), (published,), (revision,))


class RetrieveCountStore:
    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def load(self, db: AsyncConnection, keys: Sequence[str]) -> Mapping[str, RetrieveCount]:
        table = self._tables.retrieve_count
        await insert_many(db, table, [{"key": key} for key in keys])
        chosen = select(table).where(table.c.key == func.any(list(keys))).order_by(table.c.key)
        return {row.key: RetrieveCount(*row) for row in await db.execute(chosen.with_for_update(key_share=True))}

    async def save(
        self, _: AsyncConnection, writes: Writes, changes: Sequence[StateChange[RetrieveCount, int]]
    ) -> None:
        rows = [{"key": c.key, "count": c.after.count, "highest": c.after.highest} for c in changes]
        writes.update(self._tables.retrieve_count, rows, "key")
        writes.insert(self._tables.seen, [{"key": c.key, "revision": each} for c in changes for each in c.rows])


class CountingService:
    """One counting service with its database; several runtimes of it may run at once."""

    def __init__(self, name: str, bootstrap_servers: str, database_url: str, group_protocol: str = "consumer") -> None:
        self.name = name
        self.tables = Tables(name)
        self.settings = ServiceSettings(
            kafka_bootstrap_servers=bootstrap_servers,
            kafka_group_protocol=group_protocol,  # type: ignore[arg-type] - parametrised by tests
            database_url=SecretStr(database_url),
            http_port=0,
        )
        self.database = Database(self.settings.database_url, application_name="tests")

    async def prepare(self) -> None:
        await asyncio.to_thread(create_topics, self.settings, TOPICS)
        async with self.database.begin() as db:
            await db.execute(CreateSchema(self.name, if_not_exists=True))
            await db.run_sync(self.tables.metadata.create_all)

    async def begin_at_the_end(self) -> None:
        """Save the present ends of the topic as if everything were read: what other tests left is not this one's."""
        highs: dict[Partition, int] = {}

        async def are_known() -> bool:
            with suppress(BrokerError):  # partitions of a new topic have no leader for a moment
                spans = await Brokers(self.settings).spans([CommitmentRetrieved.topic])
                highs.update({partition: span.high for partition, span in spans.items()})
            return bool(highs)

        await eventually(are_known)
        offsets = [{"topic": topic, "partition": number, "next_offset": at} for (topic, number), at in highs.items()]
        async with self.database.begin() as db:
            await insert_many(db, self.tables.kernel.consumer_offset, [each for each in offsets if each["next_offset"]])

    def service(self, **parts: Any) -> Service:
        """Return the parts of one process of it; `parts` are added."""
        aggregate = Aggregate(
            "retrieve_count",
            (On(CommitmentRetrieved, retrieved),),
            RetrieveCountStore(self.tables),
            is_independent=True,
        )
        return Service(
            name=self.name,
            tables=self.tables.kernel,
            database=Database(self.settings.database_url, application_name=self.name),
            outbox=Outbox(self.tables.kernel),
            aggregates=(aggregate,),
            **parts,
        )

    @asynccontextmanager
    async def running(self, **parts: Any) -> AsyncIterator[Runtime]:
        runtime = Runtime(self.service(**parts), self.settings)
        running = asyncio.create_task(runtime.run())
        try:
            yield runtime
        finally:
            runtime.stop()
            await running

    async def counts(self, prefix: str) -> dict[str, RetrieveCount]:
        """Return the counts of the keys that begin with `prefix`."""
        table = self.tables.retrieve_count
        async with self.database.begin() as db:
            rows = await db.execute(select(table).where(table.c.key.startswith(prefix)))
            return {row.key: RetrieveCount(*row) for row in rows}

    async def total(self, prefix: str) -> int:
        """Return the sum of the counts of the keys that begin with `prefix`."""
        return sum(each.count for each in (await self.counts(prefix)).values())

    async def rows(self, table: Table) -> int:
        """Return the number of rows in `table`."""
        async with self.database.begin() as db:
            return int((await db.execute(select(func.count()).select_from(table))).scalar_one())

    async def has_sent_everything(self) -> bool:
        return await self.rows(self.tables.kernel.outbox) == 0


def retrieve_event(commitment_id: str, revision: int, **given: Any) -> bytes:
    """Return the message of a `commitment.retrieved` event."""
    plain = {"company_id": "c-1", "project_id": "pr-1", "commitment_id": commitment_id, "revision": revision}
    event = CommitmentRetrieved.model_validate(plain | given | {"retrieved_by": SAM})
    return encode(new_event(event, source="tests", time=datetime.now(UTC)))


async def publish(settings: ServiceSettings, messages: Sequence[tuple[str, bytes | None]]) -> None:
    """Put (key, value) messages on commitment.retrieved."""
    producer = EventProducer(settings, "tests")
    try:
        errors = await producer.send([("commitment.retrieved", key, value) for key, value in messages])
        assert errors == [None] * len(messages)
    finally:
        await asyncio.to_thread(producer.close)


def publish_packed(settings: ServiceSettings, key: str, value: bytes, codec: str) -> None:
    """Put one message on commitment.retrieved, as a sender does that compresses and has no limit. Blocks.

    The topic takes it only for this moment, as one does that was created by somebody else.
    """
    set_compression(settings.client_config(), "commitment.retrieved", "producer")
    limits = {"message.max.bytes": 1_000_000_000, "compression.type": codec}
    producer = Producer(settings.client_config() | limits | {"partitioner": "murmur2_random"})
    errors: list[KafkaError | None] = []
    producer.produce("commitment.retrieved", value, key, on_delivery=lambda error, _: errors.append(error))
    producer.flush(30)
    set_compression(settings.client_config(), "commitment.retrieved", "uncompressed")
    assert errors == [None]
