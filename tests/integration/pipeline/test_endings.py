"""A process of which a part fails ends, soon and with an error, so that it is started again."""

import asyncio
import signal
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic

import pytest
from confluent_kafka.admin import AdminClient
from fastapi import FastAPI

from sandbox.servers import LocalKafka
from services.pipeline.errors import PartEndedError
from services.pipeline.runtime import Runtime
from tests.integration.pipeline.counting_process import STARTS_WITHIN_SECONDS, counting_process
from tests.integration.pipeline.counting_service import CountingService
from tests.waiting import eventually

ENDS_WITHIN_SECONDS = 12.0


def members(service: CountingService) -> int:
    """Return how many members the service's consumer group has."""
    admin = AdminClient({"bootstrap.servers": service.settings.kafka_bootstrap_servers})
    group = f"countersign.{service.name}"
    return len(admin.describe_consumer_groups([group])[group].result(10).members)


async def exit_status(process: "subprocess.Popen[bytes]", seconds: float) -> int | None:
    """Wait at most `seconds` for the end of `process` and return its status; None if it does not end."""
    try:
        return await asyncio.to_thread(process.wait, seconds)
    except subprocess.TimeoutExpired:
        return None


@pytest.mark.parametrize("fails", ["at_once", "later", "returns"])
async def test_a_process_ends_and_releases_its_partitions_when_a_part_fails(
    service: CountingService, tmp_path: Path, fails: str
) -> None:
    log = tmp_path / "log"
    with counting_process(service, log, fails) as process:
        status = await exit_status(process, STARTS_WITHIN_SECONDS + ENDS_WITHIN_SECONDS)

    text = log.read_text()
    assert status == 1, text[-3000:]
    assert "service.part_failed" in text
    assert await asyncio.to_thread(members, service) == 0


async def test_a_service_ends_whose_http_side_ends_alone(service: CountingService) -> None:
    @asynccontextmanager
    async def refuses(_: FastAPI) -> AsyncIterator[None]:
        raise ZeroDivisionError
        yield

    running = Runtime(service.service(app=FastAPI(lifespan=refuses)), service.settings).run()

    with pytest.raises(ExceptionGroup) as failed:
        await asyncio.wait_for(running, STARTS_WITHIN_SECONDS)
    assert [type(error) for error in failed.value.exceptions] == [PartEndedError]


@pytest.mark.alone
@pytest.mark.parametrize("fails", ["later_and_hangs", "later_and_blocks"])
async def test_a_process_ends_in_time_although_another_part_hangs(
    service: CountingService, tmp_path: Path, fails: str
) -> None:
    """A SIGTERM in the meantime changes nothing: it neither prevents the end nor begins the time anew."""
    log = tmp_path / "log"
    with counting_process(service, log, fails) as process:
        await eventually(lambda: "service.part_failed" in log.read_text(), STARTS_WITHIN_SECONDS)
        failed_at = monotonic()
        await asyncio.sleep(1)
        process.send_signal(signal.SIGTERM)
        status = await exit_status(process, ENDS_WITHIN_SECONDS)

    assert status == 1, log.read_text()[-3000:]
    assert monotonic() - failed_at < ENDS_WITHIN_SECONDS


async def test_a_process_ends_normally_on_sigterm_while_kafka_is_away(
    local_kafka: Callable[[], LocalKafka], database_url: str, unique_suffix: str, tmp_path: Path
) -> None:
    broker, log = await asyncio.to_thread(local_kafka), tmp_path / "log"
    service = CountingService(f"counting_{unique_suffix}", broker.bootstrap_servers, database_url)
    await service.prepare()
    with counting_process(service, log) as process:
        await eventually(lambda: "consumer.assigned" in log.read_text(), STARTS_WITHIN_SECONDS)
        await asyncio.to_thread(broker.kill)
        await eventually(lambda: "brokers.away" in log.read_text(), STARTS_WITHIN_SECONDS)
        process.send_signal(signal.SIGTERM)
        status = await exit_status(process, ENDS_WITHIN_SECONDS)

    assert status == 0, log.read_text()[-3000:]
    await service.database.close()


async def test_a_process_ends_normally_on_sigterm(service: CountingService, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with counting_process(service, log) as process:
        await eventually(lambda: "consumer.assigned" in log.read_text(), STARTS_WITHIN_SECONDS)
        process.send_signal(signal.SIGTERM)
        status = await exit_status(process, ENDS_WITHIN_SECONDS)

    assert status == 0, log.read_text()[-3000:]
