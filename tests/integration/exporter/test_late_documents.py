"""A document that the ERP stores after all waiting is found later, and shown as an open item."""

from collections.abc import Sequence
from pathlib import Path

from prometheus_client import REGISTRY
from sqlalchemy import func, select, text

from sandbox.erp.faults import Calls, ErpFault, ErpFaultKind
from services.exporter.rechecking import NOT_ASKED
from services.exporter.rules.call_rate import CallRate
from services.exporter.rules.policy import RECHECKS
from services.exporter.storage import connection_store, tables
from tests.integration.exporter.exporter_process import SETTLE_SECONDS, ExporterProcess, running_exporter
from tests.integration.exporter.filling import fill
from tests.integration.exporter.late_connector import LateConnector
from tests.scanning import reading
from tests.unit.exporter.builders import accepted_event

MANY_LOOKS = """
insert into exporter.look (commitment_id, company_id, connection, due_at)
select id, company_id, 'main', timestamptz '2100-01-01' from exporter.commitment
"""
FIRST_LOOK_SECONDS = RECHECKS[0].total_seconds()
DAY_SECONDS = 86_400


def late_documents() -> float:
    return REGISTRY.get_sample_value("erp_late_documents_total", {"connection": "main"}) or 0.0


async def written_again(exporter: ExporterProcess) -> tuple[ExporterProcess, LateConnector]:
    """Return the exporter after an answer was lost and the write was repeated; the first write is still on its way."""
    connector = LateConnector(exporter.connections.by_name["main"].connector)
    exporter = exporter.with_connector(connector)
    await exporter.consume(accepted_event())
    await exporter.work_once()
    exporter.clock.advance(SETTLE_SECONDS + 10)
    await exporter.work_once()
    assert await exporter.export_states() == ["succeeded"]
    return exporter, connector


async def documents_told(exporter: ExporterProcess) -> Sequence[str]:
    succeeded = [event for event in await exporter.published() if event.data.topic == "export.succeeded"]
    return [event.data.erp_document.id for event in succeeded]


async def planned(exporter: ExporterProcess) -> int:
    async with exporter.database.autocommit() as db:
        count: int = (await db.execute(select(func.count()).select_from(tables.LOOK))).scalar_one()
    return count


async def test_a_document_that_is_stored_late_is_told_beside_the_first_one(exporter: ExporterProcess) -> None:
    exporter, connector = await written_again(exporter)
    before = late_documents()
    await connector.arrive()
    exporter.clock.advance(FIRST_LOOK_SECONDS)

    assert await exporter.look_once() == 1

    assert len(exporter.erp.books.under("c-1")) == 2
    assert set(await documents_told(exporter)) == {each.id for each in exporter.erp.books.under("c-1")}
    assert late_documents() - before == 1


async def test_a_document_that_comes_after_the_first_looks_is_found_by_a_later_one(exporter: ExporterProcess) -> None:
    exporter, connector = await written_again(exporter)
    exporter.clock.advance(FIRST_LOOK_SECONDS)
    await exporter.look_once()
    await connector.arrive()
    exporter.clock.advance(DAY_SECONDS)
    await exporter.look_once()

    assert len(set(await documents_told(exporter))) == 2


async def test_the_looks_survive_a_restart_and_end(exporter: ExporterProcess) -> None:
    exporter, _ = await written_again(exporter)
    looks = 0
    for _ in range(2 * len(RECHECKS)):
        exporter = exporter.sibling()
        exporter.clock.advance(DAY_SECONDS)
        looks += await exporter.look_once()

    assert (looks, await planned(exporter)) == (len(RECHECKS), 0)


async def test_a_look_that_a_dead_process_had_leased_is_taken_over(exporter: ExporterProcess) -> None:
    exporter, _ = await written_again(exporter)
    exporter.clock.advance(FIRST_LOOK_SECONDS)
    await exporter.recheck_work.claim(exporter.database, 16, ())
    other = exporter.sibling()
    assert await other.look_once() == 0

    other.clock.advance(DAY_SECONDS)

    assert await other.look_once() == 1


async def test_a_success_without_a_doubt_is_not_looked_at(exporter: ExporterProcess) -> None:
    await exporter.consume(accepted_event())
    await exporter.work_once()

    assert await planned(exporter) == 0


async def test_looks_do_not_hold_up_the_next_revision(exporter: ExporterProcess) -> None:
    exporter, _ = await written_again(exporter)
    exporter.clock.advance(FIRST_LOOK_SECONDS)
    (job,) = (await exporter.recheck_work.claim(exporter.database, 16, ())).jobs
    await exporter.consume(accepted_event(2))

    assert await exporter.work_once() == 1
    assert await exporter.export_states() == ["succeeded", "succeeded"]
    async with exporter.database.begin() as db:
        assert await exporter.recheck_work.settle(db, job, await exporter.recheck_work.perform(job)) == ()


async def test_a_look_that_is_due_gets_a_call_however_long_the_queue_is(database_url: str, tmp_path: Path) -> None:
    async with running_exporter(database_url, tmp_path, settings="max_in_flight = 1") as running:
        exporter, _ = await written_again(running)
        exporter.clock.advance(FIRST_LOOK_SECONDS)
        await exporter.consume(*(accepted_event(commitment_id=f"d-{number}") for number in range(3)))

        assert await exporter.work_once() == 0
        assert await exporter.look_once() == 1
        assert [await exporter.work_once() for _ in range(3)] == [1, 1, 1]


async def test_a_look_takes_no_call_beyond_the_limit(database_url: str, tmp_path: Path) -> None:
    async with running_exporter(database_url, tmp_path, settings="max_in_flight = 1") as running:
        exporter, _ = await written_again(running)
        exporter.clock.advance(FIRST_LOOK_SECONDS - 1)
        await exporter.consume(accepted_event(commitment_id="d-1"))
        (job,) = await exporter.claim()
        exporter.clock.advance(1)

        assert await exporter.look_once() == 0
        await exporter.settle(job, await exporter.work.perform(job))
        assert await exporter.look_once() == 1


async def test_a_call_that_a_look_does_not_make_is_given_back(database_url: str, tmp_path: Path) -> None:
    async with running_exporter(database_url, tmp_path, settings="max_calls_per_minute = 40") as running:
        exporter, _ = await written_again(running)
        exporter.clock.advance(FIRST_LOOK_SECONDS)
        (job,) = (await exporter.recheck_work.claim(exporter.database, 16, ())).jobs
        async with exporter.database.begin() as db:
            await exporter.recheck_work.settle(db, job, NOT_ASKED)
            circuit = await connection_store.locked_circuit(db, "main", exporter.clock())

    assert CallRate(40).free_calls(circuit.full_at, exporter.clock()) == CallRate(40).bucket


async def test_looks_wait_while_the_circuit_is_open(exporter: ExporterProcess) -> None:
    exporter, _ = await written_again(exporter)
    exporter.erp.faults.replace([ErpFault(kind=ErpFaultKind.UNAVAILABLE, calls=Calls.EVERY, retry_after_seconds=0)])
    exporter.clock.advance(FIRST_LOOK_SECONDS - 1)
    await exporter.consume(*(accepted_event(commitment_id=f"d-{number}") for number in range(5)))
    await exporter.work_once()
    exporter.clock.advance(1)
    calls = len(exporter.erp.journal.entries)

    assert await exporter.look_once() == 0
    assert len(exporter.erp.journal.entries) == calls


async def test_a_document_that_turns_up_after_the_export_was_given_up_makes_it_succeed(
    exporter: ExporterProcess,
) -> None:
    exporter.erp.faults.replace([ErpFault(kind=ErpFaultKind.ERROR_BEFORE_STORING, times=1)])
    connector = LateConnector(exporter.connections.by_name["main"].connector)
    exporter = exporter.with_connector(connector)
    await exporter.consume(accepted_event())
    await exporter.work_once()
    exporter.clock.advance(SETTLE_SECONDS + 10)
    await exporter.work_once()
    for _ in range(4):
        exporter.clock.advance(SETTLE_SECONDS + 10)
        await exporter.work_once()
    assert await exporter.export_states() == ["failed"]
    await connector.arrive()

    exporter.clock.advance(DAY_SECONDS)
    await exporter.look_once()
    await exporter.work_once()

    assert await exporter.export_states() == ["succeeded"]
    assert len(await documents_told(exporter)) == 1


async def test_asking_for_due_looks_costs_the_same_with_thousands_of_them(exporter: ExporterProcess) -> None:
    await fill(exporter.database, 50_000, 500)
    async with exporter.database.begin() as db:
        await db.execute(text(MANY_LOOKS))
    async with exporter.database.autocommit() as db:
        await db.exec_driver_sql("vacuum analyze exporter.look")
    async with reading(exporter.database, "exporter", "look") as read:
        assert await exporter.look_once() == 0

    assert (read.scans, read.index_entries <= 4) == (0, True)
