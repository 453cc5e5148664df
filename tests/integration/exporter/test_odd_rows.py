"""A row that cannot be read stops nobody else: it is set aside, counted, and taken up again once it is mended."""

from typing import Any

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import func, select, update

from schemas.events import ErpConnection
from services.exporter.storage import tables
from services.exporter.work import ExportWork
from services.pipeline.lease_clock import LeaseClock
from services.pipeline.work import Claimed
from tests.calendar_checks import drop_calendar_checks
from tests.damaging import ODD_TIMES
from tests.integration.exporter.exporter_process import ExporterProcess
from tests.unit.exporter.builders import accepted_event

NESTED = "[" * 300 + "]" * 300
VERY_DEEP = "[" * 2000 + "]" * 2000
CORRUPTIONS = {
    "a record with a member missing": "update exporter.export set decided_by = '{}' where commitment_id = 'c-2'",
    "an unknown state": "update exporter.export set state = 'odd' where commitment_id = 'c-2'",
    "evidence under no revision": "update exporter.commitment set resolved = '{\"x\": 1}' where id = 'c-2'",
    "evidence that is no object": "update exporter.commitment set resolved = '[1]' where id = 'c-2'",
    "a lease on a revision that is not there": (
        "update exporter.commitment set lease_token = gen_random_uuid(), lease_revision = 9 where id = 'c-2'"
    ),
    "no export at all": "delete from exporter.export where commitment_id = 'c-2'",
    "a record nested deeply": (
        "update exporter.export set summary = summary || '{\"extra\": NESTED}' where commitment_id = 'c-2'"
    ),
    "a record nested more deeply than Python reads": (
        "update exporter.export set summary = summary || '{\"extra\": VERY_DEEP}' where commitment_id = 'c-2'"
    ),
}


async def corrupt(exporter: ExporterProcess, corruption: str, time: str = "") -> None:
    await drop_calendar_checks(exporter.database, "exporter")
    async with exporter.database.begin() as db:
        await db.exec_driver_sql(
            corruption.replace("NESTED", NESTED).replace("VERY_DEEP", VERY_DEEP).replace("TIME", f"'{time}'")
        )


async def set_aside(exporter: ExporterProcess) -> list[str]:
    table = tables.COMMITMENT
    async with exporter.database.begin() as db:
        return list(await db.scalars(select(table.c.id).where(table.c.set_aside.is_not(None))))


@pytest.mark.parametrize("corruption", CORRUPTIONS.values(), ids=CORRUPTIONS)
async def test_a_row_that_cannot_be_read_is_set_aside_and_the_others_are_exported(
    exporter: ExporterProcess, corruption: str
) -> None:
    await exporter.consume(*(accepted_event(commitment_id=f"c-{number}") for number in range(1, 6)))
    await corrupt(exporter, corruption)

    done = await exporter.work_once()
    await exporter.connection_report.report()

    assert done == 4
    assert await set_aside(exporter) == ["c-2"]
    assert REGISTRY.get_sample_value("work_set_aside", {"service": "exporter"}) == 1
    assert all(exporter.erp.books.under(f"c-{number}") for number in (1, 3, 4, 5))
    exporter.clock.advance(3600)
    assert await exporter.work_once() == 0


@pytest.mark.parametrize("time", ODD_TIMES)
async def test_a_time_that_no_calendar_has_stops_no_export(exporter: ExporterProcess, time: str) -> None:
    await exporter.consume(*(accepted_event(commitment_id=f"c-{number}") for number in range(1, 4)))
    await corrupt(exporter, "update exporter.export set accepted_at = TIME where commitment_id = 'c-1'", time)
    await corrupt(exporter, "update exporter.commitment set due_at = '0044-03-15 BC' where id = 'c-2'")

    assert await exporter.work_once() == 3

    assert await set_aside(exporter) == []
    assert await exporter.export_states() == ["succeeded"] * 3


@pytest.mark.parametrize("time", ODD_TIMES)
@pytest.mark.parametrize(
    "column",
    ["open_since = TIME, try_at", "paused_until", "full_at", "last_contact", "configured_until", "formerly_until"],
)
async def test_a_connection_with_a_time_that_no_calendar_has_is_announced_and_exports(
    exporter: ExporterProcess, column: str, time: str
) -> None:
    await exporter.connection_report.report()
    await exporter.consume(accepted_event())
    await corrupt(exporter, f"update exporter.connection set {column} = TIME, told = null", time)  # noqa: S608 - ours

    await exporter.connection_report.report()
    done = await exporter.work_once()
    await exporter.connection_report.report()

    assert done == 1
    assert exporter.erp.books.under("c-1")
    told = [each.data for each in await exporter.published() if isinstance(each.data, ErpConnection)]
    assert len(told) > 1
    assert all(each.paused_until is None or each.paused_until <= exporter.clock() for each in told)


async def test_a_row_that_was_set_aside_is_exported_once_an_operator_has_mended_it(exporter: ExporterProcess) -> None:
    await exporter.consume(accepted_event())
    await corrupt(exporter, "update exporter.export set state = 'odd'")
    assert await exporter.work_once() == 0
    async with exporter.database.begin() as db:
        await db.execute(update(tables.EXPORT).values(state="pending"))
        await db.execute(update(tables.COMMITMENT).values(due_at=exporter.clock()))

    assert await exporter.work_once() == 1

    assert await exporter.export_states() == ["succeeded"]
    assert await set_aside(exporter) == []


@pytest.mark.parametrize(
    "damage",
    [
        "delete from exporter.snapshot where commitment_id = 'c-1'",
        "update exporter.snapshot set text = '{' where commitment_id = 'c-1'",
        "update exporter.snapshot set text = '[1]' where commitment_id = 'c-1'",
        "update exporter.snapshot set text = '{}' where commitment_id = 'c-1'",
        "update exporter.snapshot set text = 'NESTED' where commitment_id = 'c-1'",
        "update exporter.snapshot set text = 'VERY_DEEP' where commitment_id = 'c-1'",
    ],
)
async def test_an_export_whose_content_is_missing_or_damaged_fails_for_the_admin_and_nothing_is_sent(
    exporter: ExporterProcess, damage: str
) -> None:
    await exporter.consume(accepted_event(), accepted_event(commitment_id="c-2"))
    await corrupt(exporter, damage)

    assert await exporter.work_once() == 2

    assert await exporter.export_states() == ["failed", "succeeded"]
    failures = {
        event.subject: event.data for event in await exporter.published() if event.data.topic == "export.failed"
    }
    assert failures["c-1"].failure.code == "content_unreadable"
    assert exporter.erp.books.under("c-1") == []


async def test_a_commitment_whose_result_cannot_be_recorded_is_set_aside_for_its_own_lease_only(
    exporter: ExporterProcess,
) -> None:
    await exporter.consume(accepted_event())
    (late,) = await exporter.claim()
    exporter.clock.advance(3600)
    (job,) = await exporter.claim()
    async with exporter.database.begin() as db:
        await exporter.work.set_aside(db, late, "too late")
    assert await set_aside(exporter) == []

    async with exporter.database.begin() as db:
        await exporter.work.set_aside(db, job, "odd")

    assert await set_aside(exporter) == ["c-1"]


async def test_leases_begin_and_end_by_the_databases_clock(exporter: ExporterProcess) -> None:
    real = ExporterProcess(exporter.database, exporter.connections, exporter.erp)
    real.work = ExportWork(exporter.connections, real.store, LeaseClock())
    await exporter.consume(accepted_event())
    async with exporter.database.begin() as db:
        await db.execute(update(tables.COMMITMENT).values(due_at=func.now()))

    claimed: Claimed[Any] = await real.work.claim(real.database, 1, ())

    assert len(claimed.jobs) == 1
    async with exporter.database.begin() as db:
        left = (await db.execute(select(tables.COMMITMENT.c.due_at - func.now()))).scalar_one()
    lease_seconds = exporter.connections.by_name["main"].lease_seconds
    assert lease_seconds - 10 < left.total_seconds() <= lease_seconds
    assert lease_seconds - 10 < claimed.jobs[0].remaining_seconds <= left.total_seconds() + 1
