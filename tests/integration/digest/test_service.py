import asyncio
import os
import time
from collections.abc import Iterator

import pytest

from sandbox.service_process import ServiceProcess
from services.digest.storage.tables import ITEM
from tests.integration.digest.company import message
from tests.integration.digest.conftest import Bench
from tests.waiting import eventually


@pytest.fixture
def process(bench: Bench) -> Iterator[ServiceProcess]:
    environment = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ} | {
        "KAFKA_BOOTSTRAP_SERVERS": bench.settings.kafka_bootstrap_servers,
        "DATABASE_URL": bench.settings.database_url.get_secret_value(),
        "PUBLIC_URL": bench.settings.public_url,
        "LINK_SECRET": bench.settings.link_secret.get_secret_value(),
    }
    process = ServiceProcess("digest", environment)
    yield process
    process.close()


async def test_the_service_follows_the_topics_and_drains_within_ten_seconds(
    bench: Bench, process: ServiceProcess
) -> None:
    await asyncio.to_thread(process.start)
    await bench.publish(message(bench.company.status("SC-1", 1)))

    async def is_known() -> bool:
        return await bench.row(ITEM, bench.company.key("SC-1")) is not None

    await eventually(is_known)
    asked_at = time.monotonic()
    await asyncio.to_thread(process.stop)
    assert time.monotonic() - asked_at < 10
    assert "service.stopped" in process.log.read_text()
