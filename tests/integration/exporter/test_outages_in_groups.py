"""What calls have shown of an ERP holds also where results are recorded together, or once more after a failure."""

from contextlib import suppress
from pathlib import Path

from sqlalchemy import text

from services.exporter.attempt import ExportJob
from services.exporter.rules.circuit import Circuit
from services.exporter.storage.connection_store import locked_circuit
from services.pipeline.work import Ended, Places
from services.pipeline.writes import Writes
from tests.integration.exporter.exporter_process import ExporterProcess, running_exporter
from tests.integration.exporter.test_outages import RestartableErp, accept, restartable

NO_PLACES: Places[ExportJob] = Places(0, ())
__all__ = ["restartable"]


class RolledBackError(Exception):
    """Ends a transaction."""


async def circuit(exporter: ExporterProcess) -> Circuit:
    async with exporter.database.begin() as db:
        return await locked_circuit(db, "main", exporter.clock())


async def test_a_trial_that_is_recorded_once_more_closes_the_circuit(
    database_url: str, tmp_path: Path, restartable: RestartableErp
) -> None:
    settings = "max_in_flight = 1\nmax_missed_calls = 1"
    async with running_exporter(database_url, tmp_path, url=restartable.url, settings=settings) as exporter:
        await accept(exporter, "c-1", "c-2")
        await exporter.work_once()
        assert (await circuit(exporter)).open_since is not None
        await restartable.start()
        exporter.clock.advance(15)
        (job,) = await exporter.claim()
        result = await exporter.work.perform(job)
        with suppress(RolledBackError):
            async with exporter.database.begin() as db:
                await exporter.work.settle_together(db, Writes(), [Ended(job, result)], NO_PLACES)
                raise RolledBackError

        await exporter.settle(job, result)

        assert (await circuit(exporter)).open_since is None


async def test_what_a_group_puts_off_keeps_its_places_in_the_queue(
    database_url: str, tmp_path: Path, restartable: RestartableErp
) -> None:
    async with running_exporter(database_url, tmp_path, url=restartable.url) as exporter:
        await accept(exporter, *(f"c-{number}" for number in range(6)))
        ended = [Ended(job, await exporter.work.perform(job)) for job in await exporter.claim()]
        writes = Writes()
        async with exporter.database.begin() as db:
            await exporter.work.settle_together(db, writes, ended, NO_PLACES)
            await writes.execute(db)

        assert (await circuit(exporter)).open_since is not None
        async with exporter.database.begin() as db:
            late = await db.scalars(text("select due_at - accepted_at from exporter.export"))
        assert {each.total_seconds() for each in late} == {0}
