"""A running exporter that gets SIGHUP reads its connections again, and loses no call and no export."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from httpx2 import AsyncClient
from pydantic import SecretStr

from sandbox.erp.faults import ErpFault, ErpFaultKind
from sandbox.erp.running import running_erp
from sandbox.erp.server import Erp
from sandbox.servers import LocalKafka
from sandbox.service_process import ServiceProcess
from schemas.envelope import encode
from schemas.events import EventData
from schemas.topics import TOPICS
from services.pipeline.broker import EventProducer, create_topics
from services.pipeline.settings import KafkaSettings
from tests.integration.pipeline.topic_events import events_on
from tests.unit.exporter.builders import accepted_event
from tests.waiting import eventually

OLD, NEW = SecretStr("old-token"), SecretStr("new-token")
SECONDS = 60.0


@dataclass
class Running:
    """An exporter's process, the file of its connections, and two ERPs."""

    process: ServiceProcess
    kafka: KafkaSettings
    folder: Path
    first: Erp
    second: Erp

    def configure(self, *connections: str) -> None:
        """Write the file, without telling the exporter."""
        (self.folder / "connections.toml").write_text("\n".join(connections), encoding="utf-8")

    def connection(self, name: str, erp: Erp, *companies: str, file: str = "old", more: str = "") -> str:
        """A connection whose token is in `file`."""
        return f"""
        [[connection]]
        name = "{name}"
        kind = "http"
        title = "Books of {name}"
        url = "{erp.url}"
        companies = {list(companies)}
        token_file = "{self.folder / file}"
        {more}
        """

    async def reload(self, outcome: str = "reloaded") -> None:
        """Send SIGHUP, and return once the file has been read."""
        before = await self.metric(f'erp_connections_reloaded_total{{outcome="{outcome}"}}')
        assert self.process.pid is not None
        os.kill(self.process.pid, signal.SIGHUP)

        async def is_read() -> bool:
            return await self.metric(f'erp_connections_reloaded_total{{outcome="{outcome}"}}') == before + 1

        await eventually(is_read, SECONDS)

    async def metric(self, name: str) -> float:
        async with AsyncClient(base_url=self.process.url) as client:
            lines = (await client.get("/metrics")).text.splitlines()
        return next(float(line.split()[-1]) for line in lines if line.startswith(name))

    async def order(self, commitment_id: str, company_id: str = "co-1", **terms: Any) -> None:
        """Publish an approver's acceptance."""
        event = accepted_event(commitment_id=commitment_id, company_id=company_id, **terms)
        producer = EventProducer(self.kafka, "tests")
        try:
            assert await producer.send([(event.data.topic, event.subject, encode(event))]) == [None]
        finally:
            await asyncio.to_thread(producer.close)

    async def outcome(self, commitment_id: str) -> EventData:
        """Wait for the last outcome of an export, and return it."""
        found: list[EventData] = []

        async def is_there() -> bool:
            for topic in ("export.succeeded", "export.failed"):
                found.extend(each.data for each in await self._events(topic, commitment_id))
            return bool(found)

        await eventually(is_there, SECONDS)
        return found[-1]

    async def announced(self, name: str, is_so: Callable[[Any], bool]) -> None:
        """Wait until the newest announcement of a connection is as `is_so` says."""

        async def is_announced() -> bool:
            events = await self._events("erp.connection", name)
            return bool(events) and is_so(events[-1].data)

        await eventually(is_announced, SECONDS)

    async def _events(self, topic: str, key: str) -> list[Any]:
        return [each for each in await asyncio.to_thread(events_on, self.kafka, topic) if each.subject == key]


@asynccontextmanager
async def started(kafka: LocalKafka, database_url: str, folder: Path, **more: str) -> AsyncIterator[Running]:
    settings = KafkaSettings(kafka_bootstrap_servers=kafka.bootstrap_servers)
    await asyncio.to_thread(create_topics, settings, TOPICS)
    (folder / "old").write_text(OLD.get_secret_value())
    (folder / "new").write_text(NEW.get_secret_value())
    environment = {
        "KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
        "DATABASE_URL": database_url,
        "ERP_CONNECTIONS": str(folder / "connections.toml"),
    }
    process = ServiceProcess("exporter", environment)
    try:
        async with running_erp(token=OLD) as first, running_erp(token=NEW) as second:
            running = Running(process, settings, folder, first, second)
            running.configure(running.connection("main", first, "co-1", more=more.get("main", "")))
            await asyncio.to_thread(process.start)
            yield running
            await asyncio.to_thread(process.stop)
    finally:
        await asyncio.to_thread(process.close)


@pytest.fixture
def kafka(local_kafka: Callable[[], LocalKafka]) -> LocalKafka:
    """A broker of its own, since all exporters of one broker share their work."""
    return local_kafka()


async def test_a_call_under_way_ends_where_it_began_and_the_next_one_goes_to_the_new_address(
    kafka: LocalKafka, database_url: str, tmp_path: Path
) -> None:
    async with started(kafka, database_url, tmp_path) as exporter:
        exporter.first.faults.replace([ErpFault(kind=ErpFaultKind.SLOW, seconds=4, times=1)])
        await exporter.order("c-1")
        await eventually(lambda: not exporter.first.faults.faults, SECONDS)

        exporter.configure(exporter.connection("main", exporter.second, "co-1", file="new"))
        await exporter.reload()
        assert exporter.first.books.documents == {}
        await exporter.order("c-2")

        assert (await exporter.outcome("c-2")).topic == "export.succeeded"
        assert (await exporter.outcome("c-1")).topic == "export.succeeded"
        assert [each.order.reference for each in exporter.first.books.documents.values()] == ["c-1"]
        assert [each.order.reference for each in exporter.second.books.documents.values()] == ["c-2"]


async def test_a_rotated_token_is_used_after_a_reload(kafka: LocalKafka, database_url: str, tmp_path: Path) -> None:
    async with started(kafka, database_url, tmp_path) as exporter:
        exporter.configure(exporter.connection("main", exporter.second, "co-1"))
        await exporter.reload()
        await exporter.order("c-1")
        refused: Any = await exporter.outcome("c-1")
        assert (refused.topic, refused.failure.failure_class) == ("export.failed", "fix_setup")

        (tmp_path / "old").write_text(NEW.get_secret_value())
        await exporter.reload()
        await exporter.order("c-2")
        assert (await exporter.outcome("c-2")).topic == "export.succeeded"


async def test_an_added_connection_is_announced_and_gets_what_is_ordered_from_then_on(
    kafka: LocalKafka, database_url: str, tmp_path: Path
) -> None:
    async with started(kafka, database_url, tmp_path) as exporter:
        await exporter.order("c-1", "co-2")
        failed: Any = await exporter.outcome("c-1")
        assert failed.failure.code == "no_connection"

        exporter.configure(
            exporter.connection("dollars", exporter.second, "co-2", file="new", more='currencies = ["USD"]'),
            exporter.connection("main", exporter.first, "co-1", "co-2"),
        )
        await exporter.reload()
        await exporter.announced("dollars", lambda each: (each.priority, each.currencies) == (1, ("USD",)))
        await exporter.announced("main", lambda each: (each.priority, each.companies) == (2, ("co-1", "co-2")))
        await exporter.order("c-2", "co-2")
        succeeded: Any = await exporter.outcome("c-2")
        assert succeeded.erp_document.connection == "dollars"


async def test_a_file_that_is_wrong_changes_nothing_and_says_why_in_the_log(
    kafka: LocalKafka, database_url: str, tmp_path: Path
) -> None:
    async with started(kafka, database_url, tmp_path) as exporter:
        exporter.configure(exporter.connection("main", exporter.second, "co-1", more="settle_second = 4"))
        await exporter.reload("failed")

        assert "settle_second: is not known; did you mean settle_seconds?" in exporter.process.latest_log
        assert await exporter.metric('erp_connections_reloaded_total{outcome="reloaded"}') == 0
        assert await exporter.metric("erp_connections_outdated") == 1
        await exporter.order("c-1")
        assert (await exporter.outcome("c-1")).topic == "export.succeeded"
        assert len(exporter.first.books.documents) == 1

        exporter.configure(exporter.connection("main", exporter.second, "co-1"))
        await exporter.reload()
        assert await exporter.metric("erp_connections_outdated") == 0


async def test_a_removed_connection_ends_its_call_and_fails_what_waits_for_it(
    kafka: LocalKafka, database_url: str, tmp_path: Path
) -> None:
    async with started(kafka, database_url, tmp_path, main="max_in_flight = 1") as exporter:
        exporter.first.faults.replace([ErpFault(kind=ErpFaultKind.SLOW, seconds=4, times=1)])
        await exporter.order("c-1")
        await eventually(lambda: not exporter.first.faults.faults, SECONDS)
        await exporter.order("c-2")

        exporter.configure(exporter.connection("other", exporter.second, "co-2", file="new"))
        await exporter.reload()
        await exporter.order("c-3")

        assert (await exporter.outcome("c-1")).topic == "export.succeeded"
        waiting: Any = await exporter.outcome("c-2")
        assert (waiting.failure.code, waiting.failure.failure_class) == ("unknown_connection", "fix_setup")
        later: Any = await exporter.outcome("c-3")
        assert later.failure.code == "no_connection"
        await exporter.announced("main", lambda each: each.companies == ())
        assert len(exporter.first.books.documents) == 1
