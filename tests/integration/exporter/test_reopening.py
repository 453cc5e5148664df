"""A synced revision is written to the ERP again by order: to its document, or to a new one in its place."""

from schemas.commitment import ErpDocument
from schemas.events import ExportSucceeded
from tests.integration.exporter.exporter_process import SETTLE_SECONDS, ExporterProcess
from tests.unit.exporter.builders import accepted_event, rejected_event

DOCUMENT = ErpDocument(connection="main", id="1001", number="PO-1001")


async def work(exporter: ExporterProcess) -> list[tuple[str, str]]:
    """Work until nothing is due any more, and return id and marker of each document of c-1."""
    for _ in range(4):
        await exporter.work_once()
        exporter.clock.advance(SETTLE_SECONDS)
    return [(each.id, each.order.marker) for each in exporter.erp.books.under("c-1")]


async def test_the_document_gets_the_approved_content_again(exporter: ExporterProcess) -> None:
    await exporter.consume(accepted_event())
    ((_, marker),) = await work(exporter)
    books = exporter.erp.books
    books.update("1001", books.documents["1001"].order.model_copy(update={"title": "By hand"}), exporter.clock())

    await exporter.consume(accepted_event(round=2, reopened=1))

    assert await work(exporter) == [("1001", f"{marker}/1")]
    assert books.documents["1001"].order.title == accepted_event().data.commitment.commitment.title
    event = await exporter.last_published()
    assert isinstance(event.data, ExportSucceeded)
    assert (event.data.round, event.data.reopened, event.data.erp_document.id) == (2, 1, "1001")


async def test_a_new_document_stands_in_for_one_that_was_deleted(exporter: ExporterProcess) -> None:
    await exporter.consume(accepted_event())
    await work(exporter)
    exporter.erp.books.delete("1001")

    await exporter.consume(accepted_event(round=2, reopened=1, replaces=DOCUMENT))
    written = await work(exporter)
    await exporter.consume(accepted_event(2, title="Concrete, levels 2 and 3"))

    assert [id_ for id_, _ in written] == ["1002"]
    assert [(id_, marker.split("/")[1]) for id_, marker in await work(exporter)] == [("1002", "2")]


async def test_a_restart_in_between_forgets_nothing(exporter: ExporterProcess) -> None:
    await exporter.consume(accepted_event())
    await work(exporter)
    exporter.erp.books.delete("1001")
    await exporter.consume(accepted_event(round=2, reopened=1, replaces=DOCUMENT))

    written = await work(exporter.sibling())
    again = await work(exporter.sibling())

    assert [id_ for id_, _ in written] == ["1002"]
    assert again == written


async def test_the_next_revision_after_an_unlinking_gets_a_document_of_its_own(exporter: ExporterProcess) -> None:
    await exporter.consume(accepted_event())
    await work(exporter)
    exporter.erp.books.delete("1001")

    await exporter.consume(rejected_event(round=2, unlinks=DOCUMENT, reopened=1))
    await exporter.consume(accepted_event(2, title="Concrete, levels 2 and 3"))

    assert [id_ for id_, _ in await work(exporter)] == ["1002"]
