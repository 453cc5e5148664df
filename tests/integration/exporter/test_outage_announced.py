"""A running exporter announces an outage within seconds, also where counting what waits is slow."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from pydantic import SecretStr
from sqlalchemy import text

from sandbox.erp.faults import Calls, ErpFault, ErpFaultKind
from sandbox.servers import LocalKafka
from services.exporter.storage.tables import COMPARISON
from services.pipeline.database import Database
from tests.integration.exporter.test_reloading import started

SLOW_SECONDS = 2.0
"""A count that takes so long is repeated only after 200 seconds."""


async def test_an_outage_is_announced_although_the_figures_are_counted_seldom(
    local_kafka: Callable[[], LocalKafka], database_url: str, tmp_path: Path
) -> None:
    async with counting_held(database_url) as released, started(local_kafka(), database_url, tmp_path) as exporter:
        await asyncio.sleep(SLOW_SECONDS)
        released.set()
        exporter.first.faults.replace(
            [ErpFault(kind=ErpFaultKind.UNAVAILABLE, calls=Calls.EVERY, retry_after_seconds=5)]
        )
        await exporter.order("c-1")
        await exporter.announced("main", lambda each: each.reason is not None)


@asynccontextmanager
async def counting_held(database_url: str) -> AsyncIterator[asyncio.Event]:
    """Keep the exporter from counting what differs until the event that is yielded is set."""
    database = Database(SecretStr(database_url), application_name="test", pool_size=1)

    async def hold() -> None:
        async with database.begin() as db:
            await db.execute(text(f"lock table {COMPARISON.schema}.{COMPARISON.name}"))
            held.set()
            await released.wait()

    held, released = asyncio.Event(), asyncio.Event()
    holding = asyncio.create_task(hold())
    await held.wait()
    try:
        yield released
    finally:
        released.set()
        await holding
        await database.close()
