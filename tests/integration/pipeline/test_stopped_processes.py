"""Processes that stand still for longer than their session, and then continue, never leave a partition unread."""

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.servers import LocalKafka
from tests.integration.pipeline.counting_process import counting_process
from tests.integration.pipeline.counting_service import CountingService, publish, retrieve_event
from tests.waiting import eventually

KEYS = 48
ROUNDS = 3
SESSION_SECONDS = 2.0
BEYOND_THE_SESSION_SECONDS = 4.0
READ_WITHIN_SECONDS = 25.0
"""Less than it takes until the brokers are asked whether partitions stand still, so nothing but the recovery helps."""

pytestmark = pytest.mark.timeout(200)


class ImpatientKafka(LocalKafka):
    """A broker that gives up a silent member soon."""

    def server_properties(self) -> str:
        own = {"session.timeout.ms": SESSION_SECONDS * 1000, "heartbeat.interval.ms": SESSION_SECONDS * 250}
        lines = [f"group.consumer.{name}={value:.0f}" for name, value in own.items()]
        return "\n".join([super().server_properties(), *lines, ""])


@pytest.fixture
def broker() -> Iterator[LocalKafka]:
    with ImpatientKafka() as running:
        yield running


async def test_everything_is_read_although_processes_are_stopped_beyond_their_session(
    broker: LocalKafka, database_url: str, unique_suffix: str, tmp_path: Path
) -> None:
    """Each in turn comes back with a batch that the other has processed, loses its partitions, and gets some again."""
    service = CountingService(f"counting_{unique_suffix}", broker.bootstrap_servers, database_url)
    await service.prepare()
    stream = Stream(service, unique_suffix)
    logs = [tmp_path / "first", tmp_path / "second"]

    with counting_process(service, logs[0]) as first, counting_process(service, logs[1]) as second:
        await eventually(lambda: all("consumer.assigned" in log.read_text() for log in logs))
        streaming = asyncio.create_task(stream.run())
        for stopped in (first, second) * ROUNDS:
            os.kill(stopped.pid, signal.SIGSTOP)
            await asyncio.sleep(BEYOND_THE_SESSION_SECONDS)
            os.kill(stopped.pid, signal.SIGCONT)
            await asyncio.sleep(1.5)
        stream.stopping.set()
        await streaming
        await eventually(stream.is_read, READ_WITHIN_SECONDS)
        assert await stream.skipped() == []

    await service.database.close()


class Stream:
    """Publishes one revision of every key after the other."""

    def __init__(self, service: CountingService, prefix: str) -> None:
        self._service = service
        self._prefix = prefix
        self._published = 0
        self.stopping = asyncio.Event()

    async def run(self) -> None:
        while not self.stopping.is_set():
            self._published += 1
            keys = [f"{self._prefix}-{number}" for number in range(KEYS)]
            await publish(self._service.settings, [(key, retrieve_event(key, self._published)) for key in keys])
            await asyncio.sleep(0.2)

    async def skipped(self) -> list[str]:
        """Return the keys of which not every revision was counted."""
        counts = await self._service.counts(self._prefix)
        return [key for key, each in counts.items() if each.count != self._published]

    async def is_read(self) -> bool:
        counts = await self._service.counts(self._prefix)
        return len(counts) == KEYS and all(each.highest == self._published for each in counts.values())
