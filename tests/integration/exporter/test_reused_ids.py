"""A restored ERP gives its ids again: what was written to the document of another commitment would be lost there."""

from pathlib import Path

import pytest

from sandbox.erp import books
from tests.integration.exporter.exporter_process import ExporterProcess, running_exporter
from tests.unit.exporter.builders import accepted_event


async def after_restore(exporter: ExporterProcess) -> None:
    """Let c-2 get the id of c-1's document, which a restored backup does not have."""
    await exporter.consume(accepted_event())
    await exporter.work_once()
    exporter.erp.books.delete("1001")
    exporter.erp.books._created = 0
    await exporter.consume(accepted_event(commitment_id="c-2"))
    await exporter.work_once()


@pytest.mark.parametrize("is_guarded", [True, False], ids=["the ERP refuses it", "the ERP would take it"])
async def test_the_document_of_another_commitment_is_not_overwritten(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_guarded: bool
) -> None:
    settings = "" if is_guarded else "reads_documents = true"
    if not is_guarded:
        monkeypatch.setattr(books, "_other_reference", lambda *_: None)
    async with running_exporter(database_url, tmp_path, settings=settings) as exporter:
        await after_restore(exporter)
        await exporter.consume(accepted_event(2, title="Other"))
        await exporter.work_once()

        (document,) = exporter.erp.books.documents.values()
        assert document.order.marker.startswith("c-2/")
        (failed,) = [event.data for event in await exporter.published() if event.data.topic == "export.failed"]
        assert failed.failure.code == "document_gone"
        assert failed.failure.document is not None
