"""What processes decide about time, they decide by the database's clock, whichever their own is."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from pydantic import SecretStr
from sqlalchemy import make_url, select, text

from services.pipeline.batch_processor import BatchProcessor
from services.pipeline.database import Database
from services.pipeline.decoding import decode_batch
from services.pipeline.records import Batch, Partition, Record
from tests.integration.pipeline.counting_service import CountingService, retrieve_event

OFF = timedelta(hours=1)
NEAR = timedelta(minutes=1)
SLOW_CLOCK = """
create function public.{name}() returns timestamptz language sql
as $$ select pg_catalog.{name}() - interval '1 hour' $$
"""


@pytest.fixture
async def counting(database_url: str, unique_suffix: str) -> AsyncIterator[CountingService]:
    """A service whose machine is an hour ahead of its database's."""
    plain = Database(SecretStr(database_url), application_name="tests")
    async with plain.begin() as db:
        for name in ("now", "statement_timestamp", "clock_timestamp"):
            await db.execute(text(SLOW_CLOCK.format(name=name)))
        await db.execute(
            text(f'alter database "{make_url(database_url).database}" set search_path = public, pg_catalog')
        )
    await plain.close()
    service = CountingService(f"counting_{unique_suffix}", "127.0.0.1:9", database_url)
    async with service.database.begin() as db:
        await db.execute(text(f"create schema {service.name}"))
        await db.run_sync(service.tables.metadata.create_all)
    yield service
    await service.database.close()


@pytest.mark.usefixtures("counting")
async def test_it_is_known_from_the_first_transaction_on(database_url: str) -> None:
    database = Database(SecretStr(database_url), application_name="tests")
    async with database.begin():
        assert abs(datetime.now(UTC) - OFF - database.clock()) < NEAR
    await database.close()


async def test_events_are_handled_at_the_databases_time(counting: CountingService) -> None:
    service = counting.service()
    processor = BatchProcessor(service.name, service.database, service.tables, service.outbox, service.aggregates)
    now = datetime.now(UTC)
    records = [Record(Partition("commitment.retrieved", 0), 0, b"SC-1", retrieve_event("SC-1", 1), (), now)]
    await processor.settle(Batch.without_offsets(records), decode_batch(records))
    async with counting.database.begin() as db:
        value = (await db.execute(select(counting.tables.kernel.outbox.c.value))).scalar_one()
    await service.database.close()
    assert abs(datetime.fromisoformat(orjson.loads(value)["time"]) - (now - OFF)) < NEAR
