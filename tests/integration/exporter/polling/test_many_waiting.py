"""What each call of a conversation asks costs no more with many commitments that wait."""

from datetime import UTC, datetime

from services.exporter.storage import conversations
from tests.integration.exporter.exporter_process import ExporterProcess
from tests.integration.exporter.filling import fill
from tests.scanning import reading

LATER = datetime(2200, 1, 1, tzinfo=UTC)


async def test_the_commitment_that_has_been_due_for_longest_is_read_without_the_others(
    polled: ExporterProcess,
) -> None:
    await fill(polled.database, 50_000, 50_000)
    tried = [f"f-{number}" for number in range(1, 500, 50)]
    async with (
        reading(polled.database, "exporter", "commitment", "export") as read,
        polled.database.begin() as db,
    ):
        due = await conversations.next_due(db, ["erp-1", "erp-1-formerly"], tried, LATER)
        in_doubt = await conversations.next_in_doubt(db, ["erp-1", "erp-1-formerly"], tried)

    assert (due is not None, in_doubt) == (True, None)
    assert (read.scans, read.index_entries < 50) == (0, True)
