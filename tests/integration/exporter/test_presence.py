"""What leaves the file of one exporter is left to another one that still has it, and is gone once none has."""

from datetime import timedelta

import pytest

from schemas.events import ErpConnection
from services.exporter.connections import Connection, Connections
from services.exporter.presence import PRESENCE_SECONDS, Presence
from services.exporter.storage.connection_store import LEFT
from tests.integration.exporter.exporter_process import ExporterProcess
from tests.unit.exporter.builders import accepted_event

LEFT_SECONDS = LEFT / timedelta(seconds=1)


def named(exporter: ExporterProcess, name: str, *formerly: str, company: str = "co-1") -> dict[str, Connection]:
    """The file's connections if `main` is called `name` in it."""
    main = exporter.connections.by_name["main"]
    settings = main.settings.model_copy(update={"name": name, "formerly": formerly, "companies": (company,)})
    return {name: Connection(settings, main.connector)}


def process(exporter: ExporterProcess, connections: dict[str, Connection]) -> tuple[ExporterProcess, Presence]:
    """Another process on the same database and ERP, with a file of its own."""
    started = ExporterProcess(exporter.database, Connections(connections), exporter.erp, exporter.clock)
    return started, Presence(started.database, started.connections, started.clock)


async def companies_told(exporter: ExporterProcess) -> list[tuple[str, ...]]:
    """The companies of `main`, as each announcement has told them."""
    told = [each.data for each in await exporter.published() if isinstance(each.data, ErpConnection)]
    return [each.companies for each in told if each.name == "main"]


@pytest.mark.parametrize("formerly", [(), ("main",)])
async def test_what_leaves_one_exporters_file_is_left_to_another_one_that_has_it(
    exporter: ExporterProcess, formerly: tuple[str, ...]
) -> None:
    await exporter.consume(accepted_event())  # waits for `main`
    both = named(exporter, "books" if formerly else "main", *formerly)
    (reloaded, its_presence), (other, others_presence) = process(exporter, both), process(exporter, both)
    await its_presence.renew()
    await others_presence.renew()
    await reloaded.connections.replace(named(exporter, "elsewhere"))
    await its_presence.renew()
    assert await reloaded.work_once() == 0

    exporter.clock.advance(PRESENCE_SECONDS)
    await others_presence.renew()
    exporter.clock.advance(LEFT_SECONDS)
    assert await reloaded.work_once() == 0
    assert [job.export.commitment_id for job in await other.claim()] == ["c-1"]


async def test_the_desk_does_not_hear_that_a_connection_is_gone_while_another_exporter_has_it(
    exporter: ExporterProcess,
) -> None:
    main = named(exporter, "main")
    (reloaded, its_presence), (other, others_presence) = process(exporter, main), process(exporter, main)
    await its_presence.renew()
    await others_presence.renew()
    await other.connection_report.report()
    await reloaded.connections.replace(named(exporter, "elsewhere", company="co-9"))
    await its_presence.renew()
    await reloaded.connection_report.report()
    assert await companies_told(exporter) == [("co-1",)]

    exporter.clock.advance(LEFT_SECONDS)  # the other one has stopped, and says nothing any more
    await reloaded.connection_report.report()
    assert await companies_told(exporter) == [("co-1",), ()]
