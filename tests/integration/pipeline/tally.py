"""A very small service on the kernel: it counts retrieves per commitment and tells of each one by an event."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

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
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.schema import CreateSchema

from schemas.commitment import ErpDocument, Person
from schemas.envelope import Event, encode, new_event
from schemas.events import CommitmentRetrieved, ExportSucceeded
from schemas.topics import TOPICS
from services.pipeline.aggregate import Aggregate
from services.pipeline.broker import EventProducer, create_topics
from services.pipeline.bulk import insert_many, update_many
from services.pipeline.database import Database
from services.pipeline.fold import Decided, On, RefusedError, StateChange
from services.pipeline.outbox import Outbox
from services.pipeline.runtime import Runtime, Service
from services.pipeline.settings import ServiceSettings
from services.pipeline.tables import KernelTables, kernel_tables

FORBIDDEN_REVISION = 666
SAM = Person(id="p-sam", name="Sam Lee", email="sam@builder.example")


@dataclass(frozen=True, slots=True)
class Tally:
    key: str
    count: int
    highest: int


class Tables:
    """The tables of one tally service, in a schema of its own name."""

    def __init__(self, schema: str) -> None:
        self.metadata = MetaData(schema=schema)
        self.kernel: KernelTables = kernel_tables(self.metadata)
        self.tally = Table(
            "tally",
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


def retrieved(tally: Tally, event: Event[CommitmentRetrieved], now: datetime) -> Decided[Tally, int]:
    revision = event.data.revision
    if event.data.company_id == "somebody-else":
        raise RefusedError("other_company", "another company's commitment")
    if event.data.project_id == "defect":
        raise ZeroDivisionError("a handler's defect")
    if revision <= tally.highest:
        return Decided(tally, is_changed=False)
    told = ExportSucceeded(
        company_id=event.data.company_id,
        project_id=event.data.project_id,
        commitment_id=event.data.commitment_id,
        revision=revision,
        round=1,
        erp_document=ErpDocument(connection="tally", id=str(tally.count + 1)),
    )
    published = new_event(told, source="countersign/tally", time=now)
    return Decided(Tally(tally.key, tally.count + 1, revision), (published,), (revision,))


class TallyStore:
    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def load(self, db: AsyncConnection, keys: Sequence[str]) -> Mapping[str, Tally]:
        table = self._tables.tally
        rows = [{"key": key} for key in keys]
        await insert_many(db, table, rows)
        chosen = select(table).where(table.c.key == func.any(list(keys))).order_by(table.c.key)
        return {row.key: Tally(*row) for row in await db.execute(chosen.with_for_update(key_share=True))}

    async def save(self, db: AsyncConnection, changes: Sequence[StateChange[Tally, int]]) -> None:
        table = self._tables.tally
        rows = [{"key": c.key, "count": c.after.count, "highest": c.after.highest} for c in changes]
        await update_many(db, table, rows, "key")
        seen = [{"key": c.key, "revision": revision} for c in changes for revision in c.rows]
        await db.execute(insert(self._tables.seen).values(seen))


class TallyService:
    """One tally service with its database; several runtimes of it may run at once."""

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

    def runtime(self) -> Runtime:
        aggregate = Aggregate("tally", (On(CommitmentRetrieved, retrieved),), TallyStore(self.tables))
        service = Service(
            name=self.name,
            tables=self.tables.kernel,
            database=Database(self.settings.database_url, application_name=self.name),
            outbox=Outbox(self.tables.kernel),
            aggregates=(aggregate,),
        )
        return Runtime(service, self.settings)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Runtime]:
        runtime = self.runtime()
        running = asyncio.create_task(runtime.run())
        try:
            yield runtime
        finally:
            runtime.stop()
            await running

    async def tallies(self, prefix: str) -> dict[str, Tally]:
        table = self.tables.tally
        async with self.database.begin() as db:
            rows = await db.execute(select(table).where(table.c.key.startswith(prefix)))
            return {row.key: Tally(*row) for row in rows}

    async def count(self, table: Table) -> int:
        async with self.database.begin() as db:
            return int((await db.execute(select(func.count()).select_from(table))).scalar_one())


def retrieve(commitment_id: str, revision: int, **given: Any) -> bytes:
    """A `commitment.retrieved` event as it stands on the topic."""
    known = {"company_id": "c-tally", "project_id": "pr-tally", "commitment_id": commitment_id, "revision": revision}
    event = CommitmentRetrieved.model_validate(known | given | {"retrieved_by": SAM})
    return encode(new_event(event, source="tests", time=datetime.now(UTC)))


async def publish(settings: ServiceSettings, messages: Sequence[tuple[str, bytes | None]]) -> None:
    """Put (key, value) messages on commitment.retrieved."""
    producer = EventProducer(settings, "tests")
    try:
        errors = await producer.send([("commitment.retrieved", key, value) for key, value in messages])
        assert errors == [None] * len(messages)
    finally:
        await asyncio.to_thread(producer.close)
