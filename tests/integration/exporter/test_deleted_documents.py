"""A document that somebody deletes in the ERP is created anew once an approver says so, and never twice."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from sandbox.erp.faults import ErpFault, ErpFaultKind
from sandbox.erp.rules import Rules
from schemas.commitment import ErpDocument
from schemas.events import ExportFailed, Failure
from schemas.fields import FailureClass
from services.exporter.connectors.types import Exists, FindAnswer, FoundDocument, Gone, WriteAnswer, WriteRequest
from services.exporter.rules.marker import marker_of
from services.exporter.storage import tables
from services.pipeline.fold import RefusedError
from tests.integration.exporter.exporter_process import SETTLE_SECONDS, ExporterProcess, running_exporter
from tests.unit.exporter.builders import SECOND, accepted_event, rejected_event, resolved_event

NEW_TITLE = "Concrete, levels 2 and 3"


async def finished(exporter: ExporterProcess) -> list[str]:
    """Work until nothing is due any more, and return the states."""
    for _ in range(8):
        await exporter.work_once()
        exporter.clock.advance(SETTLE_SECONDS)
    return await exporter.export_states()


async def deleted(exporter: ExporterProcess, revision: int = 2) -> Failure:
    """Export revision 1, delete its document, and return how the export of `revision` fails."""
    await exporter.consume(accepted_event())
    await exporter.work_once()
    exporter.erp.books.delete("1001")
    return await failed(exporter, revision)


async def failed(exporter: ExporterProcess, revision: int, round: int = 1, **asked: Any) -> Failure:  # noqa: A002
    await exporter.consume(accepted_event(revision, round, title=NEW_TITLE, **asked))
    await finished(exporter)
    event = await exporter.last_published()
    assert isinstance(event.data, ExportFailed)
    assert (event.data.revision, event.data.round) == (revision, round)
    return event.data.failure


async def create_anew(exporter: ExporterProcess, failure: Failure, revision: int = 2, round: int = 2) -> None:  # noqa: A002
    await exporter.consume(accepted_event(revision, round, title=NEW_TITLE, replaces=failure.document))


def stands(exporter: ExporterProcess) -> list[tuple[str, int]]:
    return [(document.id, document.order.revision) for document in exporter.erp.books.under("c-1")]


async def test_an_update_of_a_deleted_document_fails_as_gone(exporter: ExporterProcess) -> None:
    failure = await deleted(exporter)

    assert (failure.code, failure.document and failure.document.number) == ("document_gone", "PO-1001")
    assert exporter.erp.books.documents == {}
    assert [entry.method for entry in exporter.erp.journal.about("c-1")] == ["GET", "POST", "GET", "PUT", "GET"]


async def test_a_retry_and_a_rejection_with_a_new_revision_lead_to_the_same_failure(exporter: ExporterProcess) -> None:
    first = await deleted(exporter)
    retried = await failed(exporter, 2, 2)
    await exporter.consume(rejected_event(2, 2))
    resent = await failed(exporter, 3)

    assert first == retried == resent


async def test_it_is_created_anew_once_an_approver_says_so(exporter: ExporterProcess) -> None:
    await create_anew(exporter, await deleted(exporter))

    assert await finished(exporter) == ["succeeded", "succeeded"]
    assert stands(exporter) == [("1002", 2)]
    await exporter.consume(accepted_event(3))
    assert await finished(exporter) == ["succeeded"] * 3
    assert stands(exporter) == [("1002", 3)]


async def test_repeated_orders_create_one_document(exporter: ExporterProcess) -> None:
    order = accepted_event(2, 2, title=NEW_TITLE, replaces=(await deleted(exporter)).document)
    await exporter.consume(order, order)
    await finished(exporter)
    await exporter.consume(order, accepted_event(commitment_id="c-2"), order)
    await finished(exporter)

    assert stands(exporter) == [("1002", 2)]


async def test_a_document_that_is_back_is_updated_instead(exporter: ExporterProcess) -> None:
    failure = await deleted(exporter)
    exporter.erp.books.restore(exporter.erp.journal.entries[1:2])  # the ERP takes it back under another id
    exporter.erp.journal.entries.clear()
    await create_anew(exporter, failure)

    assert await finished(exporter) == ["succeeded", "succeeded"]
    assert stands(exporter) == [("1002", 2)]
    assert [entry.method for entry in exporter.erp.journal.entries] == ["GET", "PUT"]


async def test_an_error_of_the_erp_is_retried_by_order_and_ends_with_exactly_one(exporter: ExporterProcess) -> None:
    failure = await deleted(exporter)
    exporter.erp.faults.replace([ErpFault(kind=ErpFaultKind.ERROR_BEFORE_STORING, times=1)])
    await create_anew(exporter, failure)
    assert (await finished(exporter), stands(exporter)) == (["succeeded", "failed"], [])

    await exporter.consume(accepted_event(2, 3, title=NEW_TITLE))

    assert (await finished(exporter), stands(exporter)) == (["succeeded", "succeeded"], [("1002", 2)])


@pytest.mark.parametrize("kind", [ErpFaultKind.LOSE_ANSWER, ErpFaultKind.ERROR_AFTER_STORING])
async def test_a_lost_answer_to_the_new_document_ends_with_exactly_one(
    exporter: ExporterProcess, kind: ErpFaultKind
) -> None:
    failure = await deleted(exporter)
    exporter.erp.faults.replace([ErpFault(kind=kind, times=1)])
    await create_anew(exporter, failure)

    assert await finished(exporter) == ["succeeded", "succeeded"]
    assert len(stands(exporter)) == 1


async def test_a_lost_answer_to_the_update_ends_as_gone_all_the_same(exporter: ExporterProcess) -> None:
    await exporter.consume(accepted_event())
    await exporter.work_once()
    exporter.erp.books.delete("1001")
    exporter.erp.faults.replace([ErpFault(kind=ErpFaultKind.LOSE_ANSWER, times=1)])

    failure = await failed(exporter, 2)

    assert failure.code == "document_gone"
    assert "export.in_doubt" in await exporter.published_topics()


@pytest.mark.parametrize("is_written", [True, False])
async def test_a_worker_that_dies_while_it_creates_anew_leaves_one_document(
    exporter: ExporterProcess, *, is_written: bool
) -> None:
    await create_anew(exporter, await deleted(exporter))
    (job,) = await exporter.claim()
    if is_written:
        await exporter.work.perform(job)
    exporter.clock.advance(SETTLE_SECONDS)

    assert await finished(exporter) == ["succeeded", "succeeded"]
    assert len(stands(exporter)) == 1


async def test_an_order_for_another_reason_failed_and_retried_still_creates_one(exporter: ExporterProcess) -> None:
    failure = await deleted(exporter)
    exporter.erp.faults.replace([ErpFault(kind=ErpFaultKind.REFUSE, times=1)])
    await create_anew(exporter, failure)
    await finished(exporter)
    await exporter.consume(accepted_event(2, 3, title=NEW_TITLE))

    assert await finished(exporter) == ["succeeded", "succeeded"]
    assert stands(exporter) == [("1002", 2)]


async def test_an_exporter_that_reads_all_orders_again_finds_the_new_document(exporter: ExporterProcess) -> None:
    """As after a restore of its database from before them."""
    failure = await deleted(exporter)
    await create_anew(exporter, failure)
    await finished(exporter)
    async with exporter.database.begin() as db:
        for table in (tables.COMPARISON, tables.SNAPSHOT, tables.EXPORT, tables.COMMITMENT):
            await db.execute(table.delete())
    for order in (accepted_event(), accepted_event(2, title=NEW_TITLE)):
        await exporter.consume(order)
    await create_anew(exporter, failure)

    assert set(await finished(exporter)) <= {"succeeded", "superseded"}
    assert stands(exporter) == [("1002", 2)]


async def test_an_erp_with_unique_references_is_asked_before_it_creates_anew(database_url: str, tmp_path: Path) -> None:
    async with running_exporter(database_url, tmp_path, is_reference_unique=True) as exporter:
        failure = await deleted(exporter)
        exporter.erp.journal.entries.clear()
        await create_anew(exporter, failure)

        assert await finished(exporter) == ["succeeded", "succeeded"]
        assert [entry.method for entry in exporter.erp.journal.entries] == ["GET", "POST"]


async def test_a_document_given_as_evidence_under_a_wrong_number_can_be_created_anew(
    exporter: ExporterProcess,
) -> None:
    await exporter.consume(accepted_event(), resolved_event(1, "PO-77", number="PO-77", confirmed_by=SECOND))

    failure = await failed(exporter, 2)
    await create_anew(exporter, failure)

    assert (failure.document and failure.document.id) == "PO-77"
    assert await finished(exporter) == ["succeeded", "succeeded"]
    assert stands(exporter) == [("1001", 2)]


async def test_the_number_of_a_replaced_document_may_be_evidence_for_another_commitment(
    exporter: ExporterProcess,
) -> None:
    failure = await deleted(exporter)
    theirs = resolved_event(1, "9", commitment_id="c-2", number="PO-1001", confirmed_by=SECOND)
    with pytest.raises(RefusedError, match="it is that of c-1"):
        await exporter.consume(accepted_event(commitment_id="c-2"), theirs)
    await create_anew(exporter, failure)
    await finished(exporter)

    await exporter.consume(accepted_event(commitment_id="c-2"), theirs)
    await exporter.work_once()

    async with exporter.database.begin() as db:
        chosen = select(tables.EXPORT.c.document).where(tables.EXPORT.c.commitment_id == "c-2")
        document = ErpDocument.model_validate((await db.execute(chosen)).scalar_one())
    assert document.number == "PO-1001"


async def test_of_two_documents_the_one_that_is_left_is_updated(exporter: ExporterProcess) -> None:
    await exporter.consume(accepted_event())
    await exporter.work_once()
    exporter.erp.books.create(exporter.erp.books.documents["1001"].order, exporter.clock.now)
    exporter.erp.books.delete("1001")

    failure = await failed(exporter, 2)
    assert (failure.code, stands(exporter)) == ("document_gone", [("1002", 1)])
    await create_anew(exporter, failure)

    assert await finished(exporter) == ["succeeded", "succeeded"]
    assert stands(exporter) == [("1002", 2)]


class HidingConnector:
    """Speaks to an ERP that hides deleted documents from a search, but keeps their references taken."""

    enforces_reference = True

    async def find(self, reference: str) -> FindAnswer:
        del reference
        return ()

    async def create(self, request: WriteRequest) -> WriteAnswer:
        return Exists(FoundDocument("1001", "PO-1001", None, marker_of(request.reference, 1, "0" * 64)))

    async def update(self, document_id: str, request: WriteRequest) -> WriteAnswer:
        del request
        return Gone(FailureClass.FIX_SETUP, f"There is no document {document_id}.")

    async def close(self) -> None:
        pass


class ConfusedConnector(HidingConnector):
    """Answers that a new document is gone."""

    async def create(self, request: WriteRequest) -> WriteAnswer:
        return await self.update("1001", request)


@pytest.mark.parametrize(
    ("connector", "code"),
    [(HidingConnector(), "reference_held"), (ConfusedConnector(), None)],
    ids=["hiding", "confused"],
)
async def test_an_erp_that_neither_has_nor_frees_a_document_fails_as_fix_setup(
    exporter: ExporterProcess, connector: HidingConnector, code: str | None
) -> None:
    failure = await deleted(exporter)
    process = exporter.with_connector(connector)
    await create_anew(process, failure)
    await finished(process)

    event = await process.last_published()
    assert isinstance(event.data, ExportFailed)
    assert (event.data.failure.code, event.data.failure.failure_class) == (code, FailureClass.FIX_SETUP)
    assert event.data.attempts == 1


async def test_a_new_document_is_subject_to_the_rules_of_the_erp(exporter: ExporterProcess) -> None:
    failure = await deleted(exporter)
    exporter.erp.books.rules = Rules(number_characters=2)
    await create_anew(exporter, failure)
    await finished(exporter)

    event = await exporter.last_published()
    assert isinstance(event.data, ExportFailed)
    assert (event.data.failure.code, event.data.failure.in_erp) == ("3070", False)
