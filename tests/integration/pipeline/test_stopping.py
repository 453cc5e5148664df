"""A service ends in time after SIGTERM, even if a server hangs."""

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path
from time import monotonic

import pytest
from pydantic import SecretStr
from sqlalchemy import MetaData

from sandbox.servers import LocalPostgres
from sandbox.service_process import ServiceProcess
from schemas.topics import TOPICS
from services.notifier.storage.migrations import MIGRATIONS
from services.pipeline.broker import create_topics
from services.pipeline.database import Database
from services.pipeline.migrations import migrate
from services.pipeline.outbox import Outbox
from services.pipeline.runtime import Runtime, Service
from services.pipeline.settings import KafkaSettings, ServiceSettings
from services.pipeline.tables import kernel_tables
from tests.kafka import KafkaUnderTest

ENDS_WITHIN_SECONDS = 12


@pytest.mark.alone
def test_a_service_ends_in_time_although_its_database_hangs(
    kafka: KafkaUnderTest, local_postgres: Callable[[], LocalPostgres]
) -> None:
    """All processes of PostgreSQL are frozen: connections stay open, and nothing answers."""
    postgres = local_postgres()
    create_topics(KafkaSettings(kafka_bootstrap_servers=kafka.bootstrap_servers), TOPICS)
    asyncio.run(migrate(SecretStr(postgres.url), MIGRATIONS))
    environment = {
        "KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
        "DATABASE_URL": postgres.url,
        "SMTP_URL": "smtp://127.0.0.1:1",
        "MAIL_FROM": "erp@desk.example",
        "PUBLIC_URL": "https://desk.example",
    }
    with ServiceProcess("notifier", environment) as service:
        assert service.pid is not None
        frozen = processes_of(postgres)
        for each in frozen:
            os.kill(each, signal.SIGSTOP)
        try:
            stopped_at = monotonic()
            os.kill(service.pid, signal.SIGTERM)
            assert service.ends_within(ENDS_WITHIN_SECONDS), service.log.read_text()[-2000:]
        finally:
            for each in frozen:
                os.kill(each, signal.SIGCONT)

    assert monotonic() - stopped_at < ENDS_WITHIN_SECONDS


def processes_of(postgres: LocalPostgres) -> list[int]:
    """Return the process ids of the server and its sessions, the server first."""
    children = Path(f"/proc/{postgres.pid}/task/{postgres.pid}/children").read_text().split()
    return [int(postgres.pid or 0), *map(int, children)]


async def test_a_part_that_fails_or_hangs_on_closing_does_not_keep_others_open(
    kafka: KafkaUnderTest, database_url: str
) -> None:
    closed = []

    async def fail() -> None:
        raise ConnectionResetError

    async def hang() -> None:
        await asyncio.Event().wait()

    async def close() -> None:
        closed.append("closed")

    settings = ServiceSettings(
        kafka_bootstrap_servers=kafka.bootstrap_servers, database_url=SecretStr(database_url), http_port=0
    )
    database = Database(settings.database_url, application_name="tests", pool_size=2)
    tables = kernel_tables(MetaData(schema="stopping"))
    service = Service(
        name="stopping", tables=tables, database=database, outbox=Outbox(tables), closers=(fail, hang, close)
    )
    runtime = Runtime(service, settings)
    running = asyncio.create_task(runtime.run())
    await asyncio.sleep(0)

    runtime.stop()
    async with asyncio.timeout(ENDS_WITHIN_SECONDS):
        await running

    assert closed == ["closed"]
