"""An ERP that is down, or asks to be left alone, costs no approval: the queue waits, and drains in order."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from sandbox.erp.faults import Calls, ErpFault, ErpFaultKind
from sandbox.erp.journal import Did, Entry
from sandbox.erp.running import running_erp
from sandbox.erp.server import Erp
from sandbox.servers.local_server import free_ports
from services.exporter.connectors.types import Transient
from tests.integration.exporter.exporter_process import TOKEN, ExporterProcess, running_exporter
from tests.integration.exporter.losing_connector import LosingConnector
from tests.unit.exporter.builders import accepted_event

OUTAGE_SECONDS = 600


class RestartableErp:
    """The sandbox's ERP at one address, stopped and started by a test; its documents survive."""

    def __init__(self, folder: Path) -> None:
        self._port = free_ports(1)[0]
        self._journal = folder / "journal"
        self._running = AsyncExitStack()
        self.url = f"http://127.0.0.1:{self._port}"
        self.erp: Erp | None = None

    async def start(self) -> None:
        erp = running_erp(token=TOKEN, port=self._port, journal_path=self._journal)
        self.erp = await self._running.enter_async_context(erp)

    async def stop(self) -> None:
        await self._running.aclose()

    @property
    def created(self) -> list[str]:
        """The references of the documents in the order in which they were created."""
        entries: list[Entry] = self.erp.journal.entries if self.erp else []
        return [entry.reference for entry in entries if entry.did is Did.CREATED and entry.reference]


@pytest.fixture
async def restartable(tmp_path: Path) -> AsyncIterator[RestartableErp]:
    erp = RestartableErp(tmp_path)
    yield erp
    await erp.stop()


async def accept(exporter: ExporterProcess, *ids: str) -> None:
    """Accept each of `ids` a second after the other."""
    for each in ids:
        exporter.clock.advance(1)
        await exporter.consume(accepted_event(commitment_id=each, time=exporter.clock()))


def calls_without_an_answer() -> float:
    labels = {"connection": "main", "outcome": "transient"}
    return REGISTRY.get_sample_value("erp_export_seconds_count", labels) or 0.0


async def wait_out(exporter: ExporterProcess, seconds: int) -> None:
    """Work for `seconds` of the exporter's clock."""
    for _ in range(seconds):
        await exporter.work_once()
        exporter.clock.advance(1)


async def outcomes(exporter: ExporterProcess) -> list[str]:
    return [topic for topic in await exporter.published_topics() if topic != "erp.connection"]


@pytest.mark.parametrize("max_in_flight", [1, 4])
async def test_an_erp_that_is_down_for_ten_minutes_costs_no_approval_and_the_queue_drains_in_order(
    database_url: str, tmp_path: Path, restartable: RestartableErp, max_in_flight: int
) -> None:
    settings = f"max_in_flight = {max_in_flight}"
    async with running_exporter(database_url, tmp_path, settings=settings, url=restartable.url) as exporter:
        ids = [f"c-{number:02}" for number in range(30)]
        before = calls_without_an_answer()
        await accept(exporter, *ids[:20])
        await wait_out(exporter, OUTAGE_SECONDS // 2)
        await accept(exporter, *ids[20:])
        await wait_out(exporter, OUTAGE_SECONDS // 2)
        assert await outcomes(exporter) == []
        assert calls_without_an_answer() - before <= 5 + 2 * max_in_flight + 6

        await restartable.start()
        await wait_out(exporter, 400)

        assert await outcomes(exporter) == ["export.succeeded"] * len(ids)
        assert restartable.created == ids


async def test_the_recovery_begins_with_one_call_and_does_not_open_the_circuit_again(
    database_url: str, tmp_path: Path, restartable: RestartableErp
) -> None:
    async with running_exporter(database_url, tmp_path, url=restartable.url) as exporter:
        await accept(exporter, *(f"c-{number:02}" for number in range(30)))
        await wait_out(exporter, 60)
        await restartable.start()
        exporter.clock.advance(300)

        at_a_time = [await exporter.work_once() for _ in range(6)]

        assert at_a_time == [1, 2, 4, 8, 15, 0]


async def test_a_name_that_is_not_known_and_a_refused_connection_open_the_circuit(
    database_url: str, tmp_path: Path
) -> None:
    async with running_exporter(database_url, tmp_path, url="http://erp.invalid") as exporter:
        await accept(exporter, *(f"c-{number}" for number in range(6)))
        await exporter.work_once()
        await exporter.connection_report.report()

        event = await exporter.last_published()
        assert event.data.circuit_open_since is not None
        assert await exporter.work_once() == 0


async def test_a_server_without_tls_opens_the_circuit(
    database_url: str, tmp_path: Path, restartable: RestartableErp
) -> None:
    await restartable.start()
    url = restartable.url.replace("http:", "https:")
    async with running_exporter(database_url, tmp_path, url=url) as exporter:
        await accept(exporter, *(f"c-{number}" for number in range(6)))
        await exporter.work_once()
        await exporter.connection_report.report()

        assert (await exporter.last_published()).data.circuit_open_since is not None


async def test_one_process_at_a_time_tries_an_erp_that_is_down(
    database_url: str, tmp_path: Path, restartable: RestartableErp
) -> None:
    async with running_exporter(database_url, tmp_path, url=restartable.url) as exporter:
        await accept(exporter, *(f"c-{number}" for number in range(8)))
        await exporter.work_once()
        exporter.clock.advance(10)
        processes = [exporter.sibling() for _ in range(4)]

        claimed = await asyncio.gather(*(process.claim() for process in processes))

        assert sum(map(len, claimed)) == 1


async def test_retry_after_pauses_the_whole_connection_and_counts_as_no_attempt(exporter: ExporterProcess) -> None:
    busy = ErpFault(kind=ErpFaultKind.UNAVAILABLE, calls=Calls.EVERY, retry_after_seconds=120, times=1)
    exporter.erp.faults.replace([busy])
    await accept(exporter, "c-1")
    await exporter.work_once()
    await accept(exporter, "c-2", "c-3")
    await wait_out(exporter, 110)
    assert len(exporter.erp.journal.entries) == 1

    await wait_out(exporter, 20)

    created = [entry.reference for entry in exporter.erp.journal.entries if entry.did is Did.CREATED]
    assert created == ["c-1", "c-2", "c-3"]


async def test_an_erp_that_asks_for_pauses_for_an_hour_costs_no_approval(exporter: ExporterProcess) -> None:
    busy = ErpFault(kind=ErpFaultKind.UNAVAILABLE, calls=Calls.EVERY, retry_after_seconds=30)
    exporter.erp.faults.replace([busy])
    await accept(exporter, "c-1", "c-2")
    await wait_out(exporter, 3_600)
    assert await outcomes(exporter) == []

    exporter.erp.faults.replace([])
    await wait_out(exporter, 310)

    assert await outcomes(exporter) == ["export.succeeded"] * 2


async def test_an_export_that_alone_is_never_answered_fails_in_the_end(exporter: ExporterProcess) -> None:
    connector = exporter.connections.by_name["main"].connector
    exporter = exporter.with_connector(DeafConnector(connector, "c-1"))
    await accept(exporter, "c-1")
    for number in range(60):
        await accept(exporter, f"d-{number}")
        await wait_out(exporter, 20)

    failed = [event for event in await exporter.published() if event.data.topic == "export.failed"]
    assert [event.subject for event in failed] == ["c-1"]


class DeafConnector(LosingConnector):
    """Gets no answer about one reference."""

    def __init__(self, connector: object, reference: str) -> None:
        super().__init__(connector, times=0)  # type: ignore[arg-type]
        self._deaf_to = reference

    async def find(self, reference: str):  # noqa: ANN201
        return Transient("The ERP did not answer.") if reference == self._deaf_to else await super().find(reference)


async def test_a_limit_per_minute_holds_over_all_processes(database_url: str, tmp_path: Path) -> None:
    async with running_exporter(database_url, tmp_path, settings="max_calls_per_minute = 30") as exporter:
        await exporter.consume(*(accepted_event(commitment_id=f"c-{number}") for number in range(80)))
        processes = [exporter, exporter.sibling(), exporter.sibling()]
        calls = []
        for _ in range(180):
            await asyncio.gather(*(process.work_once() for process in processes))
            calls.append(len(exporter.erp.journal.entries))
            for process in processes:
                process.clock.advance(1)

        in_any_minute = [later - earlier for earlier, later in zip(calls, calls[60:], strict=False)]
        assert max(in_any_minute) <= 30
        assert calls[-1] >= 75
