import asyncio
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from sandbox.service_process import ServiceProcess
from services.digest.storage.tables import ITEM, KERNEL
from services.pipeline.dead_letters import DeadLetter, DeadLetters
from services.pipeline.records import Partition, Record
from tests.integration.digest.company_events import message
from tests.integration.digest.conftest import DigestUnderTest
from tests.waiting import eventually


@pytest.fixture
def process(digest: DigestUnderTest) -> Iterator[ServiceProcess]:
    environment = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ} | {
        "KAFKA_BOOTSTRAP_SERVERS": digest.settings.kafka_bootstrap_servers,
        "DATABASE_URL": digest.settings.database_url.get_secret_value(),
        "PUBLIC_URL": digest.settings.public_url,
        "LINK_SECRET": digest.settings.link_secret.get_secret_value(),
    }
    process = ServiceProcess("digest", environment)
    yield process
    process.close()


async def test_the_service_follows_the_topics_and_drains_within_ten_seconds(
    digest: DigestUnderTest, process: ServiceProcess
) -> None:
    await asyncio.to_thread(process.start)
    await digest.publish(message(digest.company.status("SC-1", 1)))

    async def is_stored() -> bool:
        return await digest.row(ITEM, digest.company.key("SC-1")) is not None

    await eventually(is_stored)
    asked_at = time.monotonic()
    await asyncio.to_thread(process.stop)
    assert time.monotonic() - asked_at < 10
    assert "service.stopped" in process.log.read_text()
    async with digest.database.begin() as db:
        assert (await db.execute(select(KERNEL.lease.c.holder))).all() == []


async def test_it_takes_up_what_an_earlier_version_did_not_know(
    digest: DigestUnderTest, process: ServiceProcess
) -> None:
    topic, key, value = message(digest.company.status("SC-2", 1))
    record = Record(Partition(topic, 0), 1, key.encode(), value, (), datetime.now(UTC))
    async with digest.database.begin() as db:
        await DeadLetters(KERNEL).add(db, [DeadLetter(record, "unknown_type", "type does not travel")])

    await asyncio.to_thread(process.start)

    async def is_stored() -> bool:
        return await digest.row(ITEM, key) is not None

    await eventually(is_stored)
    await eventually(lambda: "dead_letters.redriven_by_itself" in process.log.read_text())
    async with digest.database.begin() as db:
        assert await DeadLetters(KERNEL).count_by_reason(db) == {}
