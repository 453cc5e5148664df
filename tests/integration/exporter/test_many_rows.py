"""What the exporter asks again and again costs no more with many exports in its tables."""

from services.exporter.storage import queries
from services.exporter.storage.due import read_queues
from services.exporter.storage.locking import Due, lock_due
from tests.integration.exporter.exporter_process import ExporterProcess
from tests.integration.exporter.filling import COMPANIES, fill
from tests.scanning import reading
from tests.unit.exporter.builders import accepted_event

ROWS, WAITING = 50_000, 500
NAMES = [f"erp-{number}" for number in range(COMPANIES)]


async def test_looking_for_what_is_due_reads_one_commitment_of_each_connection(exporter: ExporterProcess) -> None:
    await fill(exporter.database, ROWS, WAITING)
    async with (
        reading(exporter.database, "exporter", "commitment", "export") as read,
        exporter.database.autocommit() as db,
    ):
        now, queues = await read_queues(db, None, ())

    assert {queue.name for queue in queues if queue.due_at} == set(NAMES)
    assert all(queue.due_at > now for queue in queues if queue.due_at)
    assert (read.scans, read.index_entries < 4 * COMPANIES) == (0, True)


async def test_a_claim_reads_only_what_it_leases(exporter: ExporterProcess) -> None:
    await fill(exporter.database, ROWS, WAITING)
    await exporter.consume(*(accepted_event(commitment_id=f"c-{number}") for number in range(4)))
    async with reading(exporter.database, "exporter", "commitment", "export") as read:
        jobs = await exporter.claim()

    assert len(jobs) == 4
    assert (read.scans, read.index_entries < 8 * COMPANIES) == (0, True)


async def test_an_hour_of_retries_on_one_connection_does_not_slow_the_others_down(exporter: ExporterProcess) -> None:
    await fill(exporter.database, ROWS, WAITING)
    async with exporter.database.autocommit() as db:
        now, _ = await read_queues(db, None, ())
    async with (
        reading(exporter.database, "exporter", "commitment", "export") as read,
        exporter.database.begin() as db,
    ):
        assert (await lock_due(db, Due("erp-1", 16, now))).due == {}

    assert (read.scans, read.index_entries) == (0, 0)


async def test_the_gauges_read_only_exports_that_are_not_finished(exporter: ExporterProcess) -> None:
    await fill(exporter.database, ROWS, WAITING)
    async with (
        reading(exporter.database, "exporter", "commitment", "export") as read,
        exporter.database.autocommit() as db,
    ):
        counted = await queries.count_unfinished(db, exporter.clock())
        connections = await queries.connections(db, {name: (name, f"formerly-{name}") for name in NAMES})
        assert await queries.count_set_aside(db) == 0

    assert sum(each.count for each in counted if each.state == "pending") == WAITING
    assert sum(each.count for each in counted if each.state == "failed") == WAITING
    assert sum(each.queue_length for each in connections.values()) == WAITING
    assert (read.scans, read.index_entries <= 3 * WAITING + COMPANIES) == (0, True)
