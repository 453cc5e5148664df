"""An update that the ERP carries out once nobody waits for it any more is noticed, and its end is told."""

from pathlib import Path

import pytest

from sandbox.erp.faults import ErpFault, ErpFaultKind
from schemas.events import ExportDrifted, ExportSucceeded
from services.exporter.connectors.types import Unknown, WriteAnswer, WriteRequest
from services.exporter.rules.policy import RECHECKS
from services.exporter.rules.recheck import Recheck
from services.exporter.storage import recheck_store
from tests.integration.exporter.exporter_process import SETTLE_SECONDS, ExporterProcess, running_exporter
from tests.integration.exporter.late_connector import LateConnector
from tests.integration.exporter.test_comparing import compare
from tests.integration.exporter.test_looks_in_several_erps import FIRST_LOOK_SECONDS, given_up_in_main
from tests.unit.exporter.builders import NOW, accepted_event, rejected_event

READS = "reads_documents = true"


class LateUpdate(LateConnector):
    """Keeps the first update back, instead of the first document."""

    async def create(self, request: WriteRequest) -> WriteAnswer:
        return await self._connector.create(request)

    async def update(self, document_id: str, request: WriteRequest) -> WriteAnswer:
        if not self._is_first:
            return await self._connector.update(document_id, request)
        self._is_first, self._kept_back, self.document_id = False, request, document_id
        return Unknown("The ERP did not answer.")

    async def arrive(self) -> None:
        """Let the ERP carry out the update that was kept back."""
        assert self._kept_back is not None
        await self._connector.update(self.document_id, self._kept_back)


async def with_a_lost_update(exporter: ExporterProcess) -> tuple[ExporterProcess, LateUpdate]:
    """An exporter that has exported revision 1, and has given up revision 2, whose update is on its way."""
    late = LateUpdate(exporter.connections.by_name["main"].connector)
    process = exporter.with_connector(late)
    await process.consume(accepted_event())
    await process.work_once()
    await process.consume(accepted_event(2, title="Concrete, levels 2 and 3"))
    exporter.erp.faults.replace([ErpFault(kind=ErpFaultKind.REFUSE, times=1)])
    for _ in range(6):
        await process.work_once()
        process.clock.advance(SETTLE_SECONDS + 10)
    assert await process.export_states() == ["succeeded", "failed"]
    return process, late


@pytest.mark.parametrize("is_rejected", [False, True])
async def test_an_update_that_lands_late_is_told(exporter: ExporterProcess, *, is_rejected: bool) -> None:
    process, late = await with_a_lost_update(exporter)
    if is_rejected:
        await process.consume(rejected_event(2))
    await late.arrive()
    process.clock.advance(RECHECKS[0].total_seconds())
    assert await process.look_once() == 1
    await process.work_once()

    told = (await process.last_published()).data
    assert isinstance(told, ExportSucceeded)
    assert told.revision == 2
    assert await process.export_states() == ["succeeded", "succeeded"]


async def test_an_update_that_lands_late_on_a_later_revision_is_compared_at_once(
    database_url: str, tmp_path: Path
) -> None:
    async with running_exporter(database_url, tmp_path, settings=READS) as exporter:
        process, late = await with_a_lost_update(exporter)
        await process.consume(rejected_event(2), accepted_event(3, title="Concrete, level 3"))
        await process.work_once()
        assert await process.export_states() == ["succeeded", "superseded", "succeeded"]
        assert await compare(exporter) == 0
        await late.arrive()
        process.clock.advance(RECHECKS[0].total_seconds())
        assert await process.look_once() == 1
        assert await compare(exporter) == 1  # by the connector itself, which can read

        (drifted,) = [each.data for each in await process.published() if isinstance(each.data, ExportDrifted)]
        assert [(each.field, each.before, each.after) for each in drifted.differences] == [("Revision", "3", "2")]


async def test_a_failed_export_is_not_written_after_a_look(exporter: ExporterProcess) -> None:
    """Accounting removes what had failed before the exporter asks again; nobody has ordered another one."""
    lost = await given_up_in_main(exporter)
    await lost.arrive()
    exporter.clock.advance(FIRST_LOOK_SECONDS)
    assert await exporter.look_once() == 1
    for document in exporter.erp.books.under("c-1"):
        exporter.erp.books.delete(document.id)
    created = exporter.erp.journal.created()["c-1"]
    for _ in range(6):
        await exporter.work_once()
        exporter.clock.advance(60)

    assert exporter.erp.journal.created()["c-1"] == created
    assert await exporter.export_states() == ["failed"]


async def test_looks_leave_exports_a_turn_on_a_connection_that_takes_one_call(
    database_url: str, tmp_path: Path
) -> None:
    async with running_exporter(database_url, tmp_path, settings="max_in_flight = 1") as exporter:
        late = [f"late-{number}" for number in range(20)]
        await exporter.consume(*(accepted_event(commitment_id=each) for each in late))
        while await exporter.work_once():
            pass
        async with exporter.database.begin() as db:
            await recheck_store.schedule(db, [Recheck(each, "co-1", "main", NOW) for each in late])
        await exporter.consume(*(accepted_event(commitment_id=f"c-{number}") for number in range(3)))
        turns = [(await exporter.work_once(), await exporter.look_once()) for _ in range(10)]

        assert sum(exports for exports, _ in turns) == 3
        assert sum(looks for _, looks in turns) >= 5
